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
    /// A call to the second level failed.
    L2Failed,
    /// A call to the second level took too long.
    L2TimedOut,
    /// As many calls to it failed in a row that it is left alone for a while.
    L2Away,
    /// It answers again.
    L2Back,
    /// Something was ended here that the second level did not confirm: it is owed.
    NotShared,
    /// All that was owed is told.
    Shared,
    /// Nothing is heard of other instances: what is kept is fresh for the gutter time at most.
    Deaf,
    /// All is heard from here on; what was kept before is not trusted any more.
    Listening,
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
            Self::L2Failed | Self::L2TimedOut | Self::L2Away | Self::NotShared | Self::Deaf => {
                tracing::warn!(target: TARGET, name, turn = ?self, "the second level is away");
            }
            Self::L2Back | Self::Shared | Self::Listening => {
                tracing::info!(target: TARGET, name, turn = ?self, "the second level is back");
            }
            Self::AnsweredInError | Self::AnsweredLate => {
                tracing::info!(target: TARGET, name, turn = ?self, "answered with a stale value");
            }
        }
    }
}
