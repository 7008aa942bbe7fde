//! Names of keys, such that what belongs together lies in one slot of a cluster.
//!
//! A cluster has 16384 slots, each on one node. A key's slot is the CRC16 of its *hash tag*, where it has
//! one: what stands between its first `{` and the first `}` after it, unless that is nothing. So all keys
//! with one tag are on one node, and a script may touch them together (Redis Cluster specification,
//! "Hash tags").
//!
//! # How a name is made
//!
//! `prefix:{key}:part`, where of the prefix and the key
//!
//! | what | becomes | so that |
//! |---|---|---|
//! | `%`, `{`, `}` | `%25`, `%7B`, `%7D` | the tag is the whole key, whatever bytes it has |
//! | an empty key | `%` | there is a tag |
//! | a key of more than 128 bytes | `%#` and its SHA-1 in hexadecimal digits | a caller can't fill the memory with long names |
//!
//! Two keys never have the same name, but for long ones whose SHA-1 is the same; whoever can make such a
//! pair makes both, and shares with himself.

use std::fmt;

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// Up to how many bytes a key is kept as it is.
const LONGEST: usize = 128;

/// Names keys: `prefix:{key}:part`, all parts of one key in one slot of a cluster.
///
/// The page of names above says what becomes of odd bytes, of no bytes and of many: any key will do,
/// also one that a client has sent.
///
/// # Examples
///
/// ```
/// # use seawall_redis::{KeySpace, slot};
/// let limits = KeySpace::new("app:limit");
/// assert_eq!(limits.name("tenant-42", "minute"), b"app:limit:{tenant-42}:minute");
/// assert_eq!(slot(&limits.name("tenant-42", "minute")), slot(&limits.name("tenant-42", "hour")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpace {
    /// Escaped, with its colon.
    prefix: Vec<u8>,
}

impl KeySpace {
    /// The names that begin with `prefix`.
    #[must_use]
    pub fn new(prefix: impl AsRef<[u8]>) -> Self {
        let mut escaped = Vec::new();
        escape(prefix.as_ref(), &mut escaped);
        escaped.push(b':');
        Self { prefix: escaped }
    }

    /// The name of a part of what belongs to `key`.
    #[must_use]
    pub fn name(&self, key: impl AsRef<[u8]>, part: &str) -> Vec<u8> {
        let key = key.as_ref();
        let mut name =
            Vec::with_capacity(self.prefix.len() + key.len().min(LONGEST) + part.len() + 3);
        name.extend_from_slice(&self.prefix);
        name.push(b'{');
        match long(key) {
            None if key.is_empty() => name.push(b'%'),
            None => escape(key, &mut name),
            Some(hash) => {
                name.extend_from_slice(b"%#");
                name.extend_from_slice(hash.as_bytes());
            }
        }
        name.extend_from_slice(b"}:");
        name.extend_from_slice(part.as_bytes());
        name
    }

    /// The prefix as it stands in names, without its colon: no brace is in it.
    #[cfg(feature = "cache")]
    pub(crate) fn escaped(&self) -> &[u8] {
        self.prefix.strip_suffix(b":").unwrap_or(&self.prefix)
    }
}

/// What a key that is too long to be kept as it is stands for itself by.
pub(crate) fn long(key: &[u8]) -> Option<String> {
    (key.len() > LONGEST).then(|| sha1_smol::Sha1::from(key).digest().to_string())
}

fn escape(text: &[u8], into: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'%' => into.extend_from_slice(b"%25"),
            b'{' => into.extend_from_slice(b"%7B"),
            b'}' => into.extend_from_slice(b"%7D"),
            plain => into.push(plain),
        }
    }
}

impl fmt::Display for KeySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.prefix).fmt(f)
    }
}

/// The slot of a cluster that a key lies in: from 0 to 16383.
///
/// # Examples
///
/// ```
/// # use seawall_redis::slot;
/// assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
/// ```
#[must_use]
pub fn slot(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS
}

/// What of a key is hashed.
fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&byte| byte == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// CRC16 in its XMODEM form: polynomial 0x1021, from 0, nothing reflected.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc: u16, _| match crc >> 15 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{crc16, tag};

    #[test]
    fn the_checksum_is_the_one_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn the_tag_is_the_one_of_the_cluster_specification() {
        assert_eq!(tag(b"{user1000}.following"), b"user1000");
        assert_eq!(tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(tag(b"foo{bar"), b"foo{bar");
        assert_eq!(tag(b"foo}bar{"), b"foo}bar{");
    }
}
