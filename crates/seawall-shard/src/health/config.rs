//! What checks can be set to, and what cannot be.

use std::time::Duration;

use seawall_core::{ConfigError, Ratio};

/// The settings of a [`Health`](super::Health), with their defaults.
///
/// The builder fills it in; with the feature `serde` it comes from a file, durations as `"250ms"`.
///
/// # Examples
///
/// How do I keep the settings in a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_shard::health::Config;
/// let config: Config = toml::from_str(
///     r#"
///     interval = "5s"
///     timeout = "500ms"
///     unhealthy_after = 2
///     "#,
/// )?;
/// assert_eq!(config.healthy_after, 2); // what is left out is as it is by default
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
    /// From the end of a check to the next one of the same member; 5 s. From 10 ms to a day.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub interval: Duration,
    /// The same for a member that is ill; as long as `interval` where it is not set.
    #[cfg_attr(
        feature = "serde",
        serde(with = "seawall_core::duration::option", skip_serializing_if = "Option::is_none")
    )]
    pub interval_ill: Option<Duration>,
    /// Up to this share of an interval is added to it by chance, so that clients who began together do not
    /// check together; 20%.
    pub jitter: Ratio,
    /// A check that takes longer has failed; 1 s. From 1 ms to an hour.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub timeout: Duration,
    /// So many good checks in a row make a member well that was ill; 2.
    pub healthy_after: u32,
    /// So many bad checks in a row make a member ill that was well; 3.
    pub unhealthy_after: u32,
    /// At most this many checks run at a time; 16. From 1 to 256.
    pub at_once: u32,
    /// Where more than this share of the members are ill, all are used; one half. 1 turns it off.
    pub panic_above: Ratio,
    /// Draws the same jitter in each run.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            interval_ill: None,
            jitter: Ratio::from_parts_per_million(200_000),
            timeout: Duration::from_secs(1),
            healthy_after: 2,
            unhealthy_after: 3,
            at_once: 16,
            panic_above: Ratio::from_parts_per_million(500_000),
            seed: None,
        }
    }
}

impl Config {
    /// Whether it can be.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let (day, hour) = (Duration::from_secs(86_400), Duration::from_secs(3600));
        let (milli, ten) = (Duration::from_millis(1), Duration::from_millis(10));
        for (field, value, least, most, rule) in [
            ("interval", Some(self.interval), ten, day, "from 10ms to 1 day"),
            ("interval_ill", self.interval_ill, ten, day, "from 10ms to 1 day"),
            ("timeout", Some(self.timeout), milli, hour, "from 1ms to 1h"),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err(ConfigError::new(field, format_args!("{value:?}"), rule));
            }
        }
        for (field, value, most, rule) in [
            ("healthy_after", self.healthy_after, u32::MAX, "at least 1"),
            ("unhealthy_after", self.unhealthy_after, u32::MAX, "at least 1"),
            ("at_once", self.at_once, 256, "from 1 to 256"),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ConfigError::new(field, value, rule));
            }
        }
        Ok(())
    }
}
