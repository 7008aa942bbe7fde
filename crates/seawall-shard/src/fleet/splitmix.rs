//! SplitMix64: the words that the numbered placements draw for a key.
//!
//! Of their own, though core has a mixer too: what core does with chance may change, these never.

/// 2^64 divided by the golden ratio: how far the state goes between two words.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of words that begins at a key.
pub(super) struct SplitMix(u64);

impl SplitMix {
    #[inline]
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }
}

/// Spreads each bit of `word` over all of them; no two words become one.
#[inline]
pub(super) const fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
