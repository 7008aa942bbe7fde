//! A share of the limit: a number of places that are its own, and what it has of all of them.
//!
//! ```text
//!  63                    32 31                     0
//! +------------------------+------------------------+
//! |          own           |         in use         |
//! +------------------------+------------------------+
//! ```
//!
//! A call counts in its share first and in the bulkhead's word after that; the word alone decides
//! whether there is a place at all. What a share has beyond its own places is borrowed: it gives that
//! back as its calls end, and borrows nothing that another share has asked for in vain within the last
//! second.

use std::time::Duration;

use seawall_core::{
    Nanos, Ratio,
    sync::{
        atomic::{
            AtomicU64,
            Ordering::{AcqRel, Relaxed},
        },
        unmodelled::AtomicU64 as Unmodelled,
    },
};

/// For how long nobody borrows the places of a share that asked for one of them in vain.
const KEPT_FREE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Share {
    part: Ratio,
    word: AtomicU64,
    /// Until when its own places are kept free for it. A wish and no promise: unmodelled.
    asked_until: Unmodelled,
}

impl Share {
    pub(super) fn new(part: Ratio, limit: u32) -> Self {
        let word = AtomicU64::new(u64::from(own(part, limit)) << 32);
        Self { part, word, asked_until: Unmodelled::new(0) }
    }

    /// Counts a call; whether its places are the share's own.
    // Relaxed: the count decides who borrows; what one call shows the next goes through the word.
    pub(super) fn take(&self, weight: u32) -> bool {
        let before = self.word.fetch_add(u64::from(weight), Relaxed);
        used(before) + u64::from(weight) <= before >> 32
    }

    pub(super) fn give(&self, weight: u32) {
        self.word.fetch_sub(u64::from(weight), Relaxed);
    }

    /// Whether a call of `weight` would have the share's own places.
    pub(super) fn is_own(&self, weight: u32) -> bool {
        let word = self.word.load(Relaxed);
        used(word) + u64::from(weight) <= word >> 32
    }

    /// The part of its own places that is in use, in thousandths.
    pub(super) fn fill(&self) -> u64 {
        let word = self.word.load(Relaxed);
        used(word) * 1000 / (word >> 32).max(1)
    }

    pub(crate) fn in_use(&self) -> u32 {
        used(self.word.load(Relaxed)) as u32
    }

    pub(crate) fn own(&self) -> u32 {
        (self.word.load(Relaxed) >> 32) as u32
    }

    /// Follows the limit.
    pub(super) fn resize(&self, limit: u32) {
        let own = u64::from(own(self.part, limit)) << 32;
        let mut seen = self.word.load(Relaxed);
        // AcqRel: whoever resizes it after another looks at the limit again, and sees the other's.
        while let Err(now) =
            self.word.compare_exchange_weak(seen, own | used(seen), AcqRel, Relaxed)
        {
            seen = now;
        }
    }

    /// It was refused a place of its own.
    pub(super) fn asked_in_vain(&self, now: Nanos) {
        self.asked_until.store((now + KEPT_FREE).0, Relaxed);
    }

    /// How many places are kept free for it.
    pub(super) fn kept_free(&self, now: impl FnOnce() -> Nanos) -> u64 {
        let until = self.asked_until.load(Relaxed);
        if until == 0 {
            return 0; // nobody reads the clock where nothing is short
        }
        if now().0 >= until {
            // Whoever asks again meanwhile asks again after that.
            self.asked_until.store(0, Relaxed);
            return 0;
        }
        let word = self.word.load(Relaxed);
        (word >> 32).saturating_sub(used(word))
    }
}

const fn used(word: u64) -> u64 {
    word & 0xffff_ffff
}

/// The places that are a share's own: rounded down, so that they never sum up to more than the limit.
pub(crate) fn own(part: Ratio, limit: u32) -> u32 {
    (u64::from(limit) * u64::from(part.parts_per_million()) / 1_000_000) as u32
}
