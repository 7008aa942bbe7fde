//! What falls, what it falls to, and who gets to know.

#![cfg(feature = "tower")]

use std::{
    future::ready,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
};

use seawall_core::sync::Mutex;
use seawall_retry::{
    BoxError, Error, Fallback, FallbackLayer, Reason, Registry, Rejection, Snapshot,
    fallback::{Event, Refusals, To, Turn},
};
use seawall_test::{Failure, Held, Probe, Scripted, Settled, Step, Task};
use tower::{Layer, Service, ServiceExt, service_fn};

type Refusable = Error<Failure>;

fn fallback() -> Fallback {
    Fallback::builder("fallback").build().expect("sound settings")
}

fn layer() -> FallbackLayer {
    FallbackLayer::new(fallback())
}

fn refusal(reason: Reason) -> Refusable {
    Rejection::new(reason, "inner").into()
}

/// Refuses the request 0 as a bulkhead does and 1 as a breaker does, and fails at 2.
async fn moody(request: u64) -> Result<u64, Refusable> {
    match request {
        0 => Err(refusal(Reason::BulkheadFull)),
        1 => Err(refusal(Reason::CircuitOpen)),
        2 => Err(Error::Inner(Failure(2))),
        _ => Ok(request),
    }
}

fn counters<const N: usize>(snapshot: &Snapshot, names: [&str; N]) -> [u64; N] {
    names.map(|name| snapshot.counters[name])
}

#[tokio::test]
async fn what_is_refused_falls_and_what_fails_does_not() {
    let service = layer().value(100).layer(service_fn(moody));

    assert_eq!(service.clone().oneshot(0).await, Ok(100));
    assert_eq!(service.clone().oneshot(1).await, Ok(100));
    assert_eq!(service.clone().oneshot(2).await, Err(Error::Inner(Failure(2))));
    assert_eq!(service.clone().oneshot(3).await, Ok(3));
    let snapshot = service.fallback().snapshot();
    assert_eq!(counters(&snapshot, ["fell_back", "to_value", "passed_on"]), [2, 2, 1]);
}

#[tokio::test]
async fn only_the_reasons_that_are_asked_for_fall() {
    let service = layer().on_rejection([Reason::CircuitOpen]).value(100).layer(service_fn(moody));

    assert_eq!(service.clone().oneshot(0).await, Err(refusal(Reason::BulkheadFull)));
    assert_eq!(service.oneshot(1).await, Ok(100));
}

#[tokio::test]
async fn only_the_errors_that_are_asked_for_fall() {
    let failures = |error: &Refusable| error.inner().is_some();
    let service = layer().when(failures).value(100).layer(service_fn(moody));

    assert_eq!(service.clone().oneshot(1).await, Err(refusal(Reason::CircuitOpen)));
    assert_eq!(service.oneshot(2).await, Ok(100));
}

#[tokio::test]
async fn every_error_falls_where_that_is_asked_for() {
    let service = layer().on_any_error().value(100).layer(service_fn(moody));

    for request in 0..3 {
        assert_eq!(service.clone().oneshot(request).await, Ok(100));
    }
}

#[tokio::test]
async fn a_refusal_is_found_in_a_boxed_error() {
    let boxed = |request: u64| async move {
        match request {
            0 => Err::<u64, BoxError>(refusal(Reason::CircuitOpen).into()),
            _ => Err(io::Error::other("a bug").into()),
        }
    };
    let service = layer().value(100).layer(service_fn(boxed));

    assert_eq!(service.clone().oneshot(0).await.ok(), Some(100));
    assert_eq!(service.oneshot(1).await.unwrap_err().to_string(), "a bug");
}

