//! The layer, around services that watch what is done to them.
#![cfg(feature = "tower")]

use std::{
    convert::Infallible,
    panic,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_chaos::{Chaos, ChaosLayer, ConfigError, Injected, Plan};
use seawall_core::{BoxError, Error};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::mock;

const DELAY: Duration = Duration::from_millis(200);

fn chaos() -> Result<Chaos, ConfigError> {
    Chaos::builder("db-a").seed(7).build()
}

async fn echo(request: u32) -> Result<u32, BoxError> {
    Ok(request)
}

#[tokio::test(start_paused = true)]
async fn a_disarmed_layer_passes_everything_through() -> Result<(), BoxError> {
    let mut service = ChaosLayer::new(chaos()?).layer(service_fn(echo));

    for request in 0..100 {
        assert_eq!(service.ready().await?.call(request).await?, request);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_boxed_error_can_be_told_to_be_injected() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let service = ChaosLayer::new(chaos.clone()).layer(service_fn(echo));
    chaos.arm(Plan::new().error(1.0))?;

    let error = service.oneshot(1).await.expect_err("all calls fail");

    assert_eq!(Injected::find(&*error).map(Injected::name), Some("db-a"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_stands_outside_a_layer_that_rejects() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let guarded = service_fn(|request: u32| async move { Ok::<_, Error<BoxError>>(request) });
    let service = ChaosLayer::new(chaos.clone()).layer(guarded);
    chaos.arm(Plan::new().error(1.0))?;

    let error = service.oneshot(1).await.expect_err("all calls fail");

    assert!(matches!(error, Error::Inner(error) if error.is::<Injected>()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_injected_response_serves_where_there_are_no_errors() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let web = ServiceBuilder::new()
        .layer(ChaosLayer::new(chaos.clone()).fail_with(|_| Ok(500)))
        .service_fn(|_: u32| async { Ok::<u16, Infallible>(200) });
    chaos.arm(Plan::new().latency(1.0, DELAY).error(1.0))?;
    let start = Instant::now();

    assert_eq!(web.oneshot(1).await, Ok(500));

    assert_eq!(start.elapsed(), DELAY);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_made_when_it_is_due_and_only_then() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let made = Arc::new(AtomicU32::new(0));
    let count = made.clone();
    let layer = ChaosLayer::new(chaos.clone()).fail_with(move |injected| {
        count.fetch_add(1, Relaxed);
        Err(BoxError::from(injected))
    });
    let mut service = layer.layer(service_fn(echo));
    chaos.arm(Plan::new().latency(1.0, DELAY).error(1.0))?;

    let mut call = task::spawn(service.ready().await?.call(1));
    assert_pending!(call.poll());
    drop(call);

    assert_eq!(made.load(Relaxed), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn only_targets_are_struck_and_counted() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let layer = ChaosLayer::new(chaos.clone()).target(|request: &u32| request % 2 == 1);
    let mut service = layer.layer(service_fn(echo));
    chaos.arm(Plan::new().error(1.0))?;

    for request in 0..10 {
        let outcome = service.ready().await?.call(request).await;
        assert_eq!(outcome.is_err(), request % 2 == 1);
    }

    assert_eq!(chaos.snapshot().counters["calls"], 5);
    Ok(())
}

#[tokio::test]
async fn a_disarmed_layer_does_not_ask_for_targets() -> Result<(), BoxError> {
    let layer = ChaosLayer::new(chaos()?).target(|_: &u32| panic!("nobody is to be struck"));

    assert_eq!(layer.layer(service_fn(echo)).oneshot(1).await?, 1);
    Ok(())
}

#[tokio::test]
async fn all_services_of_a_layer_share_one_count() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let layer = ChaosLayer::new(chaos.clone());
    let [one, other] = [layer.layer(service_fn(echo)), layer.clone().layer(service_fn(echo))];
    chaos.arm(Plan::new().error(1.0))?;

    let mut calls = Vec::new();
    for service in [one.clone(), one, other] {
        let error = service.oneshot(1).await.expect_err("all calls fail");
        calls.extend(Injected::find(&*error).map(Injected::call));
    }

    assert_eq!(calls, [0, 1, 2]);
    Ok(())
}

#[tokio::test]
async fn an_inner_service_that_is_not_ready_is_waited_for() -> Result<(), BoxError> {
    let layer = ChaosLayer::new(chaos()?);
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(layer);
    handle.allow(0);
    assert_pending!(service.poll_ready());

    handle.allow(1);

    assert_ready_ok!(service.poll_ready());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_reaches_the_inner_service_after_the_latency() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let (mut service, mut handle) =
        mock::spawn_layer::<u32, u32, _>(ChaosLayer::new(chaos.clone()));
    chaos.arm(Plan::new().latency(1.0, DELAY))?;
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    assert_pending!(handle.poll_request());

    tokio::time::advance(DELAY).await;

    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, answer) = assert_ready!(handle.poll_request()).expect("it was made");
    assert_eq!(request, 1);
    answer.send_response(2);
    assert_eq!(assert_ready_ok!(call.poll()), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gets_an_error_never_reaches_the_inner_service() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let (mut service, mut handle) =
        mock::spawn_layer::<u32, u32, _>(ChaosLayer::new(chaos.clone()));
    chaos.arm(Plan::new().error(1.0))?;
    assert_ready_ok!(service.poll_ready());

    let error = assert_ready_err!(task::spawn(service.call(1)).poll());

    assert!(error.is::<Injected>());
    assert_pending!(handle.poll_request());
    Ok(())
}

#[tokio::test]
async fn disarming_lets_a_hung_call_go_on_to_the_inner_service() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let mut service = ChaosLayer::new(chaos.clone()).layer(service_fn(echo));
    chaos.arm(Plan::new().hang(1.0))?;
    let mut call = task::spawn(service.ready().await?.call(1));
    assert_pending!(call.poll());

    chaos.disarm();

    assert!(call.is_woken());
    assert_eq!(assert_ready_ok!(call.poll()), 1);
    Ok(())
}

#[tokio::test]
async fn a_held_call_keeps_no_place_that_others_need() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let mut service = ServiceBuilder::new()
        .layer(ChaosLayer::new(chaos.clone()).target(|request: &u32| *request == 1))
        .concurrency_limit(1)
        .service_fn(echo);
    let mut other = service.clone();
    chaos.arm(Plan::new().hang(1.0))?;

    let mut hung = task::spawn(service.ready().await?.call(1));
    assert_pending!(hung.poll());

    assert_eq!(assert_ready_ok!(task::spawn(other.ready()).poll()).call(2).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_let_go_waits_for_its_own_readiness() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let mut service = ServiceBuilder::new()
        .layer(ChaosLayer::new(chaos.clone()).target(|request: &u32| *request == 1))
        .concurrency_limit(1)
        .service_fn(echo);
    let mut other = service.clone();
    chaos.arm(Plan::new().hang(1.0))?;
    let mut hung = task::spawn(service.ready().await?.call(1));
    assert_pending!(hung.poll());
    let taken = other.ready().await?.call(2);

    chaos.disarm();
    assert_pending!(hung.poll(), "the only place is taken");

    assert_eq!(taken.await?, 2);
    assert!(hung.is_woken());
    assert_eq!(assert_ready_ok!(hung.poll()), 1);
    Ok(())
}

#[tokio::test]
async fn an_injected_error_gives_the_readiness_back_at_once() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let mut service = ServiceBuilder::new()
        .layer(ChaosLayer::new(chaos.clone()))
        .concurrency_limit(1)
        .service_fn(echo);
    let mut other = service.clone();
    chaos.arm(Plan::new().error(1.0))?;

    assert!(service.ready().await?.call(1).await.is_err());

    assert_ready_ok!(task::spawn(other.ready()).poll());
    Ok(())
}

#[tokio::test]
async fn a_clone_brings_no_readiness_along() -> Result<(), BoxError> {
    let mut service = ServiceBuilder::new()
        .layer(ChaosLayer::new(chaos()?))
        .concurrency_limit(1)
        .service_fn(echo);
    service.ready().await?;

    let mut clone = service.clone();

    assert_pending!(task::spawn(clone.ready()).poll());
    assert_eq!(service.call(1).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_service_that_fails_while_a_call_is_held_fails_the_call() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let (mut service, mut handle) =
        mock::spawn_layer::<u32, u32, _>(ChaosLayer::new(chaos.clone()));
    chaos.arm(Plan::new().hang(1.0))?;
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());

    handle.send_error("the connection is gone");
    chaos.disarm();

    assert_eq!(assert_ready_err!(call.poll()).to_string(), "the connection is gone");
    Ok(())
}

#[tokio::test]
async fn a_panic_comes_out_of_the_response_and_not_out_of_call() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let mut service = ChaosLayer::new(chaos.clone()).layer(service_fn(echo));
    chaos.arm(Plan::new().panic(1.0))?;
    let mut call = task::spawn(service.ready().await?.call(1));

    let payload = panic::catch_unwind(panic::AssertUnwindSafe(|| call.poll())).unwrap_err();

    let message = payload.downcast_ref::<String>().expect("a message");
    assert!(message.contains("`db-a`"), "{message}");
    drop(call);
    chaos.disarm();
    assert_eq!(service.ready().await?.call(1).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_dropped_response_leaves_nothing_behind() -> Result<(), BoxError> {
    let chaos = chaos()?;
    let mut service = ChaosLayer::new(chaos.clone()).layer(service_fn(echo));
    chaos.arm(Plan::new().hang(1.0))?;
    let mut call = task::spawn(service.ready().await?.call(1));
    assert_pending!(call.poll());
    assert!(chaos.snapshot().gauges["held"] > 0.0);

    drop(call);

    assert!(chaos.snapshot().gauges["held"] <= 0.0);
    Ok(())
}

#[test]
fn the_inner_service_can_be_reached() -> Result<(), ConfigError> {
    let mut service = ChaosLayer::new(chaos()?).layer(7);

    assert_eq!(*service.get_ref(), 7);
    *service.get_mut() = 8;
    assert_eq!(service.chaos().name(), "db-a");
    assert_eq!(service.into_inner(), 8);
    Ok(())
}

#[test]
fn services_and_responses_may_cross_threads() -> Result<(), ConfigError> {
    fn assert_send_sync<T: Send + Sync + 'static>(_: &T) {}
    fn assert_send<T: Send + 'static>(_: &T) {}
    let layer = ChaosLayer::new(chaos()?);
    let mut service = layer.layer(service_fn(echo));

    assert_send_sync(&layer);
    assert_send_sync(&service);
    assert_send(&service.call(1));
    Ok(())
}
