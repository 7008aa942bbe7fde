//! The bucket: how many retries are paid for, in thousandths.
//!
//! ```text
//!  31                             0
//! +--------------------------------+
//! |   thousandths of a retry       |     0 ..= full
//! +--------------------------------+
//! ```
//!
//! | event | what becomes of the count |
//! |---|---|
//! | `add(n)` | + n, up to full; a full bucket is only read |
//! | `take(n)` | - n, where there is as much; else unchanged, and nobody gets anything |
//! | `lose(n)` | - n, down to nothing |
//!
//! # What it promises
//!
//! 1. What was taken never exceeds what it began with and what was added: no two callers get the same
//!    thousandth.
//! 2. What is added is there for whoever comes after, up to full and never above.
//! 3. A healthy service, whose bucket is full, shares no line that anybody writes to.
//!
//! # Synchronization
//!
//! The count carries nothing but itself: Relaxed throughout.

use seawall_core::{
    CachePadded,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// One retry, or one token of a rule that counts in tokens.
pub(crate) const ONE: u32 = 1_000;

#[derive(Debug)]
pub(crate) struct Bucket {
    count: CachePadded<AtomicU32>,
    full: u32,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(full: u32) -> Self {
        Self { count: CachePadded::new(AtomicU32::new(full)), full }
    }

    #[inline]
    pub(crate) fn add(&self, thousandths: u32) {
        self.update(|count| Some(count.saturating_add(thousandths).min(self.full)));
    }

    pub(crate) fn take(&self, thousandths: u32) -> bool {
        self.update(|count| count.checked_sub(thousandths))
    }

    pub(crate) fn lose(&self, thousandths: u32) {
        self.update(|count| Some(count.saturating_sub(thousandths)));
    }

    /// Makes of the count what `next` says; whether it said anything.
    ///
    /// Lock-free: fails to swap only where another caller succeeded. What changes nothing writes nothing.
    #[inline]
    fn update(&self, next: impl Fn(u32) -> Option<u32>) -> bool {
        let mut seen = self.count.load(Relaxed);
        while let Some(next) = next(seen) {
            if next == seen {
                return true;
            }
            match self.count.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    pub(crate) const fn full(&self) -> u32 {
        self.full
    }
}
