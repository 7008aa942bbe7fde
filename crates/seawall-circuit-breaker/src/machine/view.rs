//! How a circuit looks from outside: reads that change nothing.

use seawall_core::{Nanos, Ratio};

use super::{Machine, State};
#[cfg(any(feature = "tower", feature = "tokio"))]
use super::{Refusal, Why};
#[cfg(any(feature = "tower", feature = "tokio"))]
use crate::outside::Outside;
use crate::window::{Tally, Totals};

impl Machine {
    /// The state that a call would meet at `now`.
    pub(crate) fn state_at(&self, now: Nanos) -> State {
        let word = self.word();
        let now_ms = self.ms(now);
        match word.state() {
            State::Open if word.left(now_ms) == 0 => match self.rules.probes() {
                0 => State::Ramp,
                _ => State::HalfOpen,
            },
            State::HalfOpen
                if word.probes().admitted >= self.rules.probes()
                    && self.lease_left(word.generation(), now_ms) == 0 =>
            {
                State::Open
            }
            State::Ramp
                if word.passed(now_ms).unwrap_or(0) >= self.rules.ramp_ms().unwrap_or(0) =>
            {
                State::Closed
            }
            state => state,
        }
    }

    /// Whether a call would be rejected for certain, and why.
    ///
    /// Where chance has a say, no call is rejected for certain.
    #[cfg(any(feature = "tower", feature = "tokio"))]
    #[inline]
    pub(crate) fn rejects(&self, outside: &impl Outside) -> Option<Refusal> {
        let word = self.word();
        match word.state() {
            State::Closed | State::ForcedClosed | State::Disabled | State::Ramp => None,
            _ if self.rules.enforce() < Ratio::ONE => None,
            State::ForcedOpen => Some(Refusal::FORCED),
            State::Open => {
                let left = word.left(self.ms(outside.now_coarse()));
                (left > 0).then(|| Refusal::wait_ms(Why::Open, left))
            }
            State::HalfOpen => {
                let full = word.probes().admitted >= self.rules.probes();
                let left = self.lease_left(word.generation(), self.ms(outside.now_coarse()));
                (full && left > 0).then(|| Refusal::wait_ms(Why::ProbesFull, left))
            }
        }
    }

    /// What the window of the present generation holds.
    pub(crate) fn totals(&self, now: Nanos) -> Totals {
        let generation = self.word().generation();
        self.tally.as_ref().map(|tally| tally.totals(generation, now)).unwrap_or_default()
    }

    /// How many calls were ever counted; `None` where nothing counts them.
    pub(crate) fn recorded(&self) -> Option<u64> {
        self.tally.as_ref().map(Tally::recorded)
    }

    /// How many calls failed one after the other, up to now.
    pub(crate) fn failures_in_a_row(&self) -> u32 {
        self.streak.failures(self.word().generation())
    }

    /// How many calls are in flight for too long; `None` where nobody looks.
    pub(crate) fn overdue(&self, now: Nanos) -> Option<u64> {
        let generation = self.word().generation();
        self.in_flight.as_ref().map(|in_flight| in_flight.overdue(generation, now))
    }

    /// What share of the calls the throttle rejects; `None` where there is none.
    pub(crate) fn throttled(&self, now: Nanos) -> Option<Ratio> {
        let generation = self.word().generation();
        let grace = self.rules.minimum_calls();
        self.throttle.as_ref().map(|throttle| throttle.share(generation, grace, now))
    }
}
