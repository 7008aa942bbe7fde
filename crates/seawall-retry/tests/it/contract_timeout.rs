//! The promises of a Tower middleware, for the timeout's layer.

#![cfg(feature = "tower")]

use std::time::Duration;

use seawall_core::{Clock, Context, Deadline};
use seawall_retry::{Timeout, TimeoutLayer};
use seawall_test::{
    Failure,
    contract::{self, Inner, Suite},
};
use tower::{Layer, util::MapErr};

fn timeout() -> Timeout {
    let builder = Timeout::builder("contract").time(Duration::from_secs(3600));
    builder.build().expect("sound settings")
}

/// Calls that are held are timed: the tests are inside of a runtime.
fn inside<T>(test: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    test()
}

/// Runs `test` with this much time left.
fn with_deadline(time: Duration, test: impl FnOnce()) {
    let deadline = Deadline::after_on(Clock::system(), time);
    Context::new().with_deadline(deadline).run(|| inside(test));
}

fn suite() {
    Suite::new(|inner: Inner| TimeoutLayer::new(timeout()).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(TimeoutLayer::new(timeout()))
        .run();
}

#[test]
fn the_layer_keeps_the_contract() {
    inside(suite);
}

#[test]
fn the_layer_keeps_the_contract_within_a_deadline() {
    with_deadline(Duration::from_secs(60), suite);
}

#[test]
fn the_layer_keeps_the_contract_where_it_tells_nobody_and_requests_differ() {
    inside(|| {
        Suite::new(|inner: Inner| {
            let timeout = Timeout::builder("contract").time(None).propagate(false).build();
            let by_request = |request: &u64| Some(Duration::from_secs(60 + request));
            TimeoutLayer::new(timeout.expect("sound settings")).time(by_request).layer(inner)
        })
        .cloned()
        .sendable()
        .unboxed()
        .run();
    });
}

#[test]
fn the_flat_layer_keeps_the_contract() {
    inside(|| {
        Suite::new(|inner: Inner| {
            let inner: MapErr<Inner, fn(Failure) -> _> =
                MapErr::new(inner, seawall_retry::Error::Inner);
            TimeoutLayer::new(timeout()).flatten().layer(inner)
        })
        .cloned()
        .sendable()
        .unboxed()
        .run();
    });
}

#[test]
fn past_the_deadline_it_refuses_without_asking_the_inner_service() {
    let make = |inner: Inner| TimeoutLayer::new(timeout()).layer(inner);
    with_deadline(Duration::ZERO, || {
        contract::refuses_without_asking_inner(make);
        contract::rejection_is_never_a_readiness_error(make);
    });
}

/// Not only where the call is ready at once: the timer is part of the future.
#[test]
fn a_plain_call_that_waits_allocates_nothing() {
    inside(|| {
        let timeout = timeout();
        let task = seawall_test::Task::new();
        let once = || {
            let mut call = std::pin::pin!(timeout.call(std::future::pending::<Result<(), ()>>));
            task.poll(call.as_mut()).is_pending()
        };
        assert!(once()); // the runtime's timers are set up

        let (pending, allocations) = seawall_test::allocations(once);

        assert!(pending);
        assert_eq!(allocations, 0);
    });
}

const _: () = {
    const fn all<T: Send + Sync + Unpin>() {}
    const fn sendable<T: Send + Sync>() {} // a timer inside is not to be moved

    all::<Timeout>();
    all::<seawall_retry::TimeoutBuilder>();
    all::<TimeoutLayer>();
    all::<seawall_retry::TimeoutService<u8>>();
    sendable::<seawall_retry::timeout::ResponseFuture<std::future::Ready<Result<u8, u8>>>>();
};
