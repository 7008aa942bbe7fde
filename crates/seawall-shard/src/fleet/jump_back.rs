//! JumpBackHash: numbered buckets in constant time, by integers alone.
//!
//! # How it decides
//!
//! Buckets lie in ranges that double: 0, 1, 2 to 3, 4 to 7, ... In each range a key has one candidate, and
//! its range counts or does not, by a bit. The key's bucket is the candidate in the highest range that
//! counts, where there are so many buckets; in the topmost range, of which a part may not be there, further
//! candidates are drawn until one is there or falls below the range. That is what
//! jump hash does from the front, done from the back, where the answer lies (O. Ertl, "JumpBackHash: Say
//! Goodbye to the Modulo Operation to Distribute Keys Uniformly to Buckets", 2024).
//!
//! # What it promises
//!
//! 1. The bucket is that of `jumpBackHashSplitMix64` in hash4j, for every key and count, in all versions
//!    of this crate.
//! 2. One more bucket takes its share from all others, and no key moves between those: of n buckets to
//!    n + 1, one key in n + 1 moves. One less is that backwards: only the last bucket can go.
//! 3. It draws at most 5/3 words of 64 bits on average, however many buckets there are.

use seawall_core::ConfigError;

use crate::ShardKey;

use super::{buckets::check, place::Place, splitmix::SplitMix};

/// So many numbered buckets, of which only the last can go: the fastest of its kind.
///
/// Take it for shards that have numbers, and whose number grows and shrinks at the end. Where any bucket
/// may leave, [`Memento`](super::Memento) takes it for the first step.
///
/// # Examples
///
/// How do I spread keys over numbered shards, and later over one more?
///
/// ```
/// # use seawall_shard::fleet::JumpBack;
/// let (ten, eleven) = (JumpBack::new(10)?, JumpBack::new(11)?);
/// let moved = (0..1_000_u64).filter(|key| ten.lookup(*key) != eleven.lookup(*key)).count();
/// assert!((70..110).contains(&moved)); // one in eleven
///
/// // Nothing moved but to the new one.
/// assert!((0..1_000_u64).all(|key| eleven.lookup(key) == 10 || eleven.lookup(key) == ten.lookup(key)));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JumpBack {
    buckets: u32,
}

impl JumpBack {
    /// So many buckets.
    ///
    /// # Errors
    ///
    /// Where there is none, or more than 2^31 - 1.
    pub fn new(buckets: u32) -> Result<Self, ConfigError> {
        Ok(Self { buckets: check(buckets)? })
    }

    /// How many buckets there are.
    #[must_use]
    pub const fn buckets(&self) -> u32 {
        self.buckets
    }

    /// The number of the key's bucket.
    #[inline]
    #[must_use]
    pub fn lookup(&self, key: impl ShardKey) -> u32 {
        jump_back(key.shard_hash(), self.buckets)
    }
}

/// The bucket of `hash` among so many, of which there is at least one.
#[inline]
pub(super) fn jump_back(hash: u64, buckets: u32) -> u32 {
    if buckets == 1 {
        return 0; // no range but the first: nothing to draw
    }
    let mut words = SplitMix::new(hash);
    let first = words.next();
    let (low, high) = (first as u32, (first >> 32) as u32);
    // A bit a range: those that count, of those that are there.
    let mut ranges = (low ^ high) & (u32::MAX >> (buckets - 1).leading_zeros());
    while ranges != 0 {
        let range = 1 << ranges.ilog2();
        // By turns, so that the candidates of two ranges do not share their bits.
        let half = if ranges.count_ones().is_multiple_of(2) { low } else { high };
        let candidate = range + (half & (range - 1));
        if candidate < buckets {
            return candidate;
        }
        if let Some(bucket) = redraw(&mut words, range, buckets) {
            return bucket;
        }
        ranges ^= range;
    }
    0
}

/// Draws candidates from below twice `range` until one is there, or falls below the range.
fn redraw(words: &mut SplitMix, range: u32, buckets: u32) -> Option<u32> {
    loop {
        let word = words.next();
        for half in [word as u32, (word >> 32) as u32] {
            let candidate = half & (2 * range - 1);
            if candidate < range {
                return None;
            }
            if candidate < buckets {
                return Some(candidate);
            }
        }
    }
}

impl Place for JumpBack {
    fn place(&self, key: &[u8]) -> usize {
        self.lookup(key) as usize
    }

    fn span(&self) -> usize {
        self.buckets as usize
    }
}
