//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use seawall_rate_limiter::{
    Config, Event, Policy, Quota, RateLimiter, RateLimiterBuilder, RateLimiters,
    RateLimitersBuilder, Reservation, Standing, Turn, WhenFull,
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Config>();
    all::<Event>();
    all::<Policy>();
    all::<Quota>();
    all::<RateLimiter>();
    all::<RateLimiterBuilder>();
    all::<RateLimiters<String>>();
    all::<RateLimiters<str>>();
    all::<RateLimitersBuilder<String>>();
    all::<RateLimitersBuilder<str>>();
    all::<Reservation>();
    all::<Standing>();
    all::<Turn>();
    all::<WhenFull>();
};

#[cfg(feature = "tower")]
const _: () = {
    use std::future::Ready;

    use seawall_rate_limiter::{
        ByKey, OneCell, RateLimiterLayer, RateLimiterService, RateLimiterWaiting,
        RateLimiterWaitingLayer, future::ResponseFuture,
    };

    type Keyed = ByKey<str, fn(&u8) -> String>;

    all::<OneCell>();
    all::<RateLimiterLayer>();
    all::<RateLimiterLayer<Keyed>>();
    all::<RateLimiterService<u8>>();
    all::<RateLimiterService<u8, Keyed>>();
    all::<RateLimiterWaiting<u8>>();
    all::<RateLimiterWaiting<u8, Keyed>>();
    all::<RateLimiterWaitingLayer>();
    all::<RateLimiterWaitingLayer<Keyed>>();
    all::<ResponseFuture<Ready<u8>>>();
};

#[cfg(feature = "tower")]
#[test]
fn the_future_of_a_call_that_waits_can_be_shared_where_its_parts_can() {
    use std::{convert::Infallible, future::Ready};

    use seawall_rate_limiter::future::WaitingFuture;
    use tower::util::ServiceFn;

    type Inner = ServiceFn<fn(u8) -> Ready<Result<u8, Infallible>>>;

    all::<WaitingFuture<Inner, u8>>();
}

#[cfg(feature = "tokio")]
#[test]
fn the_future_of_a_plain_wait_can_be_spawned() {
    fn sendable<T: Send + 'static>(_: T) {}

    let quota = Quota::per_second(1).expect("a quota");
    let limiter = RateLimiter::builder("spawned").quota(quota).build().expect("sound");
    let limiters = RateLimiters::<str>::builder("spawned").quota(quota).build().expect("sound");
    sendable(async move { limiter.acquire().await });
    sendable(async move { limiters.acquire("key").await });
}
