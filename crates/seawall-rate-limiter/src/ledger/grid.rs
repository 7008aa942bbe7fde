//! Time in windows of one length, counted from an origin.

use seawall_core::Nanos;

use crate::Quota;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    origin: Nanos,
    pub(super) period: u64,
}

impl Grid {
    pub(super) fn new(quota: &Quota, origin: Nanos) -> Self {
        // At least 1 and at most a year: `Quota` has seen to it.
        Self { origin, period: Nanos::from(quota.period()).0 }
    }

    /// In which window a moment lies, and how far in it.
    pub(super) const fn locate(self, moment: Nanos) -> (u64, u64) {
        let age = moment.0.saturating_sub(self.origin.0);
        (age / self.period, age % self.period)
    }

    /// The moment so far in a window, or after it; none where time ends before.
    pub(super) fn moment(self, window: u64, offset: u64) -> Option<Nanos> {
        let age = window.checked_mul(self.period)?.checked_add(offset)?;
        age.checked_add(self.origin.0).map(Nanos)
    }
}
