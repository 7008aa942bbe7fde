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
//! The word carries no data but itself, so Relaxed does for 1. For 2, its swap is Release: see
//! [`generation`](crate::window::generation).

use seawall_core::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

use crate::window::generation::Generation;

#[derive(Debug)]
pub(crate) struct Streak(AtomicU64);

impl Streak {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Whether a call failed and none has gone well since, in whatever generation.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.0.load(Relaxed) as u32 != 0
    }

    /// Ends the streak.
    pub(crate) fn success(&self, generation: Generation<'_>) {
        if self.is_running() {
            self.change(generation, |_| 0);
        }
    }

    /// Adds a failure; returns how many there are now, or 0 where the generation is over.
    pub(crate) fn failure(&self, generation: Generation<'_>) -> u32 {
        self.change(generation, |failures| failures.saturating_add(1))
    }

    #[cold]
    fn change(&self, generation: Generation<'_>, next: impl Fn(u32) -> u32) -> u32 {
        let own = u64::from(generation.number());
        let mut seen = self.0.load(Relaxed);
        loop {
            let failures = if seen >> 32 == own {
                next(seen as u32)
            } else if generation.is_over() {
                return 0;
            } else {
                next(0)
            };
            let word = own << 32 | u64::from(failures);
            match self.0.compare_exchange_weak(seen, word, Release, Relaxed) {
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
