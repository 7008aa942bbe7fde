//! The peers, set as [`settings`](crate::settings) says where they can be.
//!
//! | peer | what is not equal |
//! |---|---|
//! | tokio `Semaphore` 1 | Has no name, counts no refusal, and its queue has no bound in number or time. |
//! | tower `ConcurrencyLimit` 0.5 | As tokio's, which it is made of. Back-pressure only: refuses under `LoadShed`. |
//! | congestion-limiter 0.1 | No layer, and no bound on the number who wait. Adapts with each call, and has no Gradient2; a fixed limit reads the clock too. |
//! | tower-resilience-bulkhead 0.14 | Has a layer and no plain API. Waits without end: where its wait has an end, each call makes a timer, and needs a runtime. |
//! | tower-resilience-adaptive 0.14 | As before; back-pressure only. Adapts with each call. |
//!
//! Not measured: refusals by tower-resilience-bulkhead (it waits on a timer of no length, which takes
//! until the runtime's next tick), partitions of congestion-limiter (each release is a task on a
//! runtime).

use std::{hint::black_box, pin::pin};

use congestion_limiter::{
    limiter::{DefaultLimiter, Limiter, Outcome, Token},
    limits::{Aimd, Fixed, LimitAlgorithm},
};
use seawall_benches::{poll, service::Ready};
use tower::limit::{ConcurrencyLimit, ConcurrencyLimitLayer};
use tower_layer::Layer as _;
use tower_resilience_adaptive::{AdaptiveLimiterLayer, AdaptiveService, ConcurrencyAlgorithm};
use tower_resilience_bulkhead::{Bulkhead, BulkheadConfigBuilder, BulkheadLayer};

use crate::settings::{FIRST, LEAST, LIMIT, MOST};

/// tower's own, over a ready service.
pub(crate) fn concurrency_limit(limit: u32) -> ConcurrencyLimit<Ready> {
    ConcurrencyLimitLayer::new(limit as usize).layer(Ready)
}

/// congestion-limiter's, with a fixed limit.
pub(crate) fn congestion_fixed(limit: u32) -> DefaultLimiter<Fixed> {
    DefaultLimiter::new(Fixed::new(limit as usize))
}

/// congestion-limiter's, by additive increase and multiplicative decrease.
pub(crate) fn congestion_aimd() -> DefaultLimiter<Aimd> {
    DefaultLimiter::new(Aimd::new(FIRST as usize, LEAST as usize..=MOST as usize))
}

/// A place of congestion-limiter's; its futures are boxed, and ready when they are first polled.
#[inline]
pub(crate) fn token<L: LimitAlgorithm + Sync + std::fmt::Debug>(
    limiter: &DefaultLimiter<L>,
) -> Option<Token> {
    poll::ready(pin!(limiter.try_acquire()))
}

/// One of its calls that went well.
#[inline]
pub(crate) fn token_and_back<L: LimitAlgorithm + Sync + std::fmt::Debug>(
    limiter: &DefaultLimiter<L>,
) {
    let token = token(limiter).expect("there is room");
    let limit = poll::ready(pin!(limiter.release(token, Some(Outcome::Success))));
    black_box(limit);
}

/// tower-resilience's bulkhead.
pub(crate) fn tower_resilience_bulkhead() -> BulkheadConfigBuilder {
    BulkheadLayer::builder().max_concurrent_calls(LIMIT as usize)
}

/// What that builds, over a ready service.
pub(crate) fn tower_resilience(builder: BulkheadConfigBuilder) -> Bulkhead<Ready> {
    builder.build().expect("the settings of the benches are allowed").layer(Ready)
}

/// tower-resilience's adaptive limit, by additive increase and multiplicative decrease.
pub(crate) fn tower_resilience_aimd() -> AdaptiveService<Ready, impl ConcurrencyAlgorithm + 'static>
{
    let aimd = tower_resilience_adaptive::Aimd::builder()
        .initial_limit(FIRST as usize)
        .min_limit(LEAST as usize)
        .max_limit(MOST as usize);
    AdaptiveLimiterLayer::new(aimd.build().expect("it is allowed")).layer(Ready)
}

/// tower-resilience's adaptive limit, by the gradient of the latency.
pub(crate) fn tower_resilience_gradient2()
-> AdaptiveService<Ready, impl ConcurrencyAlgorithm + 'static> {
    let gradient2 = tower_resilience_adaptive::Gradient2::builder()
        .initial_limit(FIRST as usize)
        .min_limit(LEAST as usize)
        .max_limit(MOST as usize);
    AdaptiveLimiterLayer::new(gradient2.build().expect("it is allowed")).layer(Ready)
}
