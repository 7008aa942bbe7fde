//! How much may come how fast, and by which rule that is counted.
//!
//! # The rules, and what each lets through
//!
//! With a limit of L a period, the most that a caller who knows the rule gets through in any window from
//! one moment to just before the same moment of the next period, measured with L = 100 a minute:
//!
//! | [`Policy`] | the rule | in the worst window | keeps | a refused call comes back |
//! |---|---|---|---|---|
//! | `Gcra` | each cell pays a period / L into a debt of at most `burst` cells | `burst` + L - 1: 199; with `burst` 1, 100 | one word | as soon as one cell is paid off |
//! | `FixedWindow` | L in each window of the clock | 2 L: 200 | a count | in the next window |
//! | `SlidingWindow` | L of this window and the part of the last one that is still in reach, as if that had been even | 2 L - 1: 199 | a count a window | as the last window leaves |
//! | `SlidingLog` | L in the period before any moment | L: 100 | every call of a period | as the oldest one leaves |
//!
//! `Gcra` is the token bucket, told by the time at which it is full again: the same calls pass. Who has
//! to hold to a limit of somebody else's in any window, and not to be told off, takes `SlidingLog`, or a
//! `Gcra` whose `burst` and rate sum up to it: 50 at once and 50 a minute are never more than 100 in a
//! minute. Windows are counted from the moment at which the limiter was built, not from the full hour.

#[cfg(feature = "serde")]
mod text;

use std::{fmt, time::Duration};

use seawall_core::ConfigError;

use crate::gcra::Rate;

/// The longest period: a leap year.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The most calls that a log keeps: each takes 16 bytes.
const MOST_LOGGED: u32 = 1_000_000;

/// So many cells in a period, and how many of them at once.
///
/// A cell is what one call takes; one that weighs more takes several.
///
/// # Examples
///
/// ```
/// # use seawall_rate_limiter::{Policy, Quota};
/// # use std::time::Duration;
/// let api = Quota::per_second(100)?.burst(20)?; // one each 10 ms, and 20 at once
/// let login = Quota::per_hour(5)?.policy(Policy::SlidingLog); // never more than 5 in any hour
/// let slow = Quota::new(3, Duration::from_secs(10))?;
/// assert_eq!(api.to_string(), "100/s, burst 20");
/// assert_eq!(slow.to_string(), "3/10s");
/// # Ok::<(), seawall_rate_limiter::ConfigError>(())
/// ```
///
/// With the feature `serde` it stands in a file as it prints: see [`Config`](crate::Config).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    cells: u32,
    period: Duration,
    burst: u32,
    policy: Policy,
}

/// By which rule a [`Quota`] is counted; its page compares them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// The generic cell rate algorithm: a steady rate, and a burst of so many cells beside it.
    #[default]
    Gcra,
    /// A count that begins anew with each period of the clock.
    FixedWindow,
    /// A count that slides, by what the last period and this one had.
    SlidingWindow,
    /// Every call of the last period is remembered: the limit holds in any window.
    SlidingLog,
}

impl Policy {
    /// All of them, and how each is called in a file.
    const NAMES: [(Self, &'static str); 4] = [
        (Self::Gcra, "gcra"),
        (Self::FixedWindow, "fixed window"),
        (Self::SlidingWindow, "sliding window"),
        (Self::SlidingLog, "sliding log"),
    ];

    fn as_str(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(policy, _)| *policy == self);
        named.map_or("gcra", |(_, name)| name)
    }
}

