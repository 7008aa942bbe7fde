//! Where the family takes its random numbers from: seeded by the user, or by the system.

use crate::sync::unmodelled::{AtomicU64, Ordering::Relaxed};

/// A source of random numbers that threads can share, and that repeats itself from the same seed.
///
/// Each draw advances one word by the golden ratio and mixes what it was (Weyl sequence and
/// `wyrand` finalizer, both by [`fastrand`](https://docs.rs/fastrand)); a draw never waits. It is for
/// spreading load, and no source for secrets.
#[derive(Debug)]
pub struct Chance(AtomicU64);

impl Chance {
    /// A source that gives the same numbers for the same seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        // Mixed first: seeds that are neighbours, such as the numbers of instances, would draw first
        // numbers that meet more often than by chance.
        Self(AtomicU64::new(mix(seed)))
    }

    /// A source that gives other numbers each time.
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(fastrand::u64(..))
    }

    /// `Chance::seeded` where there is a seed, `Chance::random` where there is none.
    #[must_use]
    pub fn from_seed(seed: Option<u64>) -> Self {
        seed.map_or_else(Self::random, Self::seeded)
    }

    fn draw(&self) -> fastrand::Rng {
        // Relaxed: the word carries nothing but itself, and each draw gets its own.
        fastrand::Rng::with_seed(self.0.fetch_add(GOLDEN, Relaxed))
    }

    /// A number from `low` to `high`, both included, each equally likely.
    ///
    /// # Panics
    ///
    /// Where `low` is above `high`.
    #[must_use]
    #[track_caller]
    pub fn uniform(&self, low: u64, high: u64) -> u64 {
        self.draw().u64(low..=high)
    }

    /// `true` for a share of the draws.
    #[must_use]
    pub fn happens(&self, share: crate::Ratio) -> bool {
        self.draw().u32(0..1_000_000) < share.parts_per_million()
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::random()
    }
}

/// The golden ratio in 64 bits: what SplitMix64 and a [`Chance`] step by.
#[doc(hidden)]
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finalizer (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014).
#[doc(hidden)]
#[must_use]
pub const fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
