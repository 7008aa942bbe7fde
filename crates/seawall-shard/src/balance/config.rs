//! What a balance can be set to, and what cannot be.

use std::time::Duration;

use seawall_core::{Backoff, ConfigError, Jitter, Outcome, Ratio};

/// The settings of a [`Balance`](super::Balance), with their defaults.
///
/// The builder fills it in; with the feature `serde` it comes from a file, durations as `"250ms"`, and a rule
/// that is not wanted as `"off"`.
///
/// # Examples
///
/// How do I keep the settings in a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_shard::{Balance, balance::Config};
/// let config: Config = toml::from_str(
///     r#"
///     penalty = "2s"
///     slow_start = "30s"
///
///     [ejection]
///     consecutive_failures = 3
///     success_rate = "off"
///     "#,
/// )?;
/// let balance = Balance::builder("search").config(config).peer("a", "10.0.0.1").build()?;
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
    /// In how long all but a share of 1/e (37%) of an estimate is forgotten; 10 s, as in Finagle and
    /// linkerd. From a millisecond to an hour. Fixed once built.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub decay: Duration,
    /// What a peer is taken to need before anybody was measured; 30 ms, as in linkerd. One that joins later
    /// begins at the median of the others.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub initial: Duration,
    /// A call that fails, is dropped or panics is taken to have needed this long at least; 1 s. It should be
    /// no less than the time-out of a call: a peer that fails fast must not look fast.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub penalty: Duration,
    /// What a call that is dropped counts as for the ejection; [`Outcome::Ignored`], since whoever hedges
    /// drops calls that were well. The penalty is due either way.
    pub on_cancel: Outcome,
    /// What a call that panics counts as for the ejection; [`Outcome::Ignored`].
    pub on_panic: Outcome,
    /// Where more than this share of the peers are out, all are taken; one half, as in Envoy.
    pub panic_above: Ratio,
    /// How long it takes until a peer that comes back, or joins, is given all of its weight; 10 s.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub slow_start: Duration,
    /// When a peer is put out for a time; `None` never.
    #[cfg_attr(feature = "serde", serde(with = "super::serde_form::or_off"))]
    pub ejection: Option<Ejection>,
    /// Draws the same peers in each run, by one thread. Fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub seed: Option<u64>,
}

/// When a peer is put out, and for how long; the defaults are Envoy's.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Ejection {
    /// After so many failures in a row; 5. At most 16 383.
    #[cfg_attr(feature = "serde", serde(with = "super::serde_form::or_off"))]
    pub consecutive_failures: Option<u32>,
    /// Where it succeeds less often than the others.
    #[cfg_attr(feature = "serde", serde(with = "super::serde_form::or_off"))]
    pub success_rate: Option<SuccessRate>,
    /// At most this share of the peers is out by ejection at a time; 10%, but one in any case, and never the
    /// only one.
    pub at_most: Ratio,
    /// For how long: the n-th time lately for the n-th delay; 30 s, 60 s … up to 300 s, less up to a half by
    /// chance so that those who went together do not return together.
    pub time: Backoff,
    /// How often success rates are compared, and an earlier ejection is forgiven; 10 s.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub interval: Duration,
}

/// When a success rate is too far below the others'.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct SuccessRate {
    /// So many standard deviations below the mean; 1.9.
    pub deviations: f64,
    /// With fewer peers that had enough calls, rates are not compared; 5.
    pub minimum_peers: u32,
    /// With fewer calls in an interval, a peer's rate says nothing; 100.
    pub minimum_calls: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            decay: Duration::from_secs(10),
            initial: Duration::from_millis(30),
            penalty: Duration::from_secs(1),
            on_cancel: Outcome::Ignored,
            on_panic: Outcome::Ignored,
            panic_above: Ratio::from_parts_per_million(500_000),
            slow_start: Duration::from_secs(10),
            ejection: Some(Ejection::default()),
            seed: None,
        }
    }
}

impl Default for Ejection {
    fn default() -> Self {
        let time = Backoff::linear(Duration::from_secs(30)).max(Duration::from_secs(300));
        Self {
            consecutive_failures: Some(5),
            success_rate: Some(SuccessRate::default()),
            at_most: Ratio::from_parts_per_million(100_000),
            time: time.jitter(Jitter::Equal),
            interval: Duration::from_secs(10),
        }
    }
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self { deviations: 1.9, minimum_peers: 5, minimum_calls: 100 }
    }
}

impl Config {
    /// Whether it can be.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(86_400));
        let milli = Duration::from_millis(1);
        within("decay", self.decay, milli, hour, "from 1ms to 1h")?;
        within("initial", self.initial, Duration::ZERO, hour, "at most 1h")?;
        within("penalty", self.penalty, Duration::ZERO, hour, "at most 1h")?;
        within("slow_start", self.slow_start, Duration::ZERO, day, "at most 1 day")?;
        self.ejection.as_ref().map_or(Ok(()), Ejection::check)
    }

    /// Whether a balance with these settings can take over `next`.
    pub(crate) fn check_change(&self, next: &Self) -> Result<(), ConfigError> {
        next.check()?;
        let fixed = "what it was built with: it is fixed once built";
        if next.decay != self.decay {
            return Err(ConfigError::new("decay", format_args!("{:?}", next.decay), fixed));
        }
        if next.seed != self.seed {
            return Err(ConfigError::new("seed", format_args!("{:?}", next.seed), fixed));
        }
        Ok(())
    }
}

impl Ejection {
    fn check(&self) -> Result<(), ConfigError> {
        let day = Duration::from_secs(86_400);
        let milli = Duration::from_millis(1);
        if let Some(failures @ (0 | 16_384..)) = self.consecutive_failures {
            let rule = "from 1 to 16383, or none";
            return Err(ConfigError::new("ejection.consecutive_failures", failures, rule));
        }
        self.time.check().map_err(|error| error.of("ejection.time"))?;
        within("ejection.interval", self.interval, milli, day, "from 1ms to 1 day")?;
        self.success_rate.map_or(Ok(()), SuccessRate::check)
    }
}

impl SuccessRate {
    fn check(self) -> Result<(), ConfigError> {
        if !(self.deviations >= 0.0 && self.deviations.is_finite()) {
            let rule = "a finite number that is not negative";
            return Err(ConfigError::new("success_rate.deviations", self.deviations, rule));
        }
        for (field, count, least) in [
            ("success_rate.minimum_peers", self.minimum_peers, 2),
            ("success_rate.minimum_calls", self.minimum_calls, 1),
        ] {
            if count < least {
                return Err(ConfigError::new(field, count, format!("at least {least}")));
            }
        }
        Ok(())
    }
}

fn within(
    field: &'static str,
    value: Duration,
    least: Duration,
    most: Duration,
    rule: &'static str,
) -> Result<(), ConfigError> {
    if value < least || value > most {
        return Err(ConfigError::new(field, format_args!("{value:?}"), rule));
    }
    Ok(())
}
