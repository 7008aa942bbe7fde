//! Everything a circuit breaker can be set to, as plain data.

use std::time::Duration;

use seawall_core::{Backoff, ConfigError, Jitter, Outcome, Ratio};

use crate::{
    Window,
    window::MOST_CALLS,
    word::{LONGEST_MS, MOST_PROBES},
};

/// What a [`CircuitBreaker`](crate::CircuitBreaker) is set to.
///
/// The builder fills it in; with the feature `serde` it comes from a file, durations as `"250ms"`.
/// Any rule may trip the circuit; one that is `None` does not.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | `window` | the last 100 calls | the same at 10 calls a second and at 10 000 |
/// | `minimum_calls` | 20, or the size of a smaller count window | 3 of 4 says little, 15 of 20 a lot |
/// | `failure_rate` | 0.5 | half of all calls failing is an outage to the caller |
/// | `slow_call` | none | only you know what is slow |
/// | `consecutive_failures` | none | a rate is less easily fooled |
/// | `hung_calls` | none | costs two more writes a call |
/// | `throttle` | none | another policy: rejects a share instead of all |
/// | `open_for` | 1 s, doubling to 60 s, equal jitter | long enough for a restart, and no two clients come back together |
/// | `stable_after` | 60 s | a dependency that fails again within a minute was not well |
/// | `half_open_probes` | 3 | one unlucky probe is not an outage |
/// | `probe_lease` | 30 s | a probe that hangs longer has failed |
/// | `ramp` | none | for dependencies with cold caches |
/// | `enforce` | 1 | all rejections are meant |
/// | `on_cancel` | ignored | the caller lost interest; see the field for the exception |
/// | `on_panic` | failure | the answer could not be used |
/// | `seed` | none | each process draws its own jitter |
///
/// # Examples
///
/// How do I read it from a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_circuit_breaker::{CircuitBreaker, Config};
/// let config: Config = toml::from_str(
///     r#"
///     window = { time = "10s" }
///     failure_rate = 0.4
///     slow_call = { longer_than = "250ms", rate = 0.8 }
///     open_for = { growth = "exponential", base = "1s", max = "30s", jitter = "full" }
///     "#,
/// )?;
/// let breaker = CircuitBreaker::builder("payments").config(config).build()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Config {
    /// Which calls the rates are taken over. Fixed once built.
    pub window: Window,
    /// With fewer calls than this in the window, rates say nothing: from 1 to 100 000.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub minimum_calls: Option<u32>,
    /// Opens when at least this share of the calls in the window failed; in a file, `"off"` is none.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_form::share_or_off"))]
    pub failure_rate: Option<Ratio>,
    /// Opens when at least a share of the calls in the window was slow. Whether it is set at all is
    /// fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub slow_call: Option<SlowCall>,
    /// Opens when this many calls failed one after the other.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub consecutive_failures: Option<u32>,
    /// Opens when this many calls have been in flight for too long, though none came back. Its time
    /// is fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub hung_calls: Option<HungCalls>,
    /// Rejects a share of the calls while closed: just those that would fail anyway. Fixed once
    /// built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub throttle: Option<Throttle>,
    /// How long to stay open: the n-th time since the circuit was last stable waits the n-th delay.
    pub open_for: Backoff,
    /// How long to stay closed until the next opening is a first one again.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub stable_after: Duration,
    /// How many calls are let in when the open time is over: from 1 to 255, or 0 with a `ramp`,
    /// which then starts at once. Their failure rate and slow-call rate are judged by the same
    /// thresholds; where there is no failure rate, one failure is enough.
    pub half_open_probes: u32,
    /// How long a probe may take, from when the last one was let in; those that are not back by
    /// then have failed.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub probe_lease: Duration,
    /// Lets a growing share of the calls in before it closes.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ramp: Option<Ramp>,
    /// The share of the rejections that is meant; the others are let through and count for
    /// nothing. 0 is a breaker that only watches and tells.
    pub enforce: Ratio,
    /// What a call that was dropped before it ended counts as.
    ///
    /// Where it is ignored, one that was slow by then is a failure all the same: a caller that
    /// gives up on a hanging dependency must not hide it.
    pub on_cancel: Outcome,
    /// What a call that panicked counts as.
    pub on_panic: Outcome,
    /// Draws the same chances (jitter, ramp, throttle, enforcement) in each run.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub seed: Option<u64>,
}

