//! Everything a retry can be set to, as plain data.

use std::time::Duration;

use seawall_core::{Backoff, ConfigError};

/// What a [`Retry`](crate::Retry) is set to.
///
/// The builder fills it in; with the feature `serde` it comes from a file, durations as `"250ms"`. The
/// budget is not part of it: it can be shared, and stays what the builder was given.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | `max_attempts` | 3 | what two retries do not mend, a third seldom does; nested retries multiply |
/// | `backoff` | 50 ms, doubling to 20 s, full jitter | of a hundred clients that contend, full jitter makes the fewest calls |
/// | `attempt_timeout` | none | only you know what is too long |
/// | `deadline` | none | the caller's own, of the context, holds anyway |
/// | `max_retry_after` | 300 s | who waits longer is better served by a queue |
/// | `seed` | none | each process draws its own jitter |
///
/// # Examples
///
/// How do I read it from a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_retry::{Config, Retry};
/// let config: Config = toml::from_str(
///     r#"
///     max_attempts = 4
///     backoff = { growth = "exponential", base = "50ms", max = "2s", jitter = "full" }
///     attempt_timeout = "1s"
///     "#,
/// )?;
/// let retry = Retry::builder("catalog").config(config).build()?;
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
    /// How many attempts are made, the first try included: from 1, which is none again, to 1 000.
    pub max_attempts: u32,
    /// How long to wait between two attempts.
    pub backoff: Backoff,
    /// How long one attempt may take.
    #[cfg_attr(
        feature = "serde",
        serde(with = "seawall_core::duration::option", skip_serializing_if = "Option::is_none")
    )]
    pub attempt_timeout: Option<Duration>,
    /// How long the whole call may take, its waits included.
    #[cfg_attr(
        feature = "serde",
        serde(with = "seawall_core::duration::option", skip_serializing_if = "Option::is_none")
    )]
    pub deadline: Option<Duration>,
    /// The longest wait that the other side may ask for.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub max_retry_after: Duration,
    /// Draws the same waits in each run. Fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            backoff: Backoff::exponential(Duration::from_millis(50)).max(Duration::from_secs(20)),
            attempt_timeout: None,
            deadline: None,
            max_retry_after: Duration::from_secs(300),
            seed: None,
        }
    }
}

impl Config {
    /// Whether a retry can be built from it.
    ///
    /// # Errors
    ///
    /// Names the first field that can't be as it is, its value, and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=1_000).contains(&self.max_attempts) {
            return Err(ConfigError::new("max_attempts", self.max_attempts, "from 1 to 1000"));
        }
        self.backoff.check().map_err(|error| error.of("backoff.factor"))?;
        let times = [("attempt_timeout", self.attempt_timeout), ("deadline", self.deadline)];
        for (field, time) in times {
            if time.is_some_and(|time| time < Duration::from_millis(1)) {
                let value = format!("{:?}", time.unwrap_or_default());
                return Err(ConfigError::new(field, value, "at least 1 ms, as fine as timers are"));
            }
        }
        Ok(())
    }

    pub(crate) fn check_change(&self, next: &Self) -> Result<(), ConfigError> {
        next.check()?;
        if self.seed_of_all() != next.seed_of_all() {
            let seed = next.seed_of_all().map_or_else(|| "none".into(), |seed| seed.to_string());
            return Err(ConfigError::new("seed", seed, "what it was built with"));
        }
        Ok(())
    }

    /// What the waits of all calls are drawn by.
    pub(crate) const fn seed_of_all(&self) -> Option<u64> {
        match self.seed {
            Some(seed) => Some(seed),
            None => self.backoff.chosen_seed(),
        }
    }
}
