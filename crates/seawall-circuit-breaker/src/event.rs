//! What a circuit tells when it turns.

use std::time::Duration;

use seawall_core::{Name, Ratio};

/// A turn of a circuit, as its listeners get to know it.
///
/// Told by the call that made the turn, after it was made: [`state`](crate::CircuitBreaker::state)
/// already says so. Turns of one circuit are made one after the other, and numbered by
/// `generation`; two that follow closely may be told by two threads at once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The breaker's name.
    pub name: Name,
    /// Which turn it is; the end of a ramp has the number of its beginning.
    pub generation: u32,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a circuit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Turn {
    /// It opened: calls are rejected for `open_for`.
    #[non_exhaustive]
    Opened {
        /// Which rule opened it.
        cause: Cause,
        /// For how long.
        open_for: Duration,
        /// The how manieth time in a row.
        opens: u32,
    },
    /// The open time is over: probes are let in.
    HalfOpened,
    /// A growing share of the calls is let in.
    RampStarted,
    /// All calls flow again.
    Closed,
    /// A rule would have opened it, and it is disabled; told once until the next turn.
    #[non_exhaustive]
    WouldOpen {
        /// Which rule.
        cause: Cause,
    },
    /// By hand: rejects until told otherwise.
    ForcedOpen,
    /// By hand: lets everything through.
    ForcedClosed,
    /// By hand: watches, and does nothing.
    Disabled,
    /// By hand: closed, with an empty window.
    Reset,
}

/// Which rule opened a circuit, with the figures that did it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// Too large a share of the calls failed.
    #[non_exhaustive]
    FailureRate {
        /// The share that failed.
        rate: Ratio,
        /// Of how many calls.
        calls: u64,
    },
    /// Too large a share of the calls was slow.
    #[non_exhaustive]
    SlowCallRate {
        /// The share that was slow.
        rate: Ratio,
        /// Of how many calls.
        calls: u64,
    },
    /// Too many calls failed in a row.
    #[non_exhaustive]
    ConsecutiveFailures {
        /// How many.
        failures: u32,
    },
    /// Too many calls have been in flight for too long.
    #[non_exhaustive]
    HungCalls {
        /// How many.
        hung: u64,
    },
    /// Too many probes failed or were slow.
    #[non_exhaustive]
    ProbesFailed {
        /// How many failed.
        failed: u32,
        /// How many were slow.
        slow: u32,
    },
    /// Probes did not come back within their lease.
    #[non_exhaustive]
    ProbesLost {
        /// How many.
        lost: u32,
    },
    /// Somebody said so.
    ByHand,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FailureRate { rate, calls } => write!(f, "{rate} of {calls} calls failed"),
            Self::SlowCallRate { rate, calls } => write!(f, "{rate} of {calls} calls were slow"),
            Self::ConsecutiveFailures { failures } => write!(f, "{failures} failures in a row"),
            Self::HungCalls { hung } => write!(f, "{hung} calls hang"),
            Self::ProbesFailed { failed, slow } => {
                write!(f, "{failed} probes failed and {slow} were slow")
            }
            Self::ProbesLost { lost } => write!(f, "{lost} probes did not come back"),
            Self::ByHand => f.write_str("opened by hand"),
        }
    }
}