/// When a call is slow, and what share of slow calls opens the circuit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct SlowCall {
    /// A call that takes longer than this is slow; one that takes exactly this long is not.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub longer_than: Duration,
    /// The share of slow calls in the window that opens the circuit.
    pub rate: Ratio,
}

/// When a call that has not come back hangs, and how many of those open the circuit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct HungCalls {
    /// A call that has been in flight for longer than this hangs: at least 10 ms. It is noticed
    /// within an eighth of that time, by the next call.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub longer_than: Duration,
    /// How many calls that hang open the circuit.
    pub count: u32,
}

/// Adaptive throttling: see [`CircuitBreakerBuilder::throttle`](crate::CircuitBreakerBuilder::throttle).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Throttle {
    /// Over how much time requests and accepts are counted: from 10 ms to a day.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub over: Duration,
    /// How many requests to send for each that is accepted: at least 1. Nearer to 1 rejects sooner.
    pub k: f64,
    /// The largest share to reject, below 1, so that recovery is seen.
    pub most: Ratio,
}

impl Default for Throttle {
    /// Two minutes and a factor of 2, as in the SRE book; at most 95 %.
    fn default() -> Self {
        Self {
            over: Duration::from_secs(120),
            k: 2.0,
            most: Ratio::from_parts_per_million(950_000),
        }
    }
}

/// How the share of calls that are let in grows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Ramp {
    /// How long it takes until all calls are let in.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub over: Duration,
    /// The share that is let in at first; it then grows evenly.
    pub from: Ratio,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window: Window::count(100),
            minimum_calls: None,
            failure_rate: Some(Ratio::from_parts_per_million(500_000)),
            slow_call: None,
            consecutive_failures: None,
            hung_calls: None,
            throttle: None,
            open_for: Backoff::exponential(Duration::from_secs(1))
                .max(Duration::from_secs(60))
                .jitter(Jitter::Equal),
            stable_after: Duration::from_secs(60),
            half_open_probes: 3,
            probe_lease: Duration::from_secs(30),
            ramp: None,
            enforce: Ratio::ONE,
            on_cancel: Outcome::Ignored,
            on_panic: Outcome::Failure,
            seed: None,
        }
    }
}

impl Config {
    /// Below how many calls rates say nothing, also where that is not set.
    pub(crate) fn minimum(&self) -> u32 {
        self.minimum_calls.unwrap_or_else(|| match self.window {
            Window::Count { calls } => calls.min(20),
            Window::Time { .. } => 20,
        })
    }

    /// Whether any rate is taken over the window.
    pub(crate) const fn has_rates(&self) -> bool {
        self.failure_rate.is_some() || self.slow_call.is_some()
    }

