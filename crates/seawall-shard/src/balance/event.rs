//! What a balance tells when one of its peers turns.

use std::{fmt, time::Duration};

use seawall_core::{Name, Ratio};

/// A turn of a peer, as the listeners of its balance get to know it.
///
/// Told by the thread that made the turn, after picks follow it, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The balance's name.
    pub name: Name,
    /// The peer's.
    pub peer: Name,
    /// What happened to it.
    pub turn: Turn,
}

/// What happened to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// It is one of the peers from now on.
    Joined,
    /// It is none of them any more; calls that it has in flight go on.
    Left,
    /// It is out for `out_for`, and back after it without another event.
    #[non_exhaustive]
    Ejected {
        /// Why.
        cause: Cause,
        /// For how long.
        out_for: Duration,
        /// The how manieth time lately.
        ejections: u32,
    },
    /// It would have been put out, but as many as may be are out.
    #[non_exhaustive]
    Spared {
        /// Why it would.
        cause: Cause,
    },
    /// It was said to be down: out until it is said to be up.
    Down,
    /// It was said to be up: taken up slowly from now on.
    Up,
}

/// Why a peer was put out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Too many calls failed in a row.
    #[non_exhaustive]
    ConsecutiveFailures {
        /// How many.
        failures: u32,
    },
    /// It succeeded far less often than the others.
    #[non_exhaustive]
    SuccessRate {
        /// The share of its calls that went well.
        rate: Ratio,
        /// What it should have reached.
        least: Ratio,
    },
    /// It could not even get ready for a call.
    NotReady,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFailures { failures } => write!(f, "{failures} failures in a row"),
            Self::SuccessRate { rate, least } => {
                write!(f, "{rate} of its calls went well, less than {least}")
            }
            Self::NotReady => f.write_str("it could not get ready"),
        }
    }
}