#[tokio::test]
async fn a_closure_gets_the_error_and_may_hand_it_back() {
    let by_reason = |error: Refusable| match error.rejection().map(Rejection::reason) {
        Some(Reason::CircuitOpen) => Ok(100),
        _ => Err(error),
    };
    let service = layer().with(by_reason).layer(service_fn(moody));

    assert_eq!(service.clone().oneshot(0).await, Err(refusal(Reason::BulkheadFull)));
    assert_eq!(service.clone().oneshot(1).await, Ok(100));
    let snapshot = service.fallback().snapshot();
    assert_eq!(counters(&snapshot, ["fell_back", "to_closure", "failed"]), [2, 2, 1]);
}

#[tokio::test]
async fn an_async_closure_gets_what_was_kept_of_the_request() {
    let later = |_: Refusable, kept: String| async move {
        tokio::task::yield_now().await;
        Ok(kept.len() as u64)
    };
    let service = layer()
        .keep(|request: &u64| "x".repeat(*request as usize))
        .with_async(later)
        .layer(service_fn(moody));

    assert_eq!(service.oneshot(1).await, Ok(1));
}

#[tokio::test]
async fn another_service_gets_the_request() {
    let other = service_fn(|request: u64| ready(Ok::<_, Refusable>(request + 100)));
    let service = layer().service(other).layer(service_fn(moody));

    assert_eq!(service.clone().oneshot(1).await, Ok(101));
    assert_eq!(service.clone().oneshot(5).await, Ok(5));
    assert_eq!(counters(&service.fallback().snapshot(), ["fell_back", "to_service"]), [1, 1]);
}

#[tokio::test]
async fn another_service_may_want_less_than_the_request() {
    struct Query(u64); // not `Clone`

    let other = service_fn(|key: u64| ready(Ok::<_, Refusable>(key + 100)));
    let service = layer()
        .keep(|query: &Query| query.0)
        .service(other)
        .layer(service_fn(|query: Query| moody(query.0)));

    assert_eq!(service.oneshot(Query(1)).await, Ok(101));
}

#[test]
fn another_service_is_called_once_it_is_ready_and_by_a_call_that_falls() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let (other, probe) = Probe::new(held);
    handle.hold_readiness();
    let failing = Scripted::new([Step::Ok, Step::Err]);
    let mut service = layer().on_any_error().service(other).layer(failing);
    let task = Task::new();
    let first = task.poll(pin!(service.call(1)));
    assert_eq!((first, probe.polls()), (Poll::Ready(Ok(1)), 0));

    let mut second = pin!(service.call(2));
    assert_eq!(task.settle(|cx| second.as_mut().poll(cx)), Settled::Waiting);
    assert_eq!(probe.calls(), 0);
    handle.release_readiness();
    assert!(task.poll(second.as_mut()).is_pending());
    handle.ok(20);

    assert_eq!(task.poll(second), Poll::Ready(Ok(20)));
}

#[test]
fn what_the_call_holds_is_let_go_before_it_falls() {
    let (inner, probe) = Probe::new(Scripted::new([Step::Err]));
    let seen = probe.clone();
    let with = move |_: Failure| Ok(seen.in_flight() as u64);
    let mut service = layer().on_any_error().with(with).layer(inner);
    let task = Task::new();
    assert!(task.enter(|cx| Service::<u64>::poll_ready(&mut service, cx)).is_ready());

    let answer = task.poll(pin!(service.call(1)));

    assert_eq!(answer, Poll::Ready(Ok(0)));
}

#[test]
fn a_dropped_call_drops_what_it_fell_back_to() {
    let (other, probe) = Probe::new(Held::<u64, u64, Failure>::new().0);
    let mut service = layer().on_any_error().service(other).layer(Scripted::new([Step::Err]));
    let task = Task::new();
    let mut response = Box::pin(service.call(1));
    assert!(task.poll(response.as_mut()).is_pending());
    assert_eq!(probe.in_flight(), 1);

    drop(response);

    assert_eq!((probe.in_flight(), probe.dropped()), (0, 1));
}

