//! The promises of a Tower middleware, for every layer of this crate, in every mode.
//!
//! The clocks stand still: what is spent stays spent as long as a law takes.

#![cfg(feature = "tower")]

use std::{pin::pin, time::Duration};

use seawall_rate_limiter::{
    ByKey, Clock, Quota, RateLimiter, RateLimiterLayer, RateLimiterWaitingLayer, RateLimiters,
};
use seawall_test::{
    Task, allocations,
    contract::{self, Inner, Suite, Wear},
};
use tower::Layer;

/// More than a law's crowd takes, and less than one that wears it out.
const ENOUGH: u32 = 1_000;

/// Longer than any call here has to wait.
const DAY: Duration = Duration::from_secs(86_400);

const NOT_HIS: &str = "a place comes with time, and not from one who leaves";

fn quota(cells: u32) -> Quota {
    Quota::per_hour(cells).expect("a quota")
}

fn limiter(cells: u32) -> RateLimiter {
    let builder = RateLimiter::builder("contract").quota(quota(cells)).clock(Clock::manual().0);
    builder.build().expect("sound settings")
}

fn limiters(cells: u32) -> RateLimiters<u64> {
    let builder = RateLimiters::builder("contract").quota(quota(cells)).clock(Clock::manual().0);
    builder.build().expect("sound settings")
}

fn layer(cells: u32) -> RateLimiterLayer {
    RateLimiterLayer::new(limiter(cells))
}

fn waiting(cells: u32) -> RateLimiterWaitingLayer {
    layer(cells).max_wait(DAY)
}

/// Ready to wait, and never for as long as it would have to.
fn impatient(cells: u32) -> RateLimiterWaitingLayer {
    layer(cells).max_wait(Duration::from_nanos(1))
}

type Keyed = ByKey<u64, fn(&u64) -> u64>;

fn keyed(cells: u32) -> RateLimiterLayer<Keyed> {
    RateLimiterLayer::keyed(limiters(cells), |_: &u64| 7)
}

/// Who waits, waits by a timer: the tests are inside of a runtime.
fn inside<T>(test: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    test()
}

#[test]
fn the_refusing_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| layer(ENOUGH).layer(inner))
        .cloned()
        .sharing(Wear::Traffic)
        .sharing_by_layer(layer(4), Wear::Traffic)
        .sendable()
        .unboxed()
        .errors(layer(ENOUGH))
        .refusing(contract::worn(|inner: Inner| layer(2).layer(inner), Wear::Traffic))
        .run();
}

#[test]
fn the_waiting_layer_keeps_the_contract() {
    inside(|| {
        Suite::new(|inner: Inner| waiting(ENOUGH).layer(inner))
            .cloned()
            .sharing(Wear::Traffic)
            .sharing_by_layer(waiting(4), Wear::Traffic)
            .sendable()
            .unboxed()
            .errors(waiting(ENOUGH))
            .refusing(contract::worn(|inner: Inner| impatient(2).layer(inner), Wear::Traffic))
            .waiting(|inner| waiting(1).layer(inner))
            .except("dropped_waiter_lets_the_next_through", NOT_HIS)
            .except("abandoned_waiter_lets_the_next_through", NOT_HIS)
            .run();
    });
}

/// But for the law that it refuses without asking the inner service: whose quota a call meets is not
/// known before there is one.
#[test]
fn the_keyed_refusing_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| keyed(ENOUGH).layer(inner))
        .cloned()
        .sharing(Wear::Traffic)
        .sharing_by_layer(keyed(4), Wear::Traffic)
        .sendable()
        .unboxed()
        .errors(keyed(ENOUGH))
        .run();
    contract::rejection_is_never_a_readiness_error(contract::worn(
        |inner: Inner| keyed(2).layer(inner),
        Wear::Traffic,
    ));
}

#[test]
fn the_keyed_waiting_layer_keeps_the_contract() {
    inside(|| {
        Suite::new(|inner: Inner| keyed(ENOUGH).max_wait(DAY).layer(inner))
            .cloned()
            .sharing(Wear::Traffic)
            .sharing_by_layer(keyed(4).max_wait(DAY), Wear::Traffic)
            .sendable()
            .unboxed()
            .errors(keyed(ENOUGH).max_wait(DAY))
            .waiting(|inner| keyed(1).max_wait(DAY).layer(inner))
            .except("dropped_waiter_lets_the_next_through", NOT_HIS)
            .except("abandoned_waiter_lets_the_next_through", NOT_HIS)
            .run();
        contract::rejection_is_never_a_readiness_error(contract::worn(
            |inner: Inner| keyed(2).max_wait(Duration::from_nanos(1)).layer(inner),
            Wear::Traffic,
        ));
    });
}

