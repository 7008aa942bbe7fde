//! The word of a rate: when everything that was taken is paid off.
//!
//! ```text
//!  63        61 60                                            0
//! +------------+-----------------------------------------------+
//! | generation |          paid off at, in units                |
//! +------------+-----------------------------------------------+
//! ```
//!
//! Units count from the origin of the generation, which is that of a quota: a change of the quota is a
//! change of this word, and whoever reckoned with the old one fails to swap. The few bits of a generation come
//! again; the units go on from one to the next, so that no word does (but once in half of what they reach).

const GENERATION_BITS: u32 = 3;
const UNIT_BITS: u32 = u64::BITS - GENERATION_BITS;

/// The last moment that can be told.
pub(crate) const MOST: u64 = (1 << UNIT_BITS) - 1;

/// A generation, and when everything is paid off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    /// Paid off at `units` from the beginning of a generation, of which the lowest bits are told.
    #[inline]
    pub(crate) const fn new(generation: u64, units: u64) -> Self {
        debug_assert!(units <= MOST, "a rate leaves room for all that can be owed");
        Self((generation << UNIT_BITS) | units)
    }

    #[inline]
    pub(crate) const fn generation(self) -> u64 {
        self.0 >> UNIT_BITS
    }

    #[inline]
    pub(crate) const fn paid_off(self) -> u64 {
        self.0 & MOST
    }

    /// The same generation, paid off at another time.
    #[inline]
    pub(crate) const fn at(self, units: u64) -> Self {
        Self::new(self.generation(), units)
    }

    /// The next generation.
    pub(crate) const fn next(self, units: u64) -> Self {
        Self::new(self.generation() + 1, units)
    }
}
