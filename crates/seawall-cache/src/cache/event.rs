//! What a cache tells when something rare happens to it.

use seawall_core::Name;

/// A turn of a cache, as its listeners get to know it.
///
/// Told after it was made, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The cache's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// A load ended in an error.
    LoadFailed,
    /// A load did not end in the time that it has.
    LoadTimedOut,
    /// A load panicked.
    LoadPanicked,
    /// A call was answered with a stale value, because its load failed or was refused.
    AnsweredInError,
    /// A call was answered with a stale value, because its load took longer than the soft timeout.
    AnsweredLate,
    /// A refresh was left out: as many as may run, run.
    RefreshRefused,
}

#[cfg(feature = "tracing")]
impl Turn {
    /// What keeps a new value from the cache is a warning; that a caller got an old one instead is not.
    pub(super) fn trace(self, name: &Name) {
        const TARGET: &str = "seawall::cache";
        let name = name.as_str();
        match self {
            Self::LoadFailed | Self::LoadTimedOut | Self::LoadPanicked => {
                tracing::warn!(target: TARGET, name, turn = ?self, "a load gave no value");
            }
            Self::RefreshRefused => tracing::warn!(target: TARGET, name, "a refresh was left out"),
            Self::AnsweredInError | Self::AnsweredLate => {
                tracing::info!(target: TARGET, name, turn = ?self, "answered with a stale value");
            }
        }
    }
}
