//! What a queue tells when something rare happens to it.

use seawall_core::Name;

use crate::job::{Cause, JobId};

/// A turn of a queue, as its listeners get to know it.
///
/// Told after it was made, outside any lock, by the process whose call made it: where several work on one
/// queue, each tells what went through its own handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The queue's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// A job is a dead letter now.
    #[non_exhaustive]
    Died {
        /// Which.
        id: JobId,
        /// Why.
        cause: Cause,
    },
    /// A worker was not heard of in time: the job that it had waits again.
    #[non_exhaustive]
    Recovered {
        /// Which.
        id: JobId,
    },
    /// A dead letter waits again.
    #[non_exhaustive]
    Requeued {
        /// Which.
        id: JobId,
    },
    /// Nothing is claimed any more.
    Paused,
    /// Claims go on.
    Resumed,
}
