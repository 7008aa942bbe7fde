//! What a map tells when its nodes change.

use seawall_core::Name;

/// A turn of a map, as its listeners get to know it.
///
/// Told by the thread that made the turn, after all look-ups follow it, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The map's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Its topology is another one.
    TopologyChanged(Update),
}

/// What an update of the topology did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// The epoch that began: one more than the last.
    pub epoch: u64,
    /// The fingerprint of the placement from now on.
    pub fingerprint: u64,
    /// How many slots have another owner.
    pub owners_moved: usize,
    /// How many copies of a slot are at a node that had none of it before.
    pub copies_moved: usize,
}
