//! How many calls failed in a row.
//!
//! One word, `generation:32 | failures:32`. A success where nothing failed before only reads it, so
//! that a healthy circuit writes nothing here.
//!
//! # What it promises
//!
//! 1. The count is that of the failures since the last success, in some order of the calls.
//! 2. A call of an earlier generation changes nothing.
//!
//! # Synchronization
//!
//! The word carries no data but itself: Relaxed.

use std::cmp::Ordering::{Equal, Greater, Less};

use seawall_core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::window::stamp;

/// The bits that a circuit's generation has; it wraps where they end.
const GENERATION_BITS: u32 = 20;

#[derive(Debug)]
pub(crate) struct Streak(AtomicU64);

impl Streak {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Ends the streak.
    #[inline]
    pub(crate) fn success(&self, generation: u32) {
        let seen = self.0.load(Relaxed);
        if seen as u32 != 0 {
            self.change(generation, |_| 0);
        }
    }

    /// Adds a failure; returns how many there are now, or 0 where the generation is over.
    pub(crate) fn failure(&self, generation: u32) -> u32 {
        self.change(generation, |failures| failures.saturating_add(1))
    }

    #[cold]
    fn change(&self, generation: u32, next: impl Fn(u32) -> u32) -> u32 {
        let mut seen = self.0.load(Relaxed);
        loop {
            let failures = match stamp::compare(generation.into(), seen >> 32, GENERATION_BITS) {
                Equal => next(seen as u32),
                Greater => next(0),
                Less => return 0,
            };
            let word = u64::from(generation) << 32 | u64::from(failures);
            match self.0.compare_exchange_weak(seen, word, Relaxed, Relaxed) {
                Ok(_) => return failures,
                Err(now) => seen = now,
            }
        }
    }

    /// How many calls failed in a row in this generation.
    pub(crate) fn failures(&self, generation: u32) -> u32 {
        let seen = self.0.load(Relaxed);
        if seen >> 32 == u64::from(generation) { seen as u32 } else { 0 }
    }
}