    /// Whether a breaker can be built from it.
    ///
    /// # Errors
    ///
    /// Names the first field that can't be as it is, its value, and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.window.check()?;
        self.check_minimum()?;
        self.open_for.check().map_err(|error| error.of("open_for.factor"))?;
        for (field, time, shortest) in [
            ("open_for.max", self.open_for.longest(), Duration::from_millis(1)),
            ("probe_lease", self.probe_lease, Duration::from_millis(1)),
            ("stable_after", self.stable_after, Duration::ZERO),
        ] {
            check_time(field, time, shortest)?;
        }
        if let Some(slow) = self.slow_call {
            check_share("slow_call.rate", slow.rate)?;
            check_time("slow_call.longer_than", slow.longer_than, Duration::ZERO)?;
        }
        if let Some(rate) = self.failure_rate {
            check_share("failure_rate", rate)?;
        }
        if let Some(0) = self.consecutive_failures {
            return Err(ConfigError::new("consecutive_failures", 0, "at least 1"));
        }
        if let Some(hung) = self.hung_calls {
            check_time("hung_calls.longer_than", hung.longer_than, Duration::from_millis(10))?;
            if hung.count == 0 {
                return Err(ConfigError::new("hung_calls.count", 0, "at least 1"));
            }
        }
        if let Some(throttle) = self.throttle {
            throttle.check()?;
        }
        if let Some(ramp) = self.ramp {
            check_time("ramp.over", ramp.over, Duration::from_millis(1))?;
        }
        match (self.half_open_probes, self.ramp) {
            (1..=MOST_PROBES, _) | (0, Some(_)) => Ok(()),
            (probes, _) => Err(ConfigError::new(
                "half_open_probes",
                probes,
                "from 1 to 255, or 0 where there is a ramp",
            )),
        }
    }

    fn check_minimum(&self) -> Result<(), ConfigError> {
        let most = match self.window {
            Window::Count { calls } => calls,
            Window::Time { .. } => MOST_CALLS,
        };
        let minimum = self.minimum();
        if (1..=most).contains(&minimum) {
            return Ok(());
        }
        Err(ConfigError::new(
            "minimum_calls",
            minimum,
            format!("from 1 to {most}, which is the most that the window can hold"),
        ))
    }

    /// Whether a breaker that was built from `self` can take over `next`.
    pub(crate) fn check_change(&self, next: &Self) -> Result<(), ConfigError> {
        next.check()?;
        let fixed = |field: &'static str, same: bool, was: String| match same {
            true => Ok(()),
            false => Err(ConfigError::new(
                field,
                "changed",
                format!("as it was built ({was}): build a new breaker to change it"),
            )),
        };
        fixed("window", self.window == next.window, format!("{:?}", self.window))?;
        let (was, is) = (self.slow_call.is_some(), next.slow_call.is_some());
        fixed("slow_call", was == is, format!("{:?}", self.slow_call))?;
        let (was, is) = (self.has_rates(), next.has_rates());
        fixed("failure_rate", was == is, format!("{:?}", self.failure_rate))?;
        let time = |config: &Self| config.hung_calls.map(|hung| hung.longer_than);
        fixed("hung_calls", time(self) == time(next), format!("{:?}", self.hung_calls))?;
        fixed("throttle", self.throttle == next.throttle, format!("{:?}", self.throttle))
    }
}

impl Throttle {
    fn check(&self) -> Result<(), ConfigError> {
        let allowed = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);
        if !allowed.contains(&self.over) {
            let value = format!("{:?}", self.over);
            return Err(ConfigError::new("throttle.over", value, "from 10 ms to a day"));
        }
        if !(self.k.is_finite() && self.k >= 1.0) {
            return Err(ConfigError::new("throttle.k", self.k, "a number of at least 1"));
        }
        if self.most == Ratio::ONE {
            return Err(ConfigError::new("throttle.most", self.most, "below 100%"));
        }
        Ok(())
    }
}

/// A threshold of nothing would open on a healthy dependency.
fn check_share(field: &'static str, share: Ratio) -> Result<(), ConfigError> {
    if share == Ratio::ZERO {
        return Err(ConfigError::new(field, share, "above 0 and at most 1"));
    }
    Ok(())
}

fn check_time(field: &'static str, time: Duration, shortest: Duration) -> Result<(), ConfigError> {
    if (shortest..=Duration::from_millis(LONGEST_MS)).contains(&time) {
        return Ok(());
    }
    let rule = format!("from {shortest:?} to {} days", LONGEST_MS / 86_400_000);
    Err(ConfigError::new(field, format_args!("{time:?}"), rule))
}
