//! What to inject, and how often: plain data, checked when a chaos is armed with it.

#[cfg(feature = "serde")]
mod serde_form;

use std::{fmt, ops::RangeInclusive, time::Duration};

use seawall_core::{ConfigError, Nanos, Ratio};

use crate::fate::{Fault, Odds};

/// What to inject, and into what share of the calls.
///
/// Every share is from 0 to 1, and kept in whole parts per million. A call gets at most one of error,
/// hang and panic, so that these three add up to no more than 1. Latency is drawn apart from them and
/// comes first: a call can be slow and then fail.
///
/// A plan is only checked when it is used: by [`Chaos::arm`](crate::Chaos::arm), by
/// [`check`](Self::check), and when it is read from a file.
///
/// # Examples
///
/// How do I make a dependency slow, and failing now and then?
///
/// ```
/// # use seawall_chaos::Plan;
/// # use std::time::Duration;
/// let plan = Plan::new()
///     .latency(0.5, Duration::from_millis(200)..=Duration::from_millis(800))
///     .error(0.2)
///     .hang(0.05);
/// assert!(plan.check().is_ok());
/// assert_eq!(plan.to_string(), "latency 0.5 of 200ms..=800ms, error 0.2, hang 0.05");
/// ```
///
/// What does a bad plan say?
///
/// ```
/// # use seawall_chaos::Plan;
/// let error = Plan::new().error(0.7).hang(0.5).check().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`error + hang + panic` is 1.2: it must be at most 1, for a call gets one of them",
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a plan does nothing until a chaos is armed with it"]
pub struct Plan {
    latency: Option<Latency>,
    error: f64,
    hang: f64,
    panic: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Latency {
    share: f64,
    delay: Delay,
}

impl Plan {
    /// The longest latency that can be injected.
    ///
    /// An hour is far beyond every sane timeout; what should wait longer, hangs.
    pub const LONGEST_LATENCY: Duration = Duration::from_secs(3600);

    /// A plan that injects nothing.
    pub const fn new() -> Self {
        Self { latency: None, error: 0.0, hang: 0.0, panic: 0.0 }
    }

    /// Delays a share of the calls, by a `Duration` or by one from a range (each equally likely).
    pub fn latency(mut self, share: f64, delay: impl Into<Delay>) -> Self {
        let delay = delay.into();
        self.latency = Some(Latency { share, delay });
        self
    }

    /// Fails a share of the calls with [`Injected`](crate::Injected), without making them.
    pub const fn error(mut self, share: f64) -> Self {
        self.error = share;
        self
    }

    /// Lets a share of the calls hang: they neither fail nor go on, until they are dropped or the
    /// chaos is disarmed.
    pub const fn hang(mut self, share: f64) -> Self {
        self.hang = share;
        self
    }

    /// Panics in a share of the calls.
    pub const fn panic(mut self, share: f64) -> Self {
        self.panic = share;
        self
    }

    /// Whether a chaos can be armed with it.
    ///
    /// # Errors
    ///
    /// Where a share is no number from 0 to 1, or above 0 and below a millionth; where error, hang
    /// and panic add up to more than 1; where the range of the latency ends before it starts, or
    /// [an hour](Self::LONGEST_LATENCY) is exceeded.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.odds().map(|_| ())
    }

    /// The checked form.
    pub(crate) fn odds(&self) -> Result<Odds, ConfigError> {
        let (latency, shortest, spread) = match self.latency {
            Some(Latency { share, delay }) => {
                let (from, to) = delay.check()?;
                (checked("latency.share", share)?, from.0, to.0 - from.0)
            }
            None => (0, 0, 0),
        };
        let shares = [
            ("error", self.error, Fault::Error),
            ("hang", self.hang, Fault::Hang),
            ("panic", self.panic, Fault::Panic),
        ];
        let mut bound = 0;
        let mut bands = [(0, Fault::Error); 3];
        for (band, (field, share, fault)) in bands.iter_mut().zip(shares) {
            bound += checked(field, share)?;
            *band = (bound, fault);
        }
        // Thirds and sixths that are a whole on paper add up to a little more, as floats and as
        // parts: the slack takes the one, and no draw is above the whole to see the other.
        let sum = self.error + self.hang + self.panic;
        if sum > 1.0 + 1e-9 {
            let shown = (sum * 1e9).round() / 1e9;
            let rule = "at most 1, for a call gets one of them";
            return Err(ConfigError::new("error + hang + panic", shown, rule));
        }
        Ok(Odds { latency, bands, shortest, spread })
    }

    /// What is set, by the names that a snapshot uses: shares, and delays in seconds.
    pub(crate) fn limits(&self) -> Vec<(&'static str, f64)> {
        let mut limits = vec![
            ("error_share", self.error),
            ("hang_share", self.hang),
            ("panic_share", self.panic),
        ];
        if let Some(Latency { share, delay }) = self.latency {
            limits.push(("latency_share", share));
            limits.push(("latency_from", delay.from.as_secs_f64()));
            limits.push(("latency_to", delay.to.as_secs_f64()));
        }
        limits
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        if let Some(Latency { share, delay }) = self.latency {
            write!(f, "latency {share} of {delay}")?;
            between = ", ";
        }
        let shares = [("error", self.error), ("hang", self.hang), ("panic", self.panic)];
        for (fault, share) in shares.into_iter().filter(|&(_, share)| share != 0.0) {
            write!(f, "{between}{fault} {share}")?;
            between = ", ";
        }
        if between.is_empty() {
            f.write_str("nothing")?;
        }
        Ok(())
    }
}

/// A share in parts per million.
fn checked(field: &'static str, share: f64) -> Result<u32, ConfigError> {
    let ratio = Ratio::new(share).map_err(|error| error.of(field))?;
    if ratio == Ratio::ZERO && share > 0.0 {
        // Rounded to nothing, it would be a drill in which nothing happens.
        return Err(ConfigError::new(field, share, "0, or at least 0.000001"));
    }
    Ok(ratio.parts_per_million())
}

/// How long an injected latency is: one duration, or a range of them.
///
/// Made from a `Duration` or a `RangeInclusive<Duration>`; checked with the [`Plan`] that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    from: Duration,
    to: Duration,
}

impl Delay {
    fn check(self) -> Result<(Nanos, Nanos), ConfigError> {
        let Self { from, to } = self;
        if to > Plan::LONGEST_LATENCY {
            let shown = format_args!("{to:?}");
            return Err(ConfigError::new("latency.to", shown, "at most one hour"));
        }
        if from > to {
            let rule = format!("no shorter than `latency.from`, which is {from:?}");
            return Err(ConfigError::new("latency.to", format_args!("{to:?}"), rule));
        }
        Ok((from.into(), to.into()))
    }
}

impl From<Duration> for Delay {
    fn from(fixed: Duration) -> Self {
        Self { from: fixed, to: fixed }
    }
}

impl From<RangeInclusive<Duration>> for Delay {
    fn from(range: RangeInclusive<Duration>) -> Self {
        let (from, to) = range.into_inner();
        Self { from, to }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            return write!(f, "{:?}", self.from);
        }
        write!(f, "{:?}..={:?}", self.from, self.to)
    }
}
