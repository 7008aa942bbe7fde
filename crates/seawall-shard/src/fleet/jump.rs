//! Jump consistent hash: numbered buckets, for those who share them with others.
//!
//! # How it decides
//!
//! A key walks through the bucket counts at which it would move, by a generator that the key seeds. Where
//! the next count lies beyond the present one, the walk ends, and the bucket is the last it moved to. About
//! `ln n` steps (J. Lamping and E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014).
//!
//! # What it promises
//!
//! 1. The bucket is that of the paper's code, for every key and count, in all versions of this crate.
//!    Nothing but IEEE 754 multiplication and division is used, so it is the same on all platforms.
//! 2. One more bucket takes its share from all others, and no key moves between those: of n buckets to
//!    n + 1, one key in n + 1 moves. One less is that backwards: only the last bucket can go.

use seawall_core::ConfigError;

use crate::ShardKey;

use super::{buckets::check, place::Place};

/// So many numbered buckets, of which only the last can go: by Lamping and Veach's jump hash.
///
/// Take it where others have chosen it. Who is free to choose takes [`JumpBack`](super::JumpBack), which
/// does the same without divisions and in constant time, or [`Memento`](super::Memento), where any bucket
/// may leave.
///
/// Buckets are numbers, and mean what the caller keeps at that number. To take a node out of the middle of
/// a list and let the others move up gives two keys of three a new owner: put another in its place
/// instead, or leave the hole to `Memento`.
///
/// # Examples
///
/// How do I share numbered shards with a service in another language?
///
/// ```
/// # use seawall_shard::fleet::Jump;
/// let shards = Jump::new(11)?;
/// // The other side calls `JumpHash(10863919174838991, 11)`: a u64 is taken as it stands.
/// assert_eq!(shards.lookup(10_863_919_174_838_991_u64), 6);
/// // Bytes are hashed by XXH3-64 before; so must they be on the other side.
/// assert_eq!(shards.lookup("user:42"), shards.lookup(seawall_shard::hash(b"user:42")));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    buckets: u32,
}

impl Jump {
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
        let mut state = key.shard_hash();
        let mut bucket = 0;
        loop {
            state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
            // The quotient first, as in the paper: another order rounds in other places.
            let quotient = f64::from(1_u32 << 31) / f64::from((state >> 33) as u32 + 1);
            let next = f64::from(bucket + 1) * quotient;
            if next >= f64::from(self.buckets) {
                return bucket;
            }
            bucket = next as u32;
        }
    }
}

impl Place for Jump {
    fn place(&self, key: &[u8]) -> usize {
        self.lookup(key) as usize
    }

    fn span(&self) -> usize {
        self.buckets as usize
    }
}
