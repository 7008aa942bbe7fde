//! What comes out.

use std::{sync::Arc, time::Duration};

use seawall_core::{Name, Priority};

use crate::job::{Counts, Lease, Limits};

/// Who wants how many jobs, and on which terms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// How many at most.
    pub max: usize,
    /// How long they are his, unless he asks for more time.
    pub lease: Duration,
    /// How much each may fail, where it has no limits of its own.
    pub limits: Limits,
    /// What he is called, for people who look; nothing is decided by it.
    pub worker: Name,
}

impl Claim {
    /// Up to `max` jobs for `lease`, with the usual limits, by nobody in particular.
    #[must_use]
    pub fn new(max: usize, lease: Duration) -> Self {
        Self { max, lease, limits: Limits::default(), worker: Name::from("") }
    }

    /// The same, with limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, with a worker's name.
    #[must_use]
    pub fn worker(mut self, worker: impl Into<Name>) -> Self {
        self.worker = worker.into();
        self
    }
}

/// A job that was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed<P> {
    /// What each heartbeat and each settle must show; its token fences what the handler writes elsewhere.
    pub lease: Lease,
    /// What there is to do.
    pub payload: P,
    /// What happened to it so far; this attempt is counted.
    pub counts: Counts,
    /// How much it may fail: those of its own, where it has any.
    pub limits: Limits,
    /// How important it is.
    pub priority: Priority,
    /// Whom it shares the key's limit and turns with.
    pub key: Option<Arc<str>>,
    /// How long it was ready and nobody claimed it.
    pub waited: Duration,
}

impl<P> Claimed<P> {
    /// What a storage hands out. The rest is as of a job that nothing is special about.
    #[must_use]
    pub fn new(lease: Lease, payload: P, counts: Counts, limits: Limits) -> Self {
        Self {
            lease,
            payload,
            counts,
            limits,
            priority: Priority::default(),
            key: None,
            waited: Duration::ZERO,
        }
    }

    /// The same job with another payload, if there can be one.
    ///
    /// # Errors
    ///
    /// Those of `payload`.
    pub fn try_map<Q, E>(self, payload: impl FnOnce(P) -> Result<Q, E>) -> Result<Claimed<Q>, E> {
        Ok(Claimed {
            lease: self.lease,
            payload: payload(self.payload)?,
            counts: self.counts,
            limits: self.limits,
            priority: self.priority,
            key: self.key,
            waited: self.waited,
        })
    }

    /// The same job with another payload.
    #[must_use]
    pub fn map<Q>(self, payload: impl FnOnce(P) -> Q) -> Claimed<Q> {
        let Ok(mapped) = self.try_map(|kept| Ok::<_, std::convert::Infallible>(payload(kept)));
        mapped
    }
}
