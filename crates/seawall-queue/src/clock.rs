//! The time of day, for whoever can't do with a monotonic one.

use seawall_core::Clock;

/// The time that all processes of a machine share, and all machines nearly: since 1970. It can step; what that does is
/// on the pages of [`periodic`](crate::periodic) and `sqlite`.
#[expect(clippy::disallowed_types, reason = "a monotonic clock ends with its process")]
pub(crate) fn wall_clock() -> Clock {
    use std::time::SystemTime;
    Clock::custom(|| {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().into()
    })
}
