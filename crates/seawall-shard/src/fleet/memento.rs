//! Memento: numbered buckets of which any may leave.
//!
//! # How it decides
//!
//! Buckets stand at positions, at first each at its own. One that leaves frees its position, and whoever
//! stands at the topmost moves there, so that those who work fill the positions below their count. Kept is
//! one word for each that has left: how many worked on, which is also the position that was given up.
//!
//! ```text
//!                    0   1   2   3   4   5      positions
//!   six work         0   1   2   3   4   5
//!   1 leaves         0   5   2   3   4          left[1] = 5: below 5, position 1 is that of 5
//!   4 leaves         0   5   2   3              left[4] = 4: it stood at the topmost itself
//! ```
//!
//! [`JumpBack`](super::JumpBack) names a bucket among all that there ever were. Has it left, the key draws a
//! position below the count of those who worked on, and belongs to whoever stood there then: found by going
//! from a bucket that had left to the one that moved to its place. Has that one left since, the key draws
//! again, below a smaller count. A key of 1 that draws position 4 was a key of 4, and draws again when 4
//! leaves (M. Coluccia et al., "MementoHash: A Stateful, Minimal Memory, Best Performing Consistent Hash
//! Algorithm", 2023; there over jump hash, and with a hash map where this has an array).
//!
//! # What it promises
//!
//! 1. A bucket that leaves gives up its own keys and no others, in equal parts to all that work.
//! 2. A bucket that comes takes its share from all others, and no key moves between those.
//! 3. With no bucket missing it is [`JumpBack`](super::JumpBack).
//! 4. It is the same for all who saw the same buckets leave in the same order and come again, in all
//!    versions of this crate; what they saw is [`span`](Memento::span) and [`removed`](Memento::removed).
//!
//! # Why this one, and not AnchorHash
//!
//! AnchorHash takes fewer instructions while a good part of its buckets work, but its
//! placement depends on a capacity that is set for good beforehand and that all must know: a fleet that
//! outgrows it moves nearly all keys. It also takes 16 bytes for each bucket of the capacity, where this
//! takes four up to the highest that left, and nothing while none has.

use seawall_core::ConfigError;

use crate::ShardKey;

use super::{jump_back::jump_back, place::Place, splitmix::mix};

/// What is remembered of a bucket that works.
const WORKS: u32 = u32::MAX;

/// The most buckets: more memory than sixteen million words is no slip of a configuration.
const MOST: u32 = 1 << 24;

/// Numbered buckets of which any may leave, and the last that left comes back first.
///
/// Take it for shards that have numbers and fail: keys of a bucket that leaves spread evenly over all
/// others, and come back with it. All who look up must see the buckets leave in the same order; hand
/// [`span`](Self::span) and [`removed`](Self::removed) to whoever comes later.
///
/// # Examples
///
/// How do I take a shard out that has died, and put its successor in its place?
///
/// ```
/// # use seawall_shard::fleet::Memento;
/// let mut shards = Memento::new(10)?;
/// let before = shards.clone();
/// shards.remove(3)?;
///
/// for key in 0..1_000_u64 {
///     let now = shards.lookup(key);
///     assert_ne!(now, 3);
///     assert!(now == before.lookup(key) || before.lookup(key) == 3); // nobody else's keys moved
/// }
///
/// assert_eq!(shards.add()?, 3);
/// assert_eq!(shards, before);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
///
/// How does a process that starts later come to the same answers?
///
/// ```
/// # use seawall_shard::fleet::Memento;
/// # let mut shards = Memento::new(10)?;
/// # shards.remove(3)?;
/// let (span, removed) = (shards.span(), shards.removed()); // to a file, or to the newcomer
/// assert_eq!(Memento::resume(span, removed)?, shards);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memento {
    /// One above the highest bucket that there is, working or not.
    span: u32,
    /// How many buckets worked on once this one had left, or [`WORKS`]; no entries beyond the highest
    /// that ever left.
    left: Vec<u32>,
    /// Who left, in that order.
    removed: Vec<u32>,
}

impl Memento {
    /// So many buckets, all of which work.
    ///
    /// # Errors
    ///
    /// Where there is none, or more than 2^24.
    pub fn new(buckets: u32) -> Result<Self, ConfigError> {
        Self::resume(buckets, &[])
    }

