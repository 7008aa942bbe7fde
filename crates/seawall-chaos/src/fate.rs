//! What happens to a call: a pure function of a seed, the call's number and the shares of a plan.
//!
//! # How it decides
//!
//! Each call has three draws of its own, numbers `3n`, `3n + 1` and `3n + 2` of a SplitMix64 stream
//! (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). The
//! stream is jumped into and never walked, so that no call's fate rests on another's.
//!
//! | draw | question | answer |
//! |---|---|---|
//! | `3n` | is it delayed? | where it falls below the share of the latency |
//! | `3n + 1` | error, hang, panic or none? | the band that it falls into |
//! | `3n + 2` | how long is the delay? | uniform in the range, both ends included |
//!
//! ```text
//!  0          error         error+hang    error+hang+panic            1
//!  |-- error --|---- hang ----|---- panic ----|--------- none ---------|
//! ```
//!
//! # What it promises
//!
//! 1. The same seed, number and shares give the same fate, on every machine and in every run:
//!    integers alone, and no generator of a foreign crate that may change.
//! 2. At most one of error, hang and panic.
//! 3. Who is struck at a smaller share of errors is struck at a larger one too: the draws do not
//!    depend on the shares.

use std::time::Duration;

use seawall_core::{GOLDEN, mix};

/// The shares of a plan, checked and ready to compare draws with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Odds {
    /// Draws below this, of a million, are delayed.
    pub(crate) latency: u32,
    /// Draws below each bound, and not below the one before, get the fault.
    pub(crate) bands: [(u32, Fault); 3],
    /// The shortest delay, in nanoseconds.
    pub(crate) shortest: u64,
    /// How much longer the longest delay is, in nanoseconds.
    pub(crate) spread: u64,
}

/// What a call gets instead of, or before, the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error,
    Hang,
    Panic,
}

/// What happens to one call: first the latency, then the fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) latency: Option<Duration>,
    pub(crate) fault: Option<Fault>,
}

impl Odds {
    /// The fate of the call with this number.
    pub(crate) fn fate(&self, seed: u64, call: u64) -> Fate {
        let first = call.wrapping_mul(3);
        let latency = (millionth(draw(seed, first)) < self.latency)
            .then(|| Duration::from_nanos(self.length(draw(seed, first.wrapping_add(2)))));
        let lot = millionth(draw(seed, first.wrapping_add(1)));
        let fault = self.bands.iter().find(|&&(bound, _)| lot < bound).map(|&(_, fault)| fault);
        Fate { latency, fault }
    }

    /// A delay of the range, by the high bits of `draw`: a multiplication spreads them evenly where
    /// a remainder would prefer short delays.
    fn length(&self, draw: u64) -> u64 {
        let steps = u128::from(self.spread) + 1;
        self.shortest + ((u128::from(draw) * steps) >> 64) as u64
    }
}

impl Fate {
    /// Whether the call goes through as if there were no chaos.
    pub(crate) const fn is_none(&self) -> bool {
        self.latency.is_none() && self.fault.is_none()
    }
}

fn millionth(draw: u64) -> u32 {
    ((u128::from(draw) * 1_000_000) >> 64) as u32
}

/// Number `index` of the stream of `seed`.
fn draw(seed: u64, index: u64) -> u64 {
    // The seed is mixed first, or the streams of neighbouring seeds would be one, shifted.
    let start = mix(seed.wrapping_add(GOLDEN));
    mix(start.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
}
