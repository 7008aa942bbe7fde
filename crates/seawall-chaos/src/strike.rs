//! What chaos does to a call, for whoever does it by hand.

use std::{fmt, time::Duration};

use crate::{Chaos, Injected, fate::Fault, state::Drawn};

/// One thing that is done to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Wait this long, then go on.
    Latency(Duration),
    /// Fail with this, without making the call.
    Error(Injected),
    /// Do not come back: [`Chaos::disarmed`] waits until the drill is over.
    Hang,
    /// Panic.
    Panic,
}

impl Strike {
    /// The kind as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Error(_) => "error",
            Self::Hang => "hang",
            Self::Panic => "panic",
        }
    }

    pub(crate) fn of(fault: Fault, chaos: &Chaos, call: u64) -> Self {
        match fault {
            Fault::Error => Self::Error(Injected::new(chaos.shared_name(), call)),
            Fault::Hang => Self::Hang,
            Fault::Panic => Self::Panic,
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(delay) => write!(f, "latency of {delay:?}"),
            Self::Error(_) | Self::Hang | Self::Panic => f.write_str(self.as_str()),
        }
    }
}

/// All that is done to one call, in order: a latency, then an error, a hang or a panic, or any part
/// of that. Made by [`Chaos::strikes`].
#[derive(Debug)]
#[must_use = "iterators do nothing until they are asked"]
pub struct Strikes<'a> {
    pub(crate) chaos: &'a Chaos,
    pub(crate) drawn: Option<Drawn>,
}

impl Iterator for Strikes<'_> {
    type Item = Strike;

    fn next(&mut self) -> Option<Strike> {
        let drawn = self.drawn.as_mut()?;
        let fate = &mut drawn.fate;
        let strike = match (fate.latency.take(), fate.fault) {
            (Some(delay), _) => Strike::Latency(delay),
            (None, Some(fault)) => {
                fate.fault = None;
                Strike::of(fault, self.chaos, drawn.call)
            }
            (None, None) => return None,
        };
        self.chaos.struck(drawn.call, &strike);
        Some(strike)
    }
}

impl std::iter::FusedIterator for Strikes<'_> {}
