//! The setting: how many jobs at a time, or within which bounds that finds itself.

use std::{ops::RangeInclusive, time::Duration};

use seawall_core::ConfigError;

use super::scale::Aim;

/// How many jobs a worker has at a time.
///
/// A number is that many. [`auto`](Self::auto) begins with the least, and follows the queue: each second it looks at
/// what is due, for how long that has waited, how fast it comes and what a run takes. It takes more at once, and gives
/// up what it does not need after a calm minute. A place that is given up stops no run.
///
/// Each worker sees the whole of what is due, and its own runs: several of them share the work, and each takes what it
/// could do alone. Bound them by what the machine can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    aim: Aim,
}

impl Concurrency {
    /// Always so many: from 1 to 65 536.
    #[must_use]
    pub const fn fixed(jobs: usize) -> Self {
        Self { aim: Aim { least: jobs, most: jobs, delay: Duration::from_secs(1) } }
    }

    /// From so many to so many.
    #[must_use]
    pub const fn auto(jobs: RangeInclusive<usize>) -> Self {
        Self { aim: Aim { least: *jobs.start(), most: *jobs.end(), delay: Duration::from_secs(1) } }
    }

    /// How long a job may wait that is due; a second where not set.
    #[must_use]
    pub const fn target_delay(mut self, time: Duration) -> Self {
        self.aim.delay = time;
        self
    }

    pub(super) fn check(self) -> Result<Aim, ConfigError> {
        const MOST: usize = 65_536;
        let Aim { least, most, delay } = self.aim;
        if !(1..=MOST).contains(&least) || !(least..=MOST).contains(&most) {
            let value = if least == most { least.to_string() } else { format!("{least}..={most}") };
            return Err(ConfigError::new("concurrency", value, "from 1 to 65536, the least first"));
        }
        if delay.is_zero() {
            return Err(ConfigError::new("target_delay", "0s", "more than nothing"));
        }
        Ok(self.aim)
    }
}

impl From<usize> for Concurrency {
    fn from(jobs: usize) -> Self {
        Self::fixed(jobs)
    }
}