#[test]
fn the_layer_of_several_quotas_keeps_the_contract() {
    let several = || {
        let builder = RateLimiter::builder("contract").quota(quota(ENOUGH));
        let builder = builder.quota(Quota::per_day(2 * ENOUGH).expect("a quota"));
        RateLimiterLayer::new(builder.clock(Clock::manual().0).build().expect("sound settings"))
    };
    Suite::new(move |inner: Inner| several().layer(inner))
        .cloned()
        .sharing(Wear::Traffic)
        .sharing_by_layer(several(), Wear::Traffic)
        .sendable()
        .unboxed()
        .refusing(contract::worn(move |inner: Inner| several().layer(inner), Wear::Traffic))
        .run();
}

#[test]
fn the_layer_keeps_the_contract_where_requests_have_costs() {
    let costly = |cells| layer(cells).cost(|_: &u64| 2);
    inside(|| {
        Suite::new(move |inner: Inner| costly(2 * ENOUGH).layer(inner))
            .cloned()
            .sharing(Wear::Traffic)
            .sendable()
            .unboxed()
            .refusing(contract::worn(move |inner: Inner| costly(4).layer(inner), Wear::Traffic))
            .run();
        Suite::new(move |inner: Inner| costly(2 * ENOUGH).max_wait(DAY).layer(inner))
            .cloned()
            .sharing(Wear::Traffic)
            .sendable()
            .unboxed()
            .run();
    });
}

#[test]
fn the_flat_layer_keeps_the_contract() {
    inside(|| {
        let flat = |inner: Inner| {
            let inner: tower::util::MapErr<Inner, fn(seawall_test::Failure) -> _> =
                tower::util::MapErr::new(inner, seawall_rate_limiter::Error::Inner);
            inner
        };
        Suite::new(move |inner: Inner| layer(ENOUGH).flatten().layer(flat(inner)))
            .cloned()
            .sendable()
            .unboxed()
            .run();
        Suite::new(move |inner: Inner| waiting(ENOUGH).flatten().layer(flat(inner)))
            .cloned()
            .sendable()
            .unboxed()
            .run();
    });
}

#[test]
fn a_plain_call_allocates_nothing() {
    let (limiter, limiters) = (limiter(ENOUGH), limiters(ENOUGH));
    let task = Task::new();

    let (admitted, count) = allocations(|| limiter.try_acquire().is_ok());
    assert_eq!((admitted, count), (true, 0), "`try_acquire`");
    let (admitted, count) = allocations(|| limiter.try_acquire_n(5).is_ok());
    assert_eq!((admitted, count), (true, 0), "`try_acquire_n`");
    let (admitted, count) = allocations(|| task.poll(pin!(limiter.acquire())).is_ready());
    assert_eq!((admitted, count), (true, 0), "`acquire` that need not wait");
    let (admitted, count) = allocations(|| limiter.acquire_blocking().is_ok());
    assert_eq!((admitted, count), (true, 0), "`acquire_blocking` that need not wait");
    let (admitted, count) = allocations(|| limiter.reserve(1, DAY).map(drop).is_ok());
    assert_eq!((admitted, count), (true, 0), "`reserve`");
    let (admitted, count) = allocations(|| limiters.try_acquire(&7).is_ok());
    assert_eq!((admitted, count), (true, 0), "`try_acquire` of a key");
    let (admitted, count) = allocations(|| task.poll(pin!(limiters.acquire(&7))).is_ready());
    assert_eq!((admitted, count), (true, 0), "`acquire` of a key that need not wait");
}

/// Not only the success path: a rejection, too, allocates nothing.
#[test]
fn a_rejection_allocates_nothing() {
    let (limiter, limiters) = (limiter(1), limiters(1));
    assert!(limiter.try_acquire().is_ok() && limiters.try_acquire(&7).is_ok());

    let (refused, count) = allocations(|| limiter.try_acquire().is_err());
    assert_eq!((refused, count), (true, 0), "`try_acquire`");
    let (refused, count) = allocations(|| limiter.reserve(1, Duration::ZERO).is_err());
    assert_eq!((refused, count), (true, 0), "`reserve`");
    let (refused, count) = allocations(|| limiters.try_acquire(&7).is_err());
    assert_eq!((refused, count), (true, 0), "`try_acquire` of a key");
}
