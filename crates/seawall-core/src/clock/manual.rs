//! A clock for tests: it moves when it is told to, and only then.

use std::{sync::Arc, time::Duration};

use crate::{
    Nanos,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};

/// The hand of a [`Clock::manual`](super::Clock::manual): moves the time that its clock tells.
///
/// Clones move the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

// Relaxed throughout: the moment carries no data but itself.
impl ManualClock {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Nanos::from_secs(3600).0)))
    }

    /// Moves the time on by `step`; stops at the end of time.
    pub fn advance(&self, step: Duration) {
        let step = Nanos::from(step).0;
        // The closure always answers `Some`, so the update cannot fail.
        let _ = self.0.fetch_update(Relaxed, Relaxed, |now| Some(now.saturating_add(step)));
    }

    /// Sets the time to `moment`, which may lie in the past: a handle must bear that.
    pub fn set(&self, moment: Nanos) {
        self.0.store(moment.0, Relaxed);
    }

    /// The moment that the clock tells.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Nanos {
        Nanos(self.0.load(Relaxed))
    }
}
