//! The layer: which instance is called, what is cloned, and what comes out.

#![cfg(feature = "tower")]

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_retry::{
    Backoff, BoxError, Error, Jitter, Reason, Rejection, Retry, RetryBuilder, RetryLayer,
};
use seawall_test::{Answer, Failure, Held, Probe, Scripted, Step, Task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

fn layer(set: impl FnOnce(RetryBuilder) -> RetryBuilder) -> RetryLayer {
    let steady = Backoff::constant(MS * 10).jitter(Jitter::None);
    let builder = set(Retry::builder("tower").backoff(steady));
    RetryLayer::new(builder.build().expect("sound settings"))
}

/// A request that counts how often it was cloned.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_takes_the_request_itself() {
    for (attempts, clones) in [(1, 0), (2, 1), (4, 3)] {
        let broken = Scripted::new([Step::Err]);
        let service = layer(|retry| retry.max_attempts(attempts)).layer(broken.clone());
        let request = Counted::default();
        let cloned = Arc::clone(&request.0);

        let failed = service.oneshot(request).await.expect_err("it always fails");

        assert_eq!(failed, Error::Inner(Failure(u64::from(attempts) - 1)));
        assert_eq!((broken.calls(), cloned.load(Relaxed)), (attempts as usize, clones));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_sent_again_gets_one_attempt_and_its_own_answer() {
    /// Not `Clone`.
    #[derive(Debug, PartialEq)]
    struct Body(u8);
    let broken = Scripted::new([Step::Err]);
    let retry = layer(|retry| retry).replay(|_: &Body| None);
    let mut service = retry.clone().layer(broken.clone());

    let failed = service.ready().await.expect("it is ready").call(Body(1)).await;

    assert_eq!(failed, Err(Error::Inner(Failure(0))));
    assert_eq!(broken.calls(), 1);
    assert_eq!(service.retry().snapshot().counters["gave_up_not_repeatable"], 1);
    let well = retry.layer(Scripted::new([Step::Ok]));
    assert_eq!(well.oneshot(Body(2)).await, Ok(Body(2)));
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_made_by_an_instance_that_was_ready() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    handle.answer_with(|_| Answer::Err(Failure(1)));
    // Strict: a call without readiness panics.
    let (inner, probe) = Probe::new(held);
    let mut service = layer(|retry| retry).layer(inner);

    service.ready().await.expect("it is ready").call(7).await.expect_err("it always fails");
    service.ready().await.expect("it is ready").call(8).await.expect_err("it always fails");

    assert_eq!((probe.calls(), probe.unready_calls()), (6, 0));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_waits_for_readiness_and_its_error_ends_the_call() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let retry = layer(|retry| retry.backoff(Backoff::constant(Duration::ZERO)));
    let mut service = retry.layer(held);
    let task = Task::new();
    let mut response = pin!(service.ready().await.expect("it is ready").call(7));
    assert!(task.poll(response.as_mut()).is_pending());

    handle.hold_readiness();
    handle.err(Failure(1));
    assert!(task.poll(response.as_mut()).is_pending());
    assert_eq!(handle.waiting(), 0, "the second attempt waits for readiness");
    handle.fail_readiness(Failure(9));

    assert_eq!(response.await, Err(Error::Inner(Failure(9))));
}

#[tokio::test(start_paused = true)]
async fn a_stuck_service_is_waited_for_no_longer_than_an_attempt_may_take() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let mut service = layer(|retry| retry.attempt_timeout(MS * 50).max_attempts(2)).layer(held);
    let call = service.ready().await.expect("it is ready").call(7);
    handle.hold_readiness();
    handle.err(Failure(1));

    let failed = call.await.expect_err("it stays stuck");

    assert_eq!(failed.rejection().map(Rejection::reason), Some(Reason::Timeout));
}

#[tokio::test(start_paused = true)]
async fn what_a_call_kept_for_another_attempt_goes_with_its_answer() {
    let request = Counted::default();
    let count = Arc::clone(&request.0);
    let mut service = layer(|retry| retry).layer(service_fn(|_: Counted| async { Ok::<_, ()>(7) }));

    let mut response = pin!(service.ready().await.expect("it is ready").call(request));

    assert_eq!(response.as_mut().await, Ok(7));
    assert_eq!(Arc::strong_count(&count), 1, "the future is still there, and the clone is not");
}

#[tokio::test(start_paused = true)]
async fn a_flat_layer_keeps_the_services_own_error() {
    let service = ServiceBuilder::new()
        .layer(layer(|retry| retry.attempt_timeout(MS * 5)).flatten())
        .service(service_fn(|hangs: bool| async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Err::<(), BoxError>("its own".into())
        }));

    let failed = service.clone().oneshot(false).await.expect_err("it always fails");
    assert_eq!(failed.to_string(), "its own");
    let hung = service.oneshot(true).await.expect_err("it hangs");
    let reason = Rejection::find(&*hung).map(Rejection::reason);
    assert_eq!(reason, Some(Reason::Timeout));
}
