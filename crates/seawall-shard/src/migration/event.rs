//! What a migration tells of itself.

use std::{ops::RangeInclusive, time::Duration};

use seawall_core::Name;

use crate::migration::Phase;

/// A turn of a migration, as its listeners get to know it.
///
/// Told by the worker that made the turn, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The map's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Slots are in another phase.
    #[non_exhaustive]
    Moved {
        /// The slots, the last one included.
        slots: RangeInclusive<u32>,
        /// The phase; `None` where the move is over.
        phase: Option<Phase>,
        /// The epoch that began.
        epoch: u64,
    },
    /// The two sides of a move were not the same: the slots go back, and the migration pauses.
    #[non_exhaustive]
    Mismatched {
        /// The slots, the last one included.
        slots: RangeInclusive<u32>,
    },
    /// A hand-off took too long: writes flow again, at the source, and it catches up once more.
    #[non_exhaustive]
    HandOffGivenUp {
        /// The slots, the last one included.
        slots: RangeInclusive<u32>,
    },
    /// Nothing new begins until it is resumed.
    Paused,
    /// It goes on.
    Resumed,
    /// It goes back to where it began.
    Aborted,
    /// It is over: the map is of the topology that it led to, or of the one that it began with.
    Over,
}

/// How far a migration is.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// How many moves of a slot it takes in all.
    pub moves: u64,
    /// How many of them are over.
    pub moves_done: u64,
    /// How many slots are moving now.
    pub slots_moving: u64,
    /// How many rows this process has moved.
    pub items: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many rows it has deleted.
    pub items_deleted: u64,
    /// How often two sides were not the same.
    pub mismatches: u64,
    /// How long this process has been at it.
    pub running_for: Duration,
    /// Rows a second, all that time.
    pub items_per_second: f64,
    /// Bytes a second, all that time.
    pub bytes_per_second: f64,
    /// How long the rest takes, if it goes on as it went.
    pub eta: Option<Duration>,
    /// Whether it is paused.
    pub is_paused: bool,
    /// Whether it goes back.
    pub goes_back: bool,
    /// Whether it is over.
    pub is_over: bool,
}
