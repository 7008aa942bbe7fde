//! What an algorithm is told about the calls of one window.

use std::time::Duration;

/// The calls of one window: from the last change of the limit, or a later moment, until now.
///
/// At high rates only a share of the calls is timed; `calls` is then an estimate, while `dropped` is
/// exact.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The limit as the algorithm wanted it, with its fraction, or as it was set since.
    pub limit: f64,
    /// The most calls that were in flight at once.
    pub in_flight: u32,
    /// How many calls succeeded or were dropped.
    pub calls: u64,
    /// How many of them were dropped: they failed, such as by a time-out.
    pub dropped: u64,
    /// How many of those that succeeded were timed.
    pub timed: u64,
    /// How long these took on average; zero where there were none.
    pub latency: Duration,
    /// How long the shortest of them took.
    pub shortest: Duration,
}

impl Sample {
    /// A window of a hundred calls that took `latency` each and used all of `limit`.
    ///
    /// It is what a test of an algorithm begins with; the fields can be set.
    #[must_use]
    pub const fn new(limit: f64, latency: Duration) -> Self {
        let in_flight = limit as u32;
        Self { limit, in_flight, calls: 100, dropped: 0, timed: 100, latency, shortest: latency }
    }

    /// Whether enough calls were dropped to say that the dependency has too much: at least one, and
    /// at least 5 % of all.
    ///
    /// One error in a thousand says nothing about load.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        self.dropped > 0 && self.dropped.saturating_mul(20) >= self.calls
    }

    /// Whether at least half of the limit was in use at some time.
    ///
    /// Where less was, no latency says anything about a higher limit: it should not grow.
    #[must_use]
    pub fn is_used(&self) -> bool {
        f64::from(self.in_flight) >= self.limit / 2.0
    }

    /// Whether calls stood at the limit at some time.
    pub(super) fn is_full(&self) -> bool {
        f64::from(self.in_flight) + 1.0 >= self.limit
    }
}
