//! Everything a hedge can be set to, as plain data.

use std::{fmt, time::Duration};

use seawall_core::{ConfigError, Ratio};

use super::race::MOST;

const LEAST_DELAY: Duration = Duration::from_millis(1);
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// What a [`Hedge`](crate::Hedge) is set to.
///
/// The builder fills it in; with the feature `serde` it comes from a file.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | `after` | `"p95"` | one call in twenty is hedged, whatever the latency is (Dean and Barroso, "The Tail at Scale") |
/// | `max_in_flight` | 2 | the second attempt helps most; each further one costs as much |
/// | `budget_ratio` | 0.05 | while the service is slow, hedges must not make it slower |
/// | `budget_burst` | 10 | a few slow calls in a row are hedged though there is little traffic |
///
/// # Examples
///
/// How do I read it from a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_retry::{Hedge, HedgeConfig};
/// let config: HedgeConfig = toml::from_str(r#"
///     after = "p99"
///     max_in_flight = 3
/// "#)?;
/// let hedge = Hedge::builder("search").config(config).build()?;
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
pub struct HedgeConfig {
    /// When another attempt is made: `"p95"`, or a time such as `"50ms"`. Which of the two is fixed once
    /// built.
    pub after: After,
    /// How many attempts a call makes in all, all of which may be in flight at once: from 1, which is no
    /// hedging, to 5.
    pub max_in_flight: u32,
    /// Which part of the calls can be hedged, where there is no other budget. Fixed once built.
    pub budget_ratio: Ratio,
    /// How many hedges can be saved up, where there is no other budget. Fixed once built.
    pub budget_burst: u32,
}

impl Default for HedgeConfig {
    fn default() -> Self {
        Self {
            after: After::Percentile(Percentile::P95),
            max_in_flight: 2,
            budget_ratio: Ratio::from_parts_per_million(50_000),
            budget_burst: 10,
        }
    }
}

impl HedgeConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=MOST).contains(&self.max_in_flight) {
            let rule = format!("from 1 to {MOST}");
            return Err(ConfigError::new("max_in_flight", self.max_in_flight, rule));
        }
        match self.after {
            After::Delay(delay) if !(LEAST_DELAY..=LONGEST_DELAY).contains(&delay) => {
                let rule = "from 1 ms to an hour, or a percentile";
                Err(ConfigError::new("after", format_args!("{delay:?}"), rule))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn check_change(&self, next: &Self) -> Result<(), ConfigError> {
        next.check()?;
        let fixed = |field, value: &dyn fmt::Display| {
            Err(ConfigError::new(field, value, "what it was built with"))
        };
        match (self.after, next.after) {
            (After::Percentile(_), After::Delay(_)) | (After::Delay(_), After::Percentile(_)) => {
                let rule = "of the kind that it was built with: a percentile, or a time";
                Err(ConfigError::new("after", next.after, rule))
            }
            _ if self.budget_ratio != next.budget_ratio => {
                fixed("budget_ratio", &next.budget_ratio)
            }
            _ if self.budget_burst != next.budget_burst => {
                fixed("budget_burst", &next.budget_burst)
            }
            _ => Ok(()),
        }
    }
}

/// When another attempt is made, while none has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub enum After {
    /// When the call has taken longer than so many of the calls before.
    Percentile(Percentile),
    /// After this time.
    Delay(Duration),
}

impl From<Percentile> for After {
    fn from(percentile: Percentile) -> Self {
        Self::Percentile(percentile)
    }
}

impl From<Duration> for After {
    fn from(delay: Duration) -> Self {
        Self::Delay(delay)
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => percentile.fmt(f),
            Self::Delay(delay) => write!(f, "{delay:?}"),
        }
    }
}

#[cfg(feature = "serde")]
impl From<After> for String {
    fn from(after: After) -> Self {
        match after {
            After::Percentile(percentile) => percentile.to_string(),
            After::Delay(delay) => seawall_core::duration::format(delay),
        }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<String> for After {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        if let Some(percent) = text.strip_prefix('p') {
            let number: Option<f64> = percent.parse().ok();
            let percentile = number.and_then(|percent| Percentile::new(percent).ok());
            let rule = format!("{}, such as \"p95\"", Percentile::RULE);
            return percentile.map(Self::Percentile).ok_or_else(|| {
                let shown: String = text.chars().take(40).collect();
                ConfigError::new("after", format_args!("{shown:?}"), rule)
            });
        }
        seawall_core::duration::parse(&text).map(Self::Delay).map_err(|error| error.of("after"))
    }
}

/// A latency by how many calls in a hundred are not above it: from 50 to 99.99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentile(Ratio);

impl Percentile {
    /// Half of the calls are slower.
    pub const P50: Self = Self(Ratio::from_parts_per_million(500_000));
    /// One call in ten is slower.
    pub const P90: Self = Self(Ratio::from_parts_per_million(900_000));
    /// One call in twenty is slower.
    pub const P95: Self = Self(Ratio::from_parts_per_million(950_000));
    /// One call in a hundred is slower.
    pub const P99: Self = Self(Ratio::from_parts_per_million(990_000));

    const RULE: &str = "a percentile from 50 to 99.99";

    /// The latency that `percent` calls in a hundred are not above.
    ///
    /// # Errors
    ///
    /// Where it is not from 50 to 99.99.
    pub fn new(percent: f64) -> Result<Self, ConfigError> {
        match Ratio::percent(percent) {
            Ok(share) if (50.0..=99.99).contains(&percent) => Ok(Self(share)),
            _ => Err(ConfigError::new("percentile", percent, Self::RULE)),
        }
    }

    /// The share of calls that are not slower.
    #[must_use]
    pub const fn share(self) -> Ratio {
        self.0
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", f64::from(self.0.parts_per_million()) / 10_000.0)
    }
}