impl Quota {
    /// So many a second, all of them at once where nothing else is [set](Self::burst).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn per_second(cells: u32) -> Result<Self, ConfigError> {
        Self::new(cells, Duration::from_secs(1))
    }

    /// So many a minute, all of them at once where nothing else is [set](Self::burst).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn per_minute(cells: u32) -> Result<Self, ConfigError> {
        Self::new(cells, Duration::from_secs(60))
    }

    /// So many an hour, all of them at once where nothing else is [set](Self::burst).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn per_hour(cells: u32) -> Result<Self, ConfigError> {
        Self::new(cells, Duration::from_secs(3_600))
    }

    /// So many a day, all of them at once where nothing else is [set](Self::burst).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn per_day(cells: u32) -> Result<Self, ConfigError> {
        Self::new(cells, Duration::from_secs(86_400))
    }

    /// `cells` in each `period`, all of them at once where nothing else is [set](Self::burst).
    ///
    /// # Errors
    ///
    /// Where there are no cells, where the period is none or longer than 366 days, and where that is
    /// more than one cell a nanosecond.
    pub fn new(cells: u32, period: Duration) -> Result<Self, ConfigError> {
        let quota = Self { cells, period, burst: cells, policy: Policy::Gcra };
        let refused = |rule: &'static str| Err(ConfigError::new("quota", quota, rule));
        if cells == 0 {
            return refused("at least one cell a period");
        }
        if period.is_zero() || period > LONGEST {
            return refused("a period from 1 ns to 366 days");
        }
        if u128::from(cells) > period.as_nanos() {
            return refused("at most one cell a nanosecond");
        }
        Ok(quota)
    }

    /// How many cells can be taken at once, after a time without calls: as many as a period has where
    /// it is not set.
    ///
    /// All of them are counted: with a burst of 1 no two calls are closer than the rate says.
    ///
    /// # Errors
    ///
    /// Where it is none, or where it would take more than eighteen years to be paid off.
    pub fn burst(self, cells: u32) -> Result<Self, ConfigError> {
        let quota = Self { burst: cells, ..self };
        if cells == 0 {
            return Err(ConfigError::new("burst", cells, "at least 1"));
        }
        if !Rate::fits(&quota) {
            let most = Rate::largest_burst(&quota);
            let rule = format!("at most {most}, which takes eighteen years to be paid off");
            return Err(ConfigError::new("burst", cells, rule));
        }
        Ok(quota)
    }

    /// The same quota, counted by another rule.
    #[must_use]
    pub const fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// How many cells a period has.
    #[must_use]
    pub const fn cells(&self) -> u32 {
        self.cells
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// How many cells can be taken at once: the heaviest call that is ever let in.
    #[must_use]
    pub const fn most_at_once(&self) -> u32 {
        self.burst
    }

    /// By which rule it is counted.
    #[must_use]
    pub const fn rule(&self) -> Policy {
        self.policy
    }

    /// The time between two cells at a steady rate, rounded up to whole nanoseconds.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let nanos = self.period.as_nanos().div_ceil(u128::from(self.cells));
        Duration::from_nanos(nanos as u64) // at most a period, which fits
    }

    /// Whether a limiter can keep it.
    ///
    /// # Errors
    ///
    /// Where a window has a burst of its own: it lets in what it has left, at once. Where a log would
    /// have to remember more than a million calls.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.policy != Policy::Gcra && self.burst != self.cells {
            let rule = "left out where a window counts: all that is left can come at once";
            return Err(ConfigError::new("burst", self.burst, rule));
        }
        if self.policy == Policy::SlidingLog && self.cells > MOST_LOGGED {
            let rule = "at most a million cells where each is remembered";
            return Err(ConfigError::new("quota", self, rule));
        }
        Ok(())
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(1, "s"), (60, "min"), (3_600, "h"), (86_400, "d")];
        let named = UNITS.iter().find(|(secs, _)| self.period == Duration::from_secs(*secs));
        match named {
            Some((_, unit)) => write!(f, "{}/{unit}", self.cells)?,
            None => write!(f, "{}/{:?}", self.cells, self.period)?,
        }
        if self.burst != self.cells {
            write!(f, ", burst {}", self.burst)?;
        }
        match self.policy {
            Policy::Gcra => Ok(()),
            policy => write!(f, ", {}", policy.as_str()),
        }
    }
}
