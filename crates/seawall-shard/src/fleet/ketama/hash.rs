//! How a key finds its place on the circle.

use md5::{Digest, Md5};

/// How a key's bytes become its place on a [`Ketama`](super::Ketama) ring.
///
/// For any other hash, [`Ketama::at`](super::Ketama::at) takes one that is made already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KetamaHash {
    /// The first word of the key's MD5, little-endian.
    Md5,
    /// What twemproxy calls `fnv1a_64`: the lower half of FNV-1a with 64 bits.
    Fnv1a64,
    /// Jenkins' one-at-a-time, the default of libmemcached.
    OneAtATime,
}

impl KetamaHash {
    #[inline]
    pub(super) fn of(self, key: &[u8]) -> u32 {
        match self {
            Self::Md5 => words(key)[0],
            Self::Fnv1a64 => key
                .iter()
                .fold(0x8422_2325, |hash, byte| (hash ^ signed(*byte)).wrapping_mul(0x1b3)),
            Self::OneAtATime => one_at_a_time(key),
        }
    }
}

/// The four points of one label.
pub(super) fn words(label: &[u8]) -> [u32; 4] {
    let digest: [u8; 16] = Md5::digest(label).into();
    let word = |at: usize| {
        u32::from_le_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]])
    };
    [word(0), word(4), word(8), word(12)]
}

fn one_at_a_time(key: &[u8]) -> u32 {
    let mut hash = key.iter().fold(0_u32, |hash, byte| {
        let hash = hash.wrapping_add(signed(*byte));
        let hash = hash.wrapping_add(hash << 10);
        hash ^ (hash >> 6)
    });
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

/// A byte as C widens a `char`, which has a sign on x86-64.
const fn signed(byte: u8) -> u32 {
    byte as i8 as u32
}
