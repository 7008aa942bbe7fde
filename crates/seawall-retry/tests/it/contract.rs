//! The promises of a Tower middleware, for the layer of this crate.

#![cfg(feature = "tower")]

use std::{pin::pin, task::Poll, time::Duration};

use seawall_retry::{Backoff, Decision, Retry, RetryLayer, RetryService};
use seawall_test::{
    Failure, Task, allocations,
    contract::{Inner, Suite},
};
use tower::Layer;

/// A rule by which no error of a law is worth another try: a law answers each call once.
fn never(_: Result<&u64, &Failure>) -> Decision {
    Decision::Stop
}

type Never = fn(Result<&u64, &Failure>) -> Decision;

fn layer() -> RetryLayer {
    let retry = Retry::builder("contract").build();
    RetryLayer::new(retry.expect("the defaults are sound"))
}

fn one_attempt() -> RetryLayer {
    let retry = Retry::builder("contract").max_attempts(1).build();
    RetryLayer::new(retry.expect("sound settings"))
}

/// All that a retry can watch, none of which a law's calls reach.
fn watchful() -> RetryLayer {
    let builder = Retry::builder("contract");
    let builder =
        builder.attempt_timeout(Duration::from_secs(60)).deadline(Duration::from_secs(90));
    RetryLayer::new(builder.build().expect("sound settings"))
}

/// Attempts end by a timer: the tests are inside of a runtime.
fn inside<T>(test: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    test()
}

#[test]
fn the_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| layer().decide(never as Never).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .run();
}

#[test]
fn the_layer_keeps_the_contract_with_one_attempt() {
    Suite::new(|inner: Inner| one_attempt().layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(one_attempt())
        .run();
}

#[test]
fn the_layer_keeps_the_contract_with_every_limit_on() {
    inside(|| {
        Suite::new(|inner: Inner| watchful().decide(never as Never).layer(inner))
            .cloned()
            .sendable()
            .unboxed()
            .run();
    });
}

/// Tries again at once, so that a law need not wait for a timer.
#[test]
fn the_layer_keeps_the_contract_while_it_tries_again() {
    let eager = || {
        let builder = Retry::builder("contract").backoff(Backoff::constant(Duration::ZERO));
        RetryLayer::new(builder.without_budget().build().expect("sound settings"))
    };
    Suite::new(move |inner: Inner| eager().layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(eager())
        .run();
}

#[test]
fn a_plain_call_allocates_nothing() {
    let retry = Retry::builder("plain").build().expect("the defaults are sound");
    let task = Task::new();
    let once = || {
        let mut call = pin!(retry.call(|_| async { Ok::<u64, ()>(7) }));
        task.poll(call.as_mut())
    };

    let (answer, count) = allocations(once);

    assert_eq!(answer, Poll::Ready(Ok(7)));
    assert_eq!(count, 0);
}

/// A timer that is set lives in the future.
#[tokio::test(start_paused = true)]
async fn an_attempt_whose_time_is_limited_allocates_nothing() {
    let limited = Retry::builder("limited").attempt_timeout(Duration::from_secs(1)).build();
    let retry = limited.expect("sound settings");
    let task = Task::new();
    let mut call = pin!(retry.call(|_| std::future::pending::<Result<(), ()>>()));

    let (polled, count) = allocations(|| task.poll(call.as_mut()).is_pending());

    assert!(polled);
    assert_eq!(count, 0);
}

/// `RetryService` stays what its parts are.
#[test]
fn the_service_names_its_parts() {
    let (inner, _) = seawall_test::Held::<u64, u64, Failure>::new();
    let service: RetryService<_> = layer().layer(inner);

    assert_eq!(service.retry().name(), "contract");
}