#[test]
fn a_readiness_error_does_not_fall() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    handle.fail_readiness(Failure(9));
    let mut service = layer().on_any_error().value(100).layer(held);

    let polled = Task::new().enter(|cx| service.poll_ready(cx));

    assert_eq!(polled, Poll::Ready(Err(Failure(9))));
}

#[test]
fn a_request_is_looked_at_only_where_something_is_kept_of_it() {
    #[derive(Debug)]
    struct Counted(Arc<AtomicU64>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Relaxed);
            Self(Arc::clone(&self.0))
        }
    }

    let clones = Arc::new(AtomicU64::new(0));
    let fails = service_fn(|_: Counted| ready(Err::<u64, _>(Failure(1))));
    let other = service_fn(|_: Counted| ready(Ok::<u64, Failure>(1)));
    let mut by_value = layer().on_any_error().value(100).layer(fails);
    let mut by_service = layer().on_any_error().service(other).layer(fails);
    let task = Task::new();

    assert!(task.poll(pin!(by_value.call(Counted(Arc::clone(&clones))))).is_ready());
    assert_eq!(clones.load(Relaxed), 0);
    assert!(task.poll(pin!(by_service.call(Counted(Arc::clone(&clones))))).is_ready());
    assert_eq!(clones.load(Relaxed), 1);
}

#[tokio::test]
async fn listeners_get_the_error_that_led_to_it() {
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let told = Arc::clone(&events);
    let fallback = Fallback::builder("told")
        .on_event(move |event| told.lock().push(event.clone()))
        .build()
        .expect("sound settings");

    let other = service_fn(|request: u64| ready(Err::<u64, _>(Error::Inner(Failure(request)))));
    let service = FallbackLayer::new(fallback).service(other).layer(service_fn(moody));
    let answer = service.oneshot(1).await;

    assert_eq!(answer, Err(Error::Inner(Failure(1))));
    let events = events.lock();
    let [fell, failed] = &events[..] else { panic!("{events:?}") };
    assert_eq!((fell.turn, fell.to, &*fell.name), (Turn::FellBack, To::Service, "told"));
    assert!(fell.error.contains("CircuitOpen"), "{}", fell.error);
    assert_eq!((failed.turn, failed.to), (Turn::Failed, To::Service));
    assert_eq!(failed.error, "Inner(Failure(1))");
}

#[tokio::test]
async fn a_plain_call_falls_by_the_same_rules() {
    let fallback = fallback();
    let other = |_| async { Ok(100) };
    let some = || fallback.when(Refusals::only([Reason::CircuitOpen]));

    assert_eq!(fallback.call(|| moody(0), other).await, Ok(100));
    assert_eq!(fallback.call(|| moody(2), other).await, Err(Error::Inner(Failure(2))));
    assert_eq!(some().call(|| moody(0), other).await, Err(refusal(Reason::BulkheadFull)));
    assert_eq!(some().call(|| moody(1), other).await, Ok(100));
    assert_eq!(some().call(|| moody(1), |error| async { Err(error) }).await, moody(1).await);
    let snapshot = fallback.snapshot();
    assert_eq!(counters(&snapshot, ["fell_back", "to_closure", "failed"]), [3, 3, 1]);
    assert_eq!(counters(&snapshot, ["passed_on"]), [2]);
}

#[tokio::test]
async fn all_services_of_a_layer_are_counted_together() {
    let registry = Registry::new();
    let fallback = fallback();
    fallback.register(&registry);
    let layer = FallbackLayer::new(fallback).value(100);

    for _ in 0..3 {
        let answer = layer.layer(service_fn(moody)).oneshot(1).await;
        assert_eq!(answer, Ok(100));
    }

    assert_eq!(counters(&registry.snapshots()[0], ["fell_back"]), [3]);
}

#[test]
fn a_fallback_without_a_name_is_refused() {
    assert_eq!(Fallback::builder("").build().unwrap_err().field(), "name");
}
