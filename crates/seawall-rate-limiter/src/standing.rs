//! What comes of a decision: a refusal's reason, and how a quota stands.

use std::time::Duration;

/// Why cells were not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// They would be after so many nanoseconds, if nobody else came.
    Wait(u64),
    /// They are more than there ever are at once.
    Never,
}

/// How a quota stands at a moment: what the headers of a response tell its caller.
///
/// Others may have changed it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// How many cells there are at most.
    pub limit: u64,
    /// How many can be taken now.
    pub remaining: u64,
    /// How long until one can be taken; zero where one can be now.
    pub next: Duration,
    /// How long until all are there, if nobody comes.
    pub full: Duration,
}

impl Standing {
    /// For engines that keep the quota elsewhere: not public API.
    #[doc(hidden)]
    #[must_use]
    pub const fn of(limit: u64, remaining: u64, next: Duration, full: Duration) -> Self {
        Self { limit, remaining, next, full }
    }
}
