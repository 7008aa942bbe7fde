// The page shows a pattern at work, and is tested where that pattern is there.
#![cfg_attr(
    all(feature = "circuit-breaker", feature = "tower"),
    doc = include_str!("../README.md")
)]
#![cfg_attr(
    not(all(feature = "circuit-breaker", feature = "tower")),
    doc = "Resilience and scalability for Rust services, one crate a move: one feature a pattern."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "bulkhead")]
pub use seawall_bulkhead as bulkhead;
#[cfg(feature = "cache")]
pub use seawall_cache as cache;
#[cfg(feature = "chaos")]
pub use seawall_chaos as chaos;
#[cfg(feature = "circuit-breaker")]
pub use seawall_circuit_breaker as circuit_breaker;
pub use seawall_core as core;
#[cfg(feature = "queue")]
pub use seawall_queue as queue;
#[cfg(feature = "rate-limiter")]
pub use seawall_rate_limiter as rate_limiter;
#[cfg(feature = "retry")]
pub use seawall_retry as retry;
#[cfg(feature = "shard")]
pub use seawall_shard as shard;

pub use seawall_core::{
    Backoff, BoxError, Classify, Clock, ConfigError, Context, Deadline, Error, Jitter, ManualClock,
    Observe, Outcome, Priority, Ratio, Reason, Registry, Rejection, Snapshot, context, deadline,
    priority,
};

/// What most services need, in one line: `use seawall::prelude::*;`.
///
/// The handles and layers of the patterns whose features are on, and what stands in their
/// signatures. Traits and types that only some need stay in the modules of their patterns.
pub mod prelude {
    #[cfg(feature = "bulkhead")]
    pub use seawall_bulkhead::{Adaptive, Bulkhead, Bulkheads, Compartment};
    #[cfg(all(feature = "bulkhead", feature = "tower"))]
    pub use seawall_bulkhead::{BulkheadLayer, BulkheadsLayer};
    #[cfg(feature = "cache")]
    pub use seawall_cache::{Cache, LoadError, Loaded, SingleFlight};
    #[cfg(all(feature = "cache", feature = "tower"))]
    pub use seawall_cache::{CacheLayer, CoalesceLayer};
    #[cfg(all(feature = "chaos", feature = "tower"))]
    pub use seawall_chaos::ChaosLayer;
    #[cfg(feature = "chaos")]
    pub use seawall_chaos::{Chaos, Plan};
    #[cfg(feature = "circuit-breaker")]
    pub use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakers, Window};
    #[cfg(all(feature = "circuit-breaker", feature = "tower"))]
    pub use seawall_circuit_breaker::{CircuitBreakerLayer, CircuitBreakersLayer};
    pub use seawall_core::{Backoff, Error, Jitter, Outcome, Reason, Rejection};
    #[cfg(all(feature = "queue", feature = "tokio"))]
    pub use seawall_queue::Worker;
    #[cfg(feature = "queue")]
    pub use seawall_queue::{Job, Queue};
    #[cfg(all(feature = "rate-limiter", feature = "tower"))]
    pub use seawall_rate_limiter::RateLimiterLayer;
    #[cfg(feature = "rate-limiter")]
    pub use seawall_rate_limiter::{Quota, RateLimiter, RateLimiters};
    #[cfg(feature = "retry")]
    pub use seawall_retry::{Decision, Fallback, Retry, RetryBudget, RetryError};
    #[cfg(all(feature = "retry", feature = "tower"))]
    pub use seawall_retry::{FallbackLayer, HedgeLayer, RetryLayer, TimeoutLayer};
    #[cfg(all(feature = "retry", feature = "tokio"))]
    pub use seawall_retry::{Hedge, Percentile, RetryExt, Timeout};
    #[cfg(feature = "shard")]
    pub use seawall_shard::{Balance, Node, Read, ShardKey, ShardMap, Split};
    #[cfg(all(feature = "shard", feature = "tower"))]
    pub use seawall_shard::{ReplicaSet, Sharded, balance::BalanceService, split::SplitService};
}
