//! Adaptive throttling: rejects just the share that the dependency would not accept anyway.
//!
//! Over a sliding window of requests and of those that were accepted, each new request is rejected
//! with the probability
//!
//! ```text
//!            requests - grace - k * accepts
//!   max( 0,  ------------------------------ ),   and at most `most`
//!                     requests + 1
//! ```
//!
//! Source: "Handling Overload", chapter 21 of *Site Reliability Engineering* (Google, 2016), with its
//! k = 2 and two minutes. Requests count when they arrive, before they are sent, and those that are
//! rejected here count too: a count at the end would lag by a round trip. The grace (the rules'
//! minimum of calls) is ours: without it the second request of a fresh client is rejected with
//! probability 1/2, since the first has not come back yet. The bound on top keeps some traffic going,
//! or recovery would never be seen.

use std::time::Duration;

use seawall_core::{Nanos, Ratio};

use crate::window::{generation::Generation, time::TimeWindow};

#[derive(Debug)]
pub(crate) struct Throttle {
    window: TimeWindow,
    k: f64,
    most: Ratio,
}

impl Throttle {
    pub(crate) fn new(over: Duration, k: f64, most: Ratio, lanes: usize) -> Self {
        Self { window: TimeWindow::new(over, 10, lanes, false), k, most }
    }

    /// Counts a request, and tells with what probability it should be rejected.
    pub(crate) fn request(
        &self,
        generation: Generation<'_>,
        grace: u64,
        now: Nanos,
        lane: usize,
    ) -> Ratio {
        let share = self.share(generation.number(), grace, now);
        self.window.add(generation, 1, 0, now, lane);
        share
    }

    /// Counts a request that was accepted.
    #[inline(never)] // few circuits throttle: their calls need not be in the way of the others'
    pub(crate) fn accepted(&self, generation: Generation<'_>, now: Nanos, lane: usize) {
        self.window.add(generation, 0, 1, now, lane);
    }

    /// With what probability the next request is rejected.
    pub(crate) fn share(&self, generation: u32, grace: u64, now: Nanos) -> Ratio {
        let totals = self.window.totals(generation, now);
        let (requests, accepts) = (totals.calls as f64, totals.failed as f64);
        let refused = requests - grace as f64 - self.k * accepts;
        if refused <= 0.0 {
            return Ratio::ZERO;
        }
        let share = (refused / (requests + 1.0) * 1e6) as u32;
        Ratio::from_parts_per_million(share).min(self.most)
    }
}
