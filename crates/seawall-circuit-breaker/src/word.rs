//! The circuit's word: all that changes together when the circuit turns.
//!
//! ```text
//!  63    61 60          41 40     35 34                                0
//! +--------+--------------+---------+----------------------------------+
//! |  tag:3 | generation:20| opens:6 |            payload:35            |
//! +--------+--------------+---------+----------------------------------+
//!                                     Closed     since, ms
//!                                     Open       until, ms
//!                                     Ramp       since, ms
//!                                     HalfOpen   admitted:8 ok:8 failed:8 slow:8
//!                                     others     unused
//! ```
//!
//! One `AtomicU64` holds it, so that each turn, and each step of a probe, is one compare-and-swap:
//! there is no moment at which a reader sees half of it.
//!
//! * **generation** goes up with each turn of the circuit, but for the end of a ramp, which only
//!   lets more of the same calls through. What a call reports counts in the generation that admitted
//!   it, and in no other. It wraps: a call would have to be in flight while the circuit turns exactly
//!   a multiple of 2^20 times.
//! * **opens** counts how often the circuit opened since it was last stable: the attempt number of
//!   the backoff. It stops at 63.
//! * **moments** are milliseconds since the machine was built, rounded so that no wait is cut short.
//!   They wrap after 397 days and are compared by their difference, so that waits reach half as far.

/// Where a circuit stands.
///
/// ```text
///                  a rule trips
///       CLOSED ────────────────────▶ OPEN ◀──────────────┐
///         ▲                           │ open time over    │ too many probes fail,
///         │                           ▼                   │ or do not come back
///         │  enough probes do well  HALF-OPEN ────────────┤
///         ├─────────────────────────  │                   │
///         │                           ▼ (if configured)   │ a rule trips
///         └───────────────────────── RAMP ────────────────┘
///             full share reached
///
///       by hand, until told otherwise:  FORCED-OPEN  FORCED-CLOSED  DISABLED
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls flow, and are watched.
    Closed,
    /// Calls are rejected until the open time is over.
    Open,
    /// A few probes are let in to find out how the dependency is.
    HalfOpen,
    /// A growing share of the calls is let in.
    Ramp,
    /// Calls are rejected until somebody says otherwise.
    ForcedOpen,
    /// Calls flow, and are not watched.
    ForcedClosed,
    /// Calls flow and are watched, and nothing is done about it.
    Disabled,
}

impl State {
    /// The state as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Ramp => "ramp",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced open",
            Self::ForcedClosed => "forced closed",
            Self::Closed | Self::Open | Self::Ramp | Self::Disabled => self.as_str(),
        })
    }
}

const TAG_SHIFT: u32 = 61;
const GENERATION_SHIFT: u32 = 41;
const GENERATION_MASK: u64 = (1 << 20) - 1;
const OPENS_SHIFT: u32 = 35;
const OPENS_MAX: u64 = (1 << 6) - 1;
const PAYLOAD_MASK: u64 = (1 << 35) - 1;
const HALF_THE_PAYLOAD: u64 = 1 << 34;

/// The longest time that two moments of a word can lie apart and be told before from after.
pub(crate) const LONGEST_MS: u64 = HALF_THE_PAYLOAD - 1;

/// The most probes whose fates fit into a word.
pub(crate) const MOST_PROBES: u32 = 255;

/// The circuit's word, unpacked by its accessors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    pub(crate) fn new(state: State, generation: u32, opens: u32, payload: u64) -> Self {
        Self(
            (state as u64) << TAG_SHIFT
                | (u64::from(generation) & GENERATION_MASK) << GENERATION_SHIFT
                | u64::from(opens).min(OPENS_MAX) << OPENS_SHIFT
                | payload & PAYLOAD_MASK,
        )
    }

    #[inline]
    pub(crate) const fn state(self) -> State {
        match self.0 >> TAG_SHIFT {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::Ramp,
            4 => State::ForcedOpen,
            5 => State::ForcedClosed,
            _ => State::Disabled,
        }
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> GENERATION_SHIFT & GENERATION_MASK) as u32
    }

    pub(crate) const fn opens(self) -> u32 {
        (self.0 >> OPENS_SHIFT & OPENS_MAX) as u32
    }

    pub(crate) const fn payload(self) -> u64 {
        self.0 & PAYLOAD_MASK
    }

    /// The next generation, in `state`.
    pub(crate) fn turn(self, state: State, opens: u32, payload: u64) -> Self {
        Self::new(state, self.generation().wrapping_add(1), opens, payload)
    }

    /// The same generation, with another state or payload.
    pub(crate) fn same(self, state: State, payload: u64) -> Self {
        Self::new(state, self.generation(), self.opens(), payload)
    }

    /// How many milliseconds `moment` lies after the word's own; `None` where it does not.
    pub(crate) const fn passed(self, moment: u64) -> Option<u64> {
        let after = moment.wrapping_sub(self.payload()) & PAYLOAD_MASK;
        if after < HALF_THE_PAYLOAD { Some(after) } else { None }
    }

    /// How many milliseconds the word's own moment lies after `moment`; 0 where it does not.
    pub(crate) const fn left(self, moment: u64) -> u64 {
        match self.passed(moment) {
            Some(_) => 0,
            None => self.payload().wrapping_sub(moment) & PAYLOAD_MASK,
        }
    }

    pub(crate) fn probes(self) -> Probes {
        let [slow, failed, ok, admitted, ..] = self.payload().to_le_bytes().map(u32::from);
        Probes { admitted, ok, failed, slow }
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} opens {}", self.state(), self.generation(), self.opens())?;
        match self.state() {
            State::HalfOpen => write!(f, " {:?}", self.probes()),
            _ => write!(f, " at {}", self.payload()),
        }
    }
}

/// What became of the probes of a half-open circuit, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Probes {
    /// Let in, and not handed back.
    pub(crate) admitted: u32,
    /// Of those, came back well.
    pub(crate) ok: u32,
    /// Of those, failed.
    pub(crate) failed: u32,
    /// Of those that came back, well or not, were slow.
    pub(crate) slow: u32,
}

impl Probes {
    pub(crate) const fn payload(self) -> u64 {
        let Self { admitted, ok, failed, slow } = self;
        (admitted as u64) << 24 | (ok as u64) << 16 | (failed as u64) << 8 | slow as u64
    }

    /// Let in, and not back yet.
    pub(crate) const fn in_flight(self) -> u32 {
        self.admitted.saturating_sub(self.ok + self.failed)
    }
}
