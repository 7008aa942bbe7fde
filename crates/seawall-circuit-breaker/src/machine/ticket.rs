//! What a call is given when it asks: a ticket, or a refusal.

use std::time::Duration;

use seawall_core::Nanos;

/// A call that was let in: what its outcome is reported with.
///
/// Two words, so that it travels in registers: to write three parts to memory and to read them back
/// as one costs more than to count a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// When it was let in; the origin where nothing asks for it.
    pub(crate) started: Nanos,
    /// `role:32 | generation:32`.
    who: u64,
}

impl Ticket {
    #[inline]
    pub(crate) const fn new(generation: u32, role: Role, started: Nanos) -> Self {
        Self { started, who: (role as u64) << 32 | generation as u64 }
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        self.who as u32
    }

    #[inline]
    pub(crate) const fn role(self) -> Role {
        match self.who >> 32 {
            0 => Role::Watched,
            1 => Role::Probe,
            _ => Role::Bystander,
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (generation, role) = (self.generation(), self.role());
        write!(f, "{role:?} of generation {generation}, since {:?}", self.started)
    }
}

/// What a call is to the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its outcome is counted.
    Watched,
    /// Its outcome decides over a half-open circuit.
    Probe,
    /// Its outcome is nobody's concern.
    Bystander,
}

/// Why a call was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: Why,
    /// After how many milliseconds to ask again at the latest; see [`wait`](Self::wait).
    wait_ms: u64,
}

/// What stood in a call's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The open time is not over.
    Open,
    /// Somebody said so.
    Forced,
    /// All probes are in flight.
    ProbesFull,
    /// Chance, on the ramp.
    Ramp,
    /// Chance, by the throttle.
    Throttle,
}

impl Refusal {
    pub(super) const FORCED: Self = Self { why: Why::Forced, wait_ms: 0 };

    pub(crate) const fn wait_ms(why: Why, wait_ms: u64) -> Self {
        Self { why, wait_ms }
    }

    /// After how long to ask again at the latest; `None` where only a turn can help.
    pub(crate) const fn wait(self) -> Option<Duration> {
        match self.why {
            Why::Forced => None,
            _ => Some(Duration::from_millis(self.wait_ms)),
        }
    }

    /// Whether the same call could have been let in by chance.
    #[cfg(feature = "tokio")]
    pub(crate) const fn is_chance(self) -> bool {
        matches!(self.why, Why::Ramp | Why::Throttle)
    }
}
