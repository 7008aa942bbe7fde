//! The layers, in the company that they are made for.

#![cfg(feature = "tower")]

use std::{convert::Infallible, pin::pin, time::Duration};

use seawall_circuit_breaker::{
    Backoff, BoxError, CircuitBreaker, CircuitBreakerLayer, CircuitBreakersLayer, Clock, Error,
    Jitter, Outcome, Reason, Rejection, State,
};
use seawall_core::Flatten;
use seawall_test::{Failure, Held, Scripted, Step, Task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn fragile(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::builder(name).consecutive_failures(1).build().expect("sound settings")
}

#[tokio::test]
async fn a_stack_of_layers_has_one_flat_error() {
    let [outer, inner] = ["outer", "inner"].map(fragile);
    inner.force_open();
    let layers =
        (CircuitBreakerLayer::new(outer).flatten(), CircuitBreakerLayer::new(inner).flatten());
    let service = layers.layer(service_fn(|(): ()| async { Ok::<(), BoxError>(()) }));

    let error: BoxError = service.oneshot(()).await.unwrap_err();

    let rejection = Rejection::find(&*error).expect("a box holds the rejection itself");
    assert_eq!((rejection.name(), rejection.reason()), ("inner", Reason::CircuitOpen));
}

#[tokio::test]
async fn a_stack_of_layers_has_the_error_of_the_users_choice() {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Refused(Rejection),
        Other(&'static str),
    }
    impl From<Rejection> for Mine {
        fn from(rejection: Rejection) -> Self {
            Self::Refused(rejection)
        }
    }
    let layer = Flatten::new(CircuitBreakerLayer::new(fragile("mine")));
    let mut service =
        layer.layer(service_fn(|(): ()| async { Err::<(), _>(Mine::Other("failed")) }));

    let first = service.ready().await.unwrap().call(()).await;
    let second = service.ready().await.unwrap().call(()).await;

    assert_eq!(first, Err(Mine::Other("failed")));
    assert!(matches!(second, Err(Mine::Refused(_))), "{second:?}");
}

#[tokio::test]
async fn an_error_that_is_infallible_passes() {
    let layer = CircuitBreakerLayer::new(fragile("infallible"));
    let service = layer.layer(service_fn(|(): ()| async { Ok::<_, Infallible>(7) }));

    let result: Result<u32, Error<Infallible>> = service.oneshot(()).await;

    assert_eq!(result, Ok(7));
}

#[tokio::test]
async fn a_refusal_further_in_is_no_news_about_the_dependency() {
    let [outer, inner] = ["outer", "inner"].map(fragile);
    inner.force_open();
    let service = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(outer.clone()))
        .layer(CircuitBreakerLayer::new(inner))
        .service(Scripted::new([Step::Ok]));

    for _ in 0..100 {
        service.clone().oneshot(1).await.unwrap_err();
    }

    assert_eq!(outer.state(), State::Closed);
    assert_eq!(outer.snapshot().counters["failures"], 0);
}

#[tokio::test]
async fn a_refusal_further_in_is_no_news_for_a_plain_call_either() {
    let [outer, inner] = ["outer", "inner"].map(fragile);
    inner.force_open();

    for _ in 0..100 {
        let call = || async { inner.call(|| async { Ok::<(), ()>(()) }).await };
        outer.call(call).await.unwrap_err();
    }

    assert_eq!(outer.state(), State::Closed);
}

#[test]
fn the_answer_is_reported_when_it_is_there_and_not_when_it_is_dropped() {
    let breaker = fragile("kept");
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(Scripted::new([Step::Err]));
    let task = Task::new();
    assert!(task.enter(|cx| Service::<u64>::poll_ready(&mut service, cx)).is_ready());
    let mut response = pin!(service.call(1_u64));

    assert!(task.poll(response.as_mut()).is_ready());

    assert_eq!(breaker.state(), State::Open, "the future is still here");
}

