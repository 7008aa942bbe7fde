//! The builder: every setting by name, checked when it is built.

use std::{sync::Arc, time::Duration};

use seawall_core::{Clock, ConfigError, Name};

use crate::{Config, Event, Quota, RateLimiter, shared::Settings};

/// Builds a [`RateLimiter`]: made by [`RateLimiter::builder`].
///
/// A quota must be set; what else is not set is as [`Config`] says. What cannot be is told by
/// [`build`](Self::build).
///
/// # Examples
///
/// What does a full set look like?
///
/// ```
/// # use seawall_rate_limiter::{Policy, Quota, RateLimiter};
/// # use std::time::Duration;
/// let limiter = RateLimiter::builder("login")
///     .quota(Quota::per_second(5)?)
///     .quota(Quota::per_hour(100)?.policy(Policy::SlidingLog))
///     .max_wait(Duration::from_millis(250))
///     .build()?;
/// # Ok::<(), seawall_rate_limiter::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct RateLimiterBuilder {
    name: Name,
    config: Config,
    settings: Settings,
}

impl RateLimiterBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self { name, config: Config::default(), settings: Settings::default() }
    }

    /// One more quota: a call is let in if all of them allow it, and else takes from none. Up to 4.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.config.quotas.push(quota);
        self
    }

    /// Several quotas more.
    pub fn quotas(mut self, quotas: impl IntoIterator<Item = Quota>) -> Self {
        self.config.quotas.extend(quotas);
        self
    }

    /// How long [`acquire`](RateLimiter::acquire) may wait; as long as the call's
    /// [deadline](seawall_core::deadline) where not set.
    pub fn max_wait(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.config.max_wait = time.into();
        self
    }

    /// All settings at once; what was set before is gone, but for the clock and the listeners.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set. Waits are by tokio's timer.
    ///
    /// A reading of the clock is most of what a decision costs: [`Clock::coarse`] makes it four times
    /// cheaper where a quota need not be exact to a few milliseconds.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Calls `listener` at each turn of the limiter, by the thread that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.settings.listeners.add(listener);
        self
    }

    /// Builds the limiter: nothing is taken yet, and a whole burst can be.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<RateLimiter, ConfigError> {
        let (name, config, settings) = self.checked()?;
        Ok(RateLimiter::new(Arc::new(settings), name, config))
    }

    pub(crate) fn checked(self) -> Result<(Name, Config, Settings), ConfigError> {
        self.config.check()?;
        Ok((self.name, self.config, self.settings))
    }
}
