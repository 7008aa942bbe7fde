//! What a map tells when its nodes change, and of calls that did not go where they would rather.

use seawall_core::{Name, Rejection};

use crate::ZoneSkew;

/// A turn of a map, as its listeners get to know it.
///
/// Told by the thread that made the turn, outside any lock; of a change, after all look-ups follow it. A call that
/// gets the node that it would rather have is no turn, and is only counted.
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
    /// By the change that was told before this, a zone's nodes carry more than their weight; or they did, and
    /// carry still more.
    ZoneSkewed(ZoneSkew),
    /// A call got another node than its first candidate, as that was at its
    /// [bound](crate::route::BoundedLoad).
    Overflowed {
        /// Whom it got.
        node: Name,
    },
    /// A call got no node: all were down, or at their bounds.
    Refused(Rejection),
    /// A [fresh](crate::route::Fresh) read has waited for a replica that is not behind.
    Waited {
        /// Whether there was one in time.
        caught_up: bool,
    },
    /// A fresh read got the primary, as the replicas were behind or full.
    SentToPrimary {
        /// The primary.
        node: Name,
    },
    /// A fresh read was refused: the replicas were behind or full, and too many had gone to the primary already.
    BudgetSpent,
    /// A node is left out of reads with an age, by the lag that was reported.
    FellBehind {
        /// The node.
        node: Name,
    },
    /// And is taken in again.
    CaughtUp {
        /// The node.
        node: Name,
    },
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
