//! What a chaos tells its listeners.

use std::fmt;

use seawall_core::Name;

use crate::{Plan, Strike};

/// Something that a chaos did.
///
/// Events of two threads can reach a listener in either order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// It was armed, or its plan was replaced: from now on it strikes.
    #[non_exhaustive]
    Armed {
        /// The chaos.
        name: Name,
        /// What its draws come from; a drill with the same seed and plan is the same drill.
        seed: u64,
        /// What is injected.
        plan: Plan,
    },
    /// It was disarmed, and strikes nobody any more.
    #[non_exhaustive]
    Disarmed {
        /// The chaos.
        name: Name,
        /// What was injected.
        plan: Plan,
        /// How many calls met this plan, struck or not.
        calls: u64,
    },
    /// It struck a call.
    #[non_exhaustive]
    Struck {
        /// The chaos.
        name: Name,
        /// The call's number, counted from 0 when the chaos was armed.
        call: u64,
        /// What was done to it.
        strike: Strike,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Armed { name, seed, plan } => {
                write!(f, "chaos `{name}` is armed with {plan} (seed {seed})")
            }
            Self::Disarmed { name, calls, .. } => {
                write!(f, "chaos `{name}` is disarmed after {calls} calls")
            }
            Self::Struck { name, call, strike } => {
                write!(f, "chaos `{name}` struck call {call}: {strike}")
            }
        }
    }
}
