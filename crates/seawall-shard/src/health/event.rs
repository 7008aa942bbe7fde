//! What checks tell.

use std::fmt;

use seawall_core::Name;

/// A turn that checks made, as the listeners get to know it.
///
/// Told by the task that runs the checks, after the members are marked, outside any lock that a caller needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The name of the [`Health`](super::Health).
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What the checks found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// A member is well: by its first check, or again.
    #[non_exhaustive]
    Well {
        /// Which.
        member: Name,
    },
    /// A member is ill.
    #[non_exhaustive]
    Ill {
        /// Which.
        member: Name,
        /// How its last check failed.
        cause: Cause,
    },
    /// So many are ill that all are used.
    #[non_exhaustive]
    Panic {
        /// How many are ill.
        ill: usize,
        /// Of how many.
        members: usize,
    },
    /// Few enough are ill that they are left out again.
    Calm,
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It said so: the error in words.
    Failed(String),
    /// It took too long.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.write_str(error),
            Self::TimedOut => f.write_str("the check took too long"),
            Self::Panicked => f.write_str("the check panicked"),
        }
    }
}
