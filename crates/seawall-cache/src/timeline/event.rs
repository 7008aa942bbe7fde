//! What a timeline tells when something rare happens to it.

use seawall_core::Name;

/// A turn of a timeline, as its listeners get to know it.
///
/// Told after it was made, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The timeline's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// A push failed in the store; some of its lists may have the item.
    PushFailed,
    /// Absent lists were not rebuilt: the loader or the store failed.
    RebuildFailed,
    /// A list was removed or evicted while it was rebuilt: who reads it next rebuilds it again.
    RebuildOutdated,
}

#[cfg(feature = "tracing")]
impl Turn {
    pub(super) fn trace(self, name: &Name) {
        const TARGET: &str = "seawall::timeline";
        let name = name.as_str();
        match self {
            Self::PushFailed | Self::RebuildFailed => {
                tracing::warn!(target: TARGET, name, turn = ?self, "the store or the loader failed");
            }
            Self::RebuildOutdated => {
                tracing::info!(target: TARGET, name, turn = ?self, "a rebuilt list was not kept");
            }
        }
    }
}