    /// What another has told of its own: its [`span`](Self::span), and who was [`removed`](Self::removed).
    ///
    /// # Errors
    ///
    /// Where the span is none or more than 2^24, and where those who left could not have in this order: one
    /// is beyond the span, left twice, or left last of all, or is the highest and left first, which makes
    /// the span smaller instead.
    pub fn resume(span: u32, removed: &[u32]) -> Result<Self, ConfigError> {
        if span == 0 || span > MOST {
            return Err(ConfigError::new("buckets", span, "from 1 to 16777216"));
        }
        let mut memento = Self { span, left: Vec::new(), removed: Vec::new() };
        for bucket in removed {
            memento.remove(*bucket)?;
        }
        if memento.span != span {
            return Err(ConfigError::new("removed", span - 1, "not the highest bucket first"));
        }
        Ok(memento)
    }

    /// The number of the key's bucket: one that works.
    #[inline]
    #[must_use]
    pub fn lookup(&self, key: impl ShardKey) -> u32 {
        let hash = key.shard_hash();
        let mut bucket = jump_back(hash, self.span);
        // Ends: who stood there left later, if it has left, so that each turn draws below a smaller count.
        while let Some(worked) = self.left(bucket) {
            bucket = self.stood_at(redraw(hash, bucket, worked), worked);
        }
        bucket
    }

    /// Takes a bucket out: its keys go to all others, in equal parts.
    ///
    /// # Errors
    ///
    /// Where there is no such bucket, or no other; nothing has changed then.
    pub fn remove(&mut self, bucket: u32) -> Result<(), ConfigError> {
        if !self.works(bucket) || self.buckets() == 1 {
            return Err(ConfigError::new("bucket", bucket, "one that works, and not the only one"));
        }
        if self.removed.is_empty() && bucket == self.span - 1 {
            self.span -= 1; // as if it had never been: nothing to remember
            return Ok(());
        }
        let at = bucket as usize;
        if self.left.len() <= at {
            self.left.resize(at + 1, WORKS);
        }
        self.left[at] = self.buckets() - 1;
        self.removed.push(bucket);
        Ok(())
    }

    /// Puts the bucket back that left last, or a new one above all where none is missing, and says which.
    ///
    /// # Errors
    ///
    /// Where there are 2^24 already.
    pub fn add(&mut self) -> Result<u32, ConfigError> {
        if let Some(bucket) = self.removed.pop() {
            self.left[bucket as usize] = WORKS;
            let highest = self.removed.iter().max().map_or(0, |highest| *highest as usize + 1);
            self.left.truncate(highest); // so that equal states are equal
            return Ok(bucket);
        }
        if self.span == MOST {
            return Err(ConfigError::new("buckets", u64::from(MOST) + 1, "from 1 to 16777216"));
        }
        self.span += 1;
        Ok(self.span - 1)
    }

    /// How many buckets work.
    #[must_use]
    pub fn buckets(&self) -> u32 {
        self.span - self.removed.len() as u32
    }

    /// One above the highest bucket that there is, working or not.
    #[must_use]
    pub const fn span(&self) -> u32 {
        self.span
    }

    /// Who left and has not come back, in the order of leaving.
    #[must_use]
    pub fn removed(&self) -> &[u32] {
        &self.removed
    }

    /// Whether there is such a bucket, and it works.
    #[must_use]
    pub fn works(&self, bucket: u32) -> bool {
        bucket < self.span && self.left(bucket).is_none()
    }

    /// How many worked on once this one had left, if it has.
    #[inline]
    fn left(&self, bucket: u32) -> Option<u32> {
        self.left.get(bucket as usize).copied().filter(|left| *left != WORKS)
    }

    /// Who stood at a position while so many worked.
    #[inline]
    fn stood_at(&self, position: u32, worked: u32) -> u32 {
        let mut bucket = position;
        // Gone by then: its position was taken by the bucket that stood at the topmost one.
        while let Some(earlier) = self.left(bucket).filter(|left| *left >= worked) {
            bucket = earlier;
        }
        bucket
    }
}

/// A position below `worked`, for a key whose bucket has left.
///
/// The bucket's number is mixed before it meets the hash: a raw small number leaves traces in a single round
/// of mixing, and shares of 3.7% too much.
#[inline]
fn redraw(hash: u64, bucket: u32, worked: u32) -> u32 {
    let word = mix(hash ^ mix(u64::from(bucket) + 1));
    ((u128::from(word) * u128::from(worked)) >> 64) as u32
}

impl Place for Memento {
    fn place(&self, key: &[u8]) -> usize {
        self.lookup(key) as usize
    }

    fn span(&self) -> usize {
        self.span as usize
    }
}
