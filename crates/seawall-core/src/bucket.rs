//! A budget's bucket: how much is paid for, in thousandths.
//!
//! For patterns, not for their users: what a share of the traffic may do (a retry, a read that goes to the primary
//! after all) is paid for by that traffic.
//!
//! ```text
//!  31                             0
//! +--------------------------------+
//! |   thousandths of one           |     0 ..= full
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

use crate::{
    CachePadded,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// One of what is paid for.
pub const ONE: u32 = 1_000;

/// What is paid for, up to full.
#[derive(Debug)]
pub struct Bucket {
    count: CachePadded<AtomicU32>,
    full: u32,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(full: u32) -> Self {
        Self { count: CachePadded::new(AtomicU32::new(full)), full }
    }

    /// Pays in.
    #[inline]
    pub fn add(&self, thousandths: u32) {
        self.update(|count| Some(count.saturating_add(thousandths).min(self.full)));
    }

    /// Takes all of it, or nothing; whether there was as much.
    #[inline]
    #[must_use]
    pub fn take(&self, thousandths: u32) -> bool {
        self.update(|count| count.checked_sub(thousandths))
    }

    /// Takes as much of it as there is.
    #[inline]
    pub fn lose(&self, thousandths: u32) {
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

    /// What there is.
    #[inline]
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    /// What there is at most.
    #[inline]
    #[must_use]
    pub const fn full(&self) -> u32 {
        self.full
    }
}