#[test]
fn a_service_that_cannot_get_ready_is_a_failure() {
    let breaker = fragile("unready");
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(held);
    handle.fail_readiness(Failure(1));

    let ready = Task::new().enter(|cx| service.poll_ready(cx));

    assert!(matches!(ready, std::task::Poll::Ready(Err(Error::Inner(_)))), "{ready:?}");
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn an_open_circuit_does_not_wait_for_a_stuck_service() {
    let breaker = fragile("stuck");
    let (held, handle) = Held::<u64, u64, Failure>::new();
    handle.hold_readiness();
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(held);
    breaker.force_open();
    let task = Task::new();

    assert!(task.enter(|cx| service.poll_ready(cx)).is_ready());
    breaker.reset(); // what was said before the call holds: the inner service is not ready
    let response = task.poll(pin!(service.call(1)));

    assert!(matches!(response, std::task::Poll::Ready(Err(Error::Rejected(_)))), "{response:?}");
    assert_eq!(breaker.snapshot().counters["rejected"], 1);
}

#[tokio::test]
async fn what_a_response_means_is_for_the_user_to_say() {
    let breaker = fragile("status");
    let by_status = |result: Result<&u16, &Infallible>| match result {
        Ok(500..) | Err(_) => Outcome::Failure,
        Ok(_) => Outcome::Success,
    };
    let layer = CircuitBreakerLayer::new(breaker.clone()).classify(by_status);
    let service = layer.layer(service_fn(|status: u16| async move { Ok::<_, Infallible>(status) }));

    service.clone().oneshot(404).await.unwrap();
    assert_eq!(breaker.state(), State::Closed);
    service.clone().oneshot(503).await.unwrap();

    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn each_key_has_its_own_circuit() {
    let breakers =
        CircuitBreaker::builder("hosts").consecutive_failures(1).keyed().build().unwrap();
    let layer = CircuitBreakersLayer::new(breakers.clone(), |&(host, _): &(u32, bool)| host);
    let service = layer.layer(service_fn(|(_, well): (u32, bool)| async move {
        if well { Ok(()) } else { Err("down") }
    }));

    service.clone().oneshot((1, false)).await.unwrap_err();

    assert!(matches!(service.clone().oneshot((1, true)).await, Err(Error::Rejected(_))));
    assert_eq!(service.clone().oneshot((2, true)).await, Ok(()));
    assert_eq!(breakers.snapshot().gauges["open"] as u64, 1);
}

#[cfg(feature = "tokio")]
mod waiting {
    use std::sync::{Arc, atomic::AtomicUsize, atomic::Ordering::Relaxed};

    use tower::{
        balance::p2c::Balance,
        discover::ServiceList,
        load::{CompleteOnResponse, PendingRequests},
    };

    use super::*;

    fn on_tokio() -> CircuitBreaker {
        CircuitBreaker::builder("waiting")
            .clock(Clock::tokio())
            .consecutive_failures(1)
            .half_open_probes(1)
            .open_for(Backoff::constant(SECOND).jitter(Jitter::None))
            .build()
            .expect("sound settings")
    }

    #[tokio::test(start_paused = true)]
    async fn acquire_waits_for_the_open_time_and_no_longer() {
        let breaker = on_tokio();
        breaker.try_acquire().unwrap().failure();
        let began = tokio::time::Instant::now();

        let permit = breaker.acquire().await.unwrap();

        assert!(permit.is_probe());
        assert!((SECOND..SECOND + SECOND / 50).contains(&began.elapsed()), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn acquire_gives_up_where_the_deadline_would_pass() {
        let breaker = on_tokio();
        breaker.try_acquire().unwrap().failure();
        let began = tokio::time::Instant::now();

        let deadline = seawall_core::Context::new()
            .with_deadline(seawall_core::Deadline::after_on(Clock::tokio(), SECOND / 2));
        let refused = deadline.scope(breaker.acquire()).await.unwrap_err();

        assert_eq!(refused.reason(), Reason::CircuitOpen);
        assert_eq!(began.elapsed(), Duration::ZERO, "it does not wait in vain");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reset_wakes_who_waits() {
        let breaker = on_tokio();
        breaker.force_open();
        let waiter = tokio::spawn({
            let breaker = breaker.clone();
            async move { breaker.acquire().await.map(drop) }
        });
        tokio::task::yield_now().await;

        breaker.reset();

        waiter.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_handed_back_wakes_who_waits_for_its_place() {
        let breaker = on_tokio();
        breaker.try_acquire().unwrap().failure();
        tokio::time::advance(SECOND).await;
        let probe = breaker.try_acquire().unwrap();
        let began = tokio::time::Instant::now();
        let waiter = tokio::spawn({
            let breaker = breaker.clone();
            async move { breaker.acquire().await.map(|permit| permit.is_probe()) }
        });
        tokio::task::yield_now().await;

        drop(probe);

        assert_eq!(waiter.await.unwrap(), Ok(true));
        assert_eq!(began.elapsed(), Duration::ZERO, "not at the end of the lease");
    }

    #[tokio::test(start_paused = true)]
    async fn a_balancer_goes_round_a_member_whose_circuit_is_open() {
        let calls = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let breakers = [(); 2].map(|()| on_tokio());
        let members = breakers.iter().zip(&calls).map(|(breaker, calls)| {
            let calls = Arc::clone(calls);
            let member = service_fn(move |(): ()| {
                calls.fetch_add(1, Relaxed);
                std::future::ready(Ok::<(), BoxError>(()))
            });
            let layer = CircuitBreakerLayer::new(breaker.clone()).pending_while_open().flatten();
            PendingRequests::new(layer.layer(member), CompleteOnResponse::default())
        });
        let mut fleet = Balance::new(ServiceList::new(members.collect::<Vec<_>>()));
        breakers[0].force_open();

        for _ in 0..100 {
            fleet.ready().await.unwrap().call(()).await.unwrap();
        }

        assert_eq!(calls[0].load(Relaxed), 0);
        assert_eq!(calls[1].load(Relaxed), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_which_a_member_lay_ready_is_not_its_own() {
        let breaker = CircuitBreaker::builder("ready")
            .clock(Clock::tokio())
            .slow_call(SECOND, 1.0)
            .minimum_calls(1)
            .build()
            .unwrap();
        let layer = CircuitBreakerLayer::new(breaker.clone()).pending_while_open();
        let mut service = layer.layer(service_fn(|(): ()| async { Ok::<(), ()>(()) }));

        service.ready().await.unwrap();
        tokio::time::advance(SECOND * 60).await;
        service.call(()).await.unwrap();

        assert_eq!(breaker.state(), State::Closed);
    }
}
