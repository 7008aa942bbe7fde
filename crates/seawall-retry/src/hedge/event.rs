//! What a hedge tells when it makes another attempt.

use std::time::Duration;

use seawall_core::Name;

/// A turn of a hedge, as its listeners get to know it.
///
/// Told by the call that made the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HedgeEvent {
    /// The hedge's name.
    pub name: Name,
    /// What happened.
    pub turn: HedgeTurn,
}

/// What happened to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HedgeTurn {
    /// Another attempt was made, beside the others or after one that failed.
    #[non_exhaustive]
    Hedged {
        /// Which: 2 for the first that is extra.
        attempt: u32,
        /// How long after the call began, to a few milliseconds.
        elapsed: Duration,
    },
    /// An extra attempt gave the answer.
    #[non_exhaustive]
    WonByHedge {
        /// Which.
        attempt: u32,
    },
    /// Another attempt was due, and the budget had nothing left.
    BudgetSpent,
}
