//! What the loops and the runs of a worker share.

use std::time::Duration;

use seawall_core::{Backoff, Chance, Name, sync::Mutex};
use tokio::sync::Notify;

use super::{
    concurrency::Concurrency, handler::Handle, outbox::Outbox, report::Tally, runs::Runs,
    scale::Scale,
};
use crate::{Queue, job::Limits};

pub(super) struct Shared<T> {
    pub(super) queue: Queue<T>,
    pub(super) terms: Terms,
    pub(super) handle: Handle<T>,
    pub(super) chance: Chance,
    pub(super) runs: Runs,
    pub(super) outbox: Outbox,
    pub(super) tally: Tally,
    pub(super) scale: Mutex<Scale>,
    /// That there may be something to claim.
    pub(super) work: Notify,
}

/// On which terms it works.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) name: Name,
    pub(super) concurrency: Concurrency,
    pub(super) lease: Duration,
    pub(super) limits: Limits,
    pub(super) backoff: Backoff,
    pub(super) timeout: Option<Duration>,
    pub(super) drain: Duration,
    pub(super) poll: Duration,
    /// Polled by the worker itself, and not in a task each.
    pub(super) inline: bool,
}

impl Terms {
    /// How often heartbeats go out, and how long any call of the storage may take.
    pub(super) fn beat(&self) -> Duration {
        self.lease / 3
    }

    /// For how long a lease is safe from the moment that it was asked for: the storage's clock may run a
    /// little faster, and a run takes a moment to stop.
    pub(super) fn safe(&self) -> Duration {
        self.lease - self.lease / 10
    }

    /// How long to leave a storage alone that failed.
    pub(super) fn rest(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(1);
        self.poll.min(self.beat()).max(SHORTEST)
    }
}
