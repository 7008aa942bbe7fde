//! How long an entry is what: told the time and the chances, it asks for neither.
//!
//! # How it decides
//!
//! ```text
//!  load begins         fresh_until                stale_until              error_until
//!      |------- ttl -------|-- stale_while_revalidate --|                       |
//!      |                   |------------- stale_if_error -----------------------|
//!      |  Fresh    (Early) |            Stale           |     StaleIfError      |  Expired
//! ```
//!
//! Both windows count from the end of freshness (RFC 5861); what is in both is `Stale`. After a load that
//! failed the entry is quiet for a while: what would ask the source asks nobody.
//!
//! | now                     | quiet  | verdict        | who asks                     | what is answered     |
//! |-------------------------|--------|----------------|------------------------------|----------------------|
//! | before `fresh_until`    |        | `Fresh`        | nobody                       | the value            |
//! | ... and chance says so  | no     | `Early`        | one, in the background       | the value            |
//! | before `stale_until`    | no     | `Stale`        | one, in the background       | the value            |
//! | before `error_until`    | no     | `StaleIfError` | one, and all wait            | the value if it fails |
//! | before either           | yes    | `Kept`         | nobody                       | the value            |
//! | later                   |        | `Expired`      | one, and all wait            | nothing              |
//!
//! # What it promises
//!
//! 1. Age counts from the moment at which the load **began**: a value is never fresh for longer than
//!    `ttl` after it was true at the source. Jitter shortens, and never lengthens.
//! 2. A time that goes on never makes a verdict better, but that quiet ends.
//! 3. `Early` comes with the probability `exp(-gap / (beta * took))`, where `gap` is the time to
//!    `fresh_until` and `took` what the load took (XFetch: Vattani, Chierichetti, Lowenstein, VLDB 2015).
//!    Where it is below `exp(-10)` no chance is drawn: a fresh hit pays one comparison.

use std::time::Duration;

use seawall_core::{
    Nanos, Ratio,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};

use crate::l2::Life;

/// What an entry is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fresh,
    /// Fresh, and to be loaded anew before it is not.
    Early,
    /// May be answered while it is loaded anew.
    Stale,
    /// May be answered without a load: one has just failed.
    Kept,
    /// May be answered if a load fails.
    StaleIfError,
    Expired,
}

/// How long what is loaded is kept, where the loader does not say.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// For ever, if `None`.
    pub(crate) ttl: Option<Duration>,
    pub(crate) jitter: Ratio,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) negative_ttl: Duration,
    pub(crate) beta: f64,
    /// For how long the source is left alone after a load failed, where a stale value is there.
    pub(crate) pause: Duration,
}

/// What a loader says of one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) ttl: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
}

/// Until when an entry is what.
#[derive(Debug)]
pub(crate) struct Lifetime {
    pub(crate) fresh_until: Nanos,
    pub(crate) stale_until: Nanos,
    pub(crate) error_until: Nanos,
    /// Relaxed: it carries nothing but itself, and whoever reads it late asks once more.
    quiet_until: AtomicU64,
    /// What the load took, in microseconds; some 71 minutes at most.
    took: u32,
    /// In which stretch of [hearing](crate::cache::hearing) it was loaded; it fills a gap.
    pub(crate) stretch: u32,
}

impl Policy {
    /// The life of what a load brought that began at `began` and ended at `ended`.
    ///
    /// `draw` gives a number from its first argument to its second.
    pub(crate) fn lifetime(
        &self,
        began: Nanos,
        ended: Nanos,
        said: Overrides,
        draw: impl FnOnce(u64, u64) -> u64,
    ) -> Lifetime {
        let Some(ttl) = said.ttl.or(self.ttl) else { return Lifetime::eternal() };
        let whole = Nanos::from(ttl).0;
        let most = u128::from(whole) * u128::from(self.jitter.parts_per_million()) / 1_000_000;
        let cut = if most == 0 { 0 } else { draw(0, most as u64) };
        let fresh_until = began + Duration::from_nanos(whole - cut);
        let revalidate = said.stale_while_revalidate.unwrap_or(self.stale_while_revalidate);
        let error = said.stale_if_error.unwrap_or(self.stale_if_error);
        let took = ended.since(began).as_micros();
        Lifetime {
            fresh_until,
            stale_until: fresh_until + revalidate,
            error_until: fresh_until + error,
            quiet_until: AtomicU64::new(0),
            took: u32::try_from(took).unwrap_or(u32::MAX),
            stretch: 0,
        }
    }

