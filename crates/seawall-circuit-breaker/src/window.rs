//! What the rates are taken over: the last so many calls, or the last so much time.
//!
//! Read [`count`] for the one, [`time`] for the other; both tag what they hold with the circuit's
//! generation, so that a turn of the circuit empties them at no cost and without a race.

pub(crate) mod count;
pub(crate) mod generation;
pub(crate) mod stamp;
pub(crate) mod time;

use std::time::Duration;

use seawall_core::{ConfigError, Nanos, Ratio};

use self::{count::CountWindow, generation::Generation, time::TimeWindow};
use crate::outside::Outside;

/// The most calls that a count window holds, and that a minimum may ask for.
pub(crate) const MOST_CALLS: u32 = 100_000;

/// Which calls the rates are taken over.
///
/// | window | holds | costs a successful call | memory |
/// |---|---|---|---|
/// | [`count(n)`](Window::count) | exactly the last `n` calls | one compare-and-swap on a shared word | `n / 3` bytes |
/// | [`time(t)`](Window::time) | the calls of the last `t`, in ten steps | a coarse clock reading and one compare-and-swap on a word of the core's own | 128 B a core |
///
/// Take a count window where traffic is low or uneven; a time window where many threads share the
/// breaker, or where what happened a minute ago should not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// The last calls.
    #[non_exhaustive]
    Count {
        /// How many: from 1 to 100 000.
        calls: u32,
    },
    /// The last stretch of time.
    #[non_exhaustive]
    Time {
        /// How long: at least a millisecond for each bucket, at most a day.
        over: Duration,
        /// In how many steps old calls leave it: from 2 to 120. It always holds between
        /// `over - over / buckets` and `over` of history.
        buckets: u32,
    },
}

impl Window {
    /// The last `calls` calls.
    #[must_use]
    pub const fn count(calls: u32) -> Self {
        Self::Count { calls }
    }

    /// The calls of the last `over`, in ten steps.
    #[must_use]
    pub const fn time(over: Duration) -> Self {
        Self::Time { over, buckets: 10 }
    }

    /// The same time window in `buckets` steps; a count window has no steps, and stays as it is.
    #[must_use]
    pub const fn buckets(self, buckets: u32) -> Self {
        match self {
            Self::Time { over, .. } => Self::Time { over, buckets },
            count @ Self::Count { .. } => count,
        }
    }

    pub(crate) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Count { calls: 1..=MOST_CALLS } => Ok(()),
            Self::Count { calls } => {
                Err(ConfigError::new("window.calls", calls, "from 1 to 100000"))
            }
            Self::Time { buckets, .. } if !(2..=120).contains(&buckets) => {
                Err(ConfigError::new("window.buckets", buckets, "from 2 to 120"))
            }
            Self::Time { over, buckets } => {
                let shortest = Duration::from_millis(buckets.into());
                let longest = Duration::from_secs(24 * 3600);
                if (shortest..=longest).contains(&over) {
                    return Ok(());
                }
                Err(ConfigError::new(
                    "window.time",
                    format_args!("{over:?}"),
                    "at least a millisecond for each bucket, and at most a day",
                ))
            }
        }
    }
}

/// What a window holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) slow: u64,
}

impl Totals {
    pub(crate) const fn failure_rate(self) -> Ratio {
        Ratio::of(self.failed, self.calls)
    }

    pub(crate) const fn slow_rate(self) -> Ratio {
        Ratio::of(self.slow, self.calls)
    }
}

/// A finished call, as far as a window cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

impl Call {
    /// It went as it should.
    pub(crate) const WELL: Self = Self { failed: false, slow: false };

    pub(crate) const fn is_bad(self) -> bool {
        self.failed | self.slow
    }
}

/// Either window.
#[derive(Debug)]
pub(crate) enum Tally {
    Count(CountWindow),
    Time(TimeWindow),
}

impl Tally {
    pub(crate) fn new(window: Window, lanes: usize, watches_slow: bool) -> Self {
        match window {
            Window::Count { calls } => Self::Count(CountWindow::new(calls, watches_slow)),
            Window::Time { over, buckets } => {
                Self::Time(TimeWindow::new(over, buckets, lanes, watches_slow))
            }
        }
    }

    /// Whether a reading that is a tick of the kernel late would be noticed.
    pub(crate) fn wants_exact_time(&self) -> Option<bool> {
        match self {
            Self::Count(_) => None,
            Self::Time(window) => Some(window.wants_exact_time()),
        }
    }

    /// Counts a call of `generation`; one of an earlier generation is dropped.
    #[inline]
    pub(crate) fn record(&self, generation: Generation<'_>, call: Call, now: Nanos, lane: usize) {
        match self {
            Self::Count(window) => window.record(generation, call),
            Self::Time(window) => window.record(generation, call, now, lane),
        }
    }

    /// Counts a call of `generation` that went well, now.
    #[inline]
    pub(crate) fn record_well(&self, generation: Generation<'_>, outside: &impl Outside) {
        match self {
            Self::Count(window) => window.record_well(generation),
            Self::Time(window) => {
                let now = window.now(outside);
                window.record(generation, Call::WELL, now, outside.lane());
            }
        }
    }

    pub(crate) fn totals(&self, generation: u32, now: Nanos) -> Totals {
        match self {
            Self::Count(window) => window.totals(generation),
            Self::Time(window) => window.totals(generation, now),
        }
    }

    /// How many calls were ever recorded.
    pub(crate) fn recorded(&self) -> u64 {
        match self {
            Self::Count(window) => window.recorded(),
            Self::Time(window) => window.recorded(),
        }
    }
}
