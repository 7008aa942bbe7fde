//! How fast rows may move: after what has moved, nothing does until its time is over.

use std::time::Duration;

use seawall_core::Nanos;

/// A rate, and the moment from which on it allows more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    per_second: Option<u64>,
    free_at: Nanos,
}

impl Throttle {
    pub(crate) const fn new(per_second: Option<u64>) -> Self {
        Self { per_second, free_at: Nanos::ZERO }
    }

    /// Another rate, from now on: what has been spent is not counted anew.
    pub(crate) const fn set(&mut self, per_second: Option<u64>) {
        *self = Self::new(per_second);
    }

    /// How long nothing may move.
    pub(crate) const fn wait(&self, now: Nanos) -> Duration {
        self.free_at.since(now)
    }

    /// So much has moved.
    pub(crate) fn spend(&mut self, count: u64, now: Nanos) {
        let Some(rate) = self.per_second else { return };
        let nanos = u128::from(count) * 1_000_000_000 / u128::from(rate);
        let time = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.free_at = Nanos(self.free_at.max(now).0.saturating_add(time));
    }
}
