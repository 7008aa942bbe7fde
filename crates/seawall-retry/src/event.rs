//! What a retry tells when a call is not over with its first try.

use std::time::Duration;

use seawall_core::Name;

use crate::GaveUp;

/// A turn of a call, as the listeners of its [`Retry`](crate::Retry) get to know it.
///
/// Told by the thread that polls the call, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The retry's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// It is tried again.
    #[non_exhaustive]
    Retrying {
        /// The number of the attempt that follows: 2 for the first retry.
        attempt: u32,
        /// How long it waits until then.
        wait: Duration,
    },
    /// Another try was wanted, and is not made: the last result is the call's.
    #[non_exhaustive]
    GaveUp {
        /// Why not.
        why: GaveUp,
        /// How many attempts were made.
        attempts: u32,
        /// How long all of it took.
        elapsed: Duration,
    },
}
