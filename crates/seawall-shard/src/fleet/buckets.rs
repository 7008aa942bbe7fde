//! How many numbered buckets there can be.

use seawall_core::ConfigError;

/// The most that the originals of [`Jump`](super::Jump) and [`JumpBack`](super::JumpBack) count: theirs
/// are signed numbers of 32 bits.
const MOST: u32 = i32::MAX as u32;

/// So many buckets, where there can be so many.
pub(super) fn check(buckets: u32) -> Result<u32, ConfigError> {
    if buckets == 0 || buckets > MOST {
        return Err(ConfigError::new("buckets", buckets, "from 1 to 2147483647"));
    }
    Ok(buckets)
}
