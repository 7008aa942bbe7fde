//! What a key is to a placement: sixty-four bits, the same in every process, version and language.
//!
//! [`std::hash::Hash`] is not asked. What a type feeds to it may change with any release of the crate that
//! defines it, and does: a vector database lost track of its shards when `uuid` changed its `Hash` (qdrant
//! #6932); slices and strings of one content feed different bytes, and lengths differ between platforms.

use xxhash_rust::xxh3::xxh3_64;

/// The hash of a key's bytes, by which all placements find it: XXH3-64 with seed 0.
///
/// Frozen since XXH3 was released, and there are implementations in every language.
///
/// # Examples
///
/// ```
/// assert_eq!(seawall_shard::hash(b"foobar"), 0xd78f_da63_144c_5c84);
/// ```
#[inline]
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Something that a placement can find: bytes, or a hash that was made of them before.
///
/// Implemented for bytes and strings, whose bytes are [hashed](hash), and for `u64`, which is taken for
/// that hash as it stands. A number that is not hashed yet is a key by its bytes, in an order that all
/// sides agree on: `id.to_be_bytes()`.
///
/// # Examples
///
/// How do I route by something of my own?
///
/// ```
/// # use seawall_shard::ShardKey;
/// struct UserId(u64);
///
/// impl ShardKey for UserId {
///     fn shard_hash(&self) -> u64 {
///         self.0.to_be_bytes().shard_hash() // bytes in a fixed order, on every platform
///     }
/// }
/// assert_eq!(UserId(7).shard_hash(), seawall_shard::hash(&[0, 0, 0, 0, 0, 0, 0, 7]));
/// ```
pub trait ShardKey {
    /// The sixty-four bits that stand for the key.
    fn shard_hash(&self) -> u64;
}

impl ShardKey for [u8] {
    #[inline]
    fn shard_hash(&self) -> u64 {
        hash(self)
    }
}

impl<const N: usize> ShardKey for [u8; N] {
    #[inline]
    fn shard_hash(&self) -> u64 {
        hash(self)
    }
}

impl ShardKey for Vec<u8> {
    #[inline]
    fn shard_hash(&self) -> u64 {
        hash(self)
    }
}

impl ShardKey for str {
    #[inline]
    fn shard_hash(&self) -> u64 {
        hash(self.as_bytes())
    }
}

impl ShardKey for String {
    #[inline]
    fn shard_hash(&self) -> u64 {
        hash(self.as_bytes())
    }
}

/// A hash that was made before.
impl ShardKey for u64 {
    #[inline]
    fn shard_hash(&self) -> u64 {
        *self
    }
}

impl<K: ShardKey + ?Sized> ShardKey for &K {
    #[inline]
    fn shard_hash(&self) -> u64 {
        (**self).shard_hash()
    }
}
