//! A time that limits something, or none, and that can be changed while calls run.

use std::time::Duration;

use seawall_core::{
    Nanos,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};

/// A time of 584 years, which is to say none.
const UNLIMITED: u64 = u64::MAX;

/// In nanoseconds. Relaxed throughout: it carries nothing but itself.
pub(crate) struct Limit(AtomicU64);

impl Limit {
    pub(crate) fn new(time: Option<Duration>) -> Self {
        Self(AtomicU64::new(nanos(time)))
    }

    #[inline]
    pub(crate) fn time(&self) -> Option<Duration> {
        match self.0.load(Relaxed) {
            UNLIMITED => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    pub(crate) fn set(&self, time: Option<Duration>) {
        self.0.store(nanos(time), Relaxed);
    }
}

fn nanos(time: Option<Duration>) -> u64 {
    time.map_or(UNLIMITED, |time| Nanos::from(time).0)
}
