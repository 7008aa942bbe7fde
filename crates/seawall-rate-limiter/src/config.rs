//! Everything a rate limiter can be set to, as plain data.

use std::time::Duration;

use seawall_core::ConfigError;

use crate::Quota;

/// The most quotas of one limiter: a second's, a minute's, an hour's and a day's.
pub(crate) const MOST_QUOTAS: usize = 4;

/// What a [`RateLimiter`](crate::RateLimiter) is set to.
///
/// The builder fills it in; with the feature `serde` it comes from a file, quotas as `"100/s, burst 20"`
/// and durations as `"250ms"`.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | `quotas` | none: one at least must be set | only you know what may come |
/// | `max_wait` | none: as long as the call's deadline | who waits wants to be served; a queue of an hour is seldom meant |
///
/// # Examples
///
/// How do I read it from a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_rate_limiter::{Config, RateLimiter};
/// let api: Config = toml::from_str(r#"quota = "100/s, burst 20""#)?;
/// let login: Config = toml::from_str(
///     r#"
///     quotas = ["5/s", "100/h, sliding log"]
///     max_wait = "250ms"
///     "#,
/// )?;
/// let limiter = RateLimiter::builder("login").config(login).build()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Config {
    /// How much may come how fast: from 1 to 4 quotas, all of which hold. In a file also `quota`, and one
    /// alone without brackets.
    #[cfg_attr(feature = "serde", serde(alias = "quota", with = "crate::serde_form::one_or_more"))]
    pub quotas: Vec<Quota>,
    /// How long a call may wait for its turn; without, as long as its deadline.
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            with = "seawall_core::duration::option",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub max_wait: Option<Duration>,
}

impl Config {
    /// Whether a limiter can be built from it.
    ///
    /// # Errors
    ///
    /// Names the first field that can't be as it is, its value, and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        let count = self.quotas.len();
        if !(1..=MOST_QUOTAS).contains(&count) {
            let value = format_args!("{count} quotas");
            return Err(ConfigError::new("quotas", value, format!("from 1 to {MOST_QUOTAS}")));
        }
        self.quotas.iter().try_for_each(Quota::check)?;
        if self.max_wait.is_some_and(|wait| wait.is_zero()) {
            return Err(ConfigError::new("max_wait", "0ns", "longer (for no wait, `try_acquire`)"));
        }
        Ok(())
    }
}