    /// The life of an absence: it is never answered stale.
    pub(crate) fn lifetime_of_absence(
        &self,
        began: Nanos,
        said: Overrides,
        draw: impl FnOnce(u64, u64) -> u64,
    ) -> Lifetime {
        let ttl = said.ttl.unwrap_or(self.negative_ttl);
        let none = Some(Duration::ZERO);
        let said = Overrides { ttl: Some(ttl), stale_while_revalidate: none, stale_if_error: none };
        self.lifetime(began, began, said, draw)
    }
}

impl Lifetime {
    const fn eternal() -> Self {
        Self {
            fresh_until: Nanos::MAX,
            stale_until: Nanos::MAX,
            error_until: Nanos::MAX,
            quiet_until: AtomicU64::new(0),
            took: 0,
            stretch: 0,
        }
    }

    /// The life of what lies in the second level, counted from `at`.
    pub(crate) fn of_record(life: &Life, at: Nanos) -> Self {
        let took = life.took.as_micros();
        Self {
            fresh_until: at + life.fresh,
            stale_until: at + life.stale,
            error_until: at + life.error,
            quiet_until: AtomicU64::new(0),
            took: u32::try_from(took).unwrap_or(u32::MAX),
            stretch: 0,
        }
    }

    /// The same life for the second level, counted from `at`.
    pub(crate) fn for_record(&self, at: Nanos) -> Life {
        let until = |end: Nanos| match end {
            Nanos::MAX => Duration::MAX,
            end => end.since(at),
        };
        Life {
            fresh: until(self.fresh_until),
            stale: until(self.stale_until),
            error: until(self.error_until),
            took: Duration::from_micros(u64::from(self.took)),
        }
    }

    /// The same, but fresh until `end` at the latest: what follows the end of freshness moves with it.
    pub(crate) fn ending(&self, end: Nanos) -> Self {
        let early = self.fresh_until.since(end);
        let mut life = self.same();
        life.fresh_until = self.fresh_until.min(end);
        if early > Duration::ZERO {
            life.stale_until = life.fresh_until + self.stale_until.since(self.fresh_until);
            life.error_until = life.fresh_until + self.error_until.since(self.fresh_until);
        }
        life
    }

    /// Whether it is fresh at any time: nobody need read a clock.
    #[inline]
    pub(crate) fn is_eternal(&self) -> bool {
        self.fresh_until == Nanos::MAX
    }

    /// What the entry is at `now`; `draw` gives a number above 0 and up to 1.
    #[inline]
    pub(crate) fn judge(&self, now: Nanos, beta: f64, draw: impl FnOnce() -> f64) -> Verdict {
        if now < self.fresh_until {
            // In this order: the first is all that most hits pay.
            return if self.is_near_its_end(now, beta)
                && self.is_early(now, beta, draw())
                && !self.is_quiet(now)
            {
                Verdict::Early
            } else {
                Verdict::Fresh
            };
        }
        if now >= self.stale_until && now >= self.error_until {
            Verdict::Expired
        } else if self.is_quiet(now) {
            Verdict::Kept
        } else if now < self.stale_until {
            Verdict::Stale
        } else {
            Verdict::StaleIfError
        }
    }

    /// A load has failed: nobody asks the source before `until`.
    pub(crate) fn hush(&self, until: Nanos) {
        self.quiet_until.fetch_max(until.0, Relaxed);
    }

    fn is_quiet(&self, now: Nanos) -> bool {
        now.0 < self.quiet_until.load(Relaxed)
    }

    fn gap(&self, now: Nanos) -> f64 {
        (self.fresh_until.0 - now.0) as f64
    }

    /// The time that one unit of XFetch's exponential is worth, in nanoseconds.
    fn unit(&self, beta: f64) -> f64 {
        beta * f64::from(self.took) * 1_000.0
    }

    #[inline]
    fn is_near_its_end(&self, now: Nanos, beta: f64) -> bool {
        beta > 0.0 && self.gap(now) < 10.0 * self.unit(beta)
    }

    fn is_early(&self, now: Nanos, beta: f64, drawn: f64) -> bool {
        -drawn.ln() * self.unit(beta) >= self.gap(now)
    }

    /// A copy with the same times, for another value.
    pub(crate) fn same(&self) -> Self {
        let Self { fresh_until, stale_until, error_until, took, stretch, .. } = *self;
        let quiet_until = AtomicU64::new(self.quiet_until.load(Relaxed));
        Self { fresh_until, stale_until, error_until, quiet_until, took, stretch }
    }
}
