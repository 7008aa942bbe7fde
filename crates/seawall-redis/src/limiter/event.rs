//! What a limiter tells when something rare happens to it.

use std::time::Duration;

use seawall_core::Name;
use seawall_rate_limiter::Quota;

/// A turn of a limiter, as its listeners get to know it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The limiter's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a limiter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Turn {
    /// Redis can't be asked: calls are decided by the [`Outage`](crate::Outage) policy.
    #[non_exhaustive]
    OutageBegan {
        /// What the first call got that was not decided by Redis.
        error: crate::Error,
    },
    /// Redis decides again.
    #[non_exhaustive]
    OutageEnded {
        /// How long it did not.
        lasted: Duration,
    },
    /// The quotas are others.
    #[non_exhaustive]
    QuotaChanged {
        /// What they were.
        from: Vec<Quota>,
        /// What they are.
        to: Vec<Quota>,
    },
}
