//! The peers, set as [`settings`](crate::settings) says where they can be.
//!
//! | peer | what is not equal |
//! |---|---|
//! | governor 0.10 | Has no name and counts no refusal. A refusal says a moment; the wait until then is reckoned from another reading of the clock. Its default clock is quanta's. No bound on keys: one that is idle stays until `retain_recent`. |
//! | ratelimit 2 | A bucket that is filled at most once a microsecond: between, a cell that is there costs no reckoning. |
//! | leaky-bucket 1.1 | A bucket that is filled by whoever comes, under a lock. A refusal says no wait. |
//! | tower `RateLimit` 0.5 | A window. Each service counts for itself, and is not `Clone`. Back-pressure only: refuses under `LoadShed`, and says no wait. |
//! | tower-resilience-ratelimiter 0.14 | A bucket under a lock. Has a layer and no plain API. |

use std::{num::NonZeroU32, time::Duration};

use governor::{
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::DashMapStateStore},
};
use leaky_bucket::RateLimiter as LeakyBucket;
use ratelimit::Ratelimiter;
use seawall_benches::service::{self, Ready};
use tower::{
    limit::{RateLimit, rate::Rate},
    load_shed::LoadShed,
};
use tower_layer::Layer as _;
use tower_resilience_ratelimiter::{RateLimiter, RateLimiterConfigBuilder, RateLimiterLayer};

use crate::settings::{ALLOWED, BURST, LONG, RATE, of_a_key};

/// Governor, by a clock, and of one quota.
pub(crate) type Governor<C> =
    governor::RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Governor of many quotas, in the map that it has by default.
pub(crate) type GovernorKeyed<K, C> =
    governor::RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Governor that lets in whoever comes.
pub(crate) fn governor_open<C: Clock>(clock: C) -> Governor<C> {
    let quota = governor::Quota::per_second(non_zero(RATE)).allow_burst(non_zero(BURST));
    Governor::direct_with_clock(quota, clock)
}

/// Governor with nothing left.
pub(crate) fn governor_spent<C: Clock>(clock: C) -> Governor<C> {
    let governor = Governor::direct_with_clock(every(LONG), clock);
    assert!(governor.check().is_ok(), "there is one");
    governor
}

/// A quota of governor's: one cell each `interval`.
pub(crate) fn every(interval: Duration) -> governor::Quota {
    governor::Quota::with_period(interval).expect(ALLOWED)
}

/// Governor with a quota for each of so many keys.
pub(crate) fn governor_keyed<K, C>(keys: usize, clock: C) -> GovernorKeyed<K, C>
where
    K: std::hash::Hash + Eq + Clone,
    C: Clock,
{
    let (interval, burst) = of_a_key(keys);
    GovernorKeyed::dashmap_with_clock(every(interval).allow_burst(non_zero(burst)), clock)
}

/// The crate `ratelimit` that lets in whoever comes.
pub(crate) fn ratelimit_open() -> Ratelimiter {
    let bucket = Ratelimiter::builder(RATE.into()).max_tokens(BURST.into());
    bucket.initial_available(BURST.into()).build().expect(ALLOWED)
}

/// The crate `ratelimit` with nothing left.
pub(crate) fn ratelimit_spent() -> Ratelimiter {
    Ratelimiter::builder(1).period(LONG).max_tokens(1).build().expect(ALLOWED)
}

/// leaky-bucket that lets in whoever comes.
pub(crate) fn leaky_bucket_open() -> LeakyBucket {
    let burst = BURST as usize;
    let mut bucket = LeakyBucket::builder();
    bucket.refill(RATE as usize).interval(Duration::from_secs(1)).max(burst).initial(burst).build()
}

/// leaky-bucket with nothing left.
pub(crate) fn leaky_bucket_spent() -> LeakyBucket {
    LeakyBucket::builder().refill(1).interval(LONG).max(1).initial(0).build()
}

/// tower's own, over a ready service; made in a runtime.
pub(crate) fn tower() -> RateLimit<Ready> {
    RateLimit::new(Ready, Rate::new(RATE.into(), Duration::from_secs(1)))
}

/// tower's own with nothing left, refusing; made in a runtime.
pub(crate) fn tower_spent() -> LoadShed<RateLimit<Ready>> {
    let mut one = LoadShed::new(RateLimit::new(Ready, Rate::new(1, LONG)));
    service::call(&mut one);
    one
}

/// tower-resilience that lets in whoever comes.
pub(crate) fn tower_resilience_open() -> RateLimiterConfigBuilder {
    RateLimiterLayer::burst(RATE as usize, BURST as usize).timeout_duration(Duration::ZERO)
}

/// tower-resilience with nothing left, refusing.
pub(crate) fn tower_resilience_spent() -> RateLimiter<Ready> {
    let one = RateLimiterLayer::builder().limit_for_period(1).refresh_period(LONG);
    let mut one = tower_resilience(one.timeout_duration(Duration::ZERO));
    service::call(&mut one);
    one
}

/// What such a builder builds, over a ready service.
pub(crate) fn tower_resilience(builder: RateLimiterConfigBuilder) -> RateLimiter<Ready> {
    builder.build().expect(ALLOWED).layer(Ready)
}

/// Of a heavy call.
pub(crate) fn non_zero(cells: u32) -> NonZeroU32 {
    NonZeroU32::new(cells).expect(ALLOWED)
}
