//! The builder: every setting by name, checked when it is built.

use std::time::Duration;

use seawall_core::{Clock, ConfigError, Name};

use super::{Timeout, checked};

/// How long a call may take where nothing is set: longer than whoever waits for a page does.
const DEFAULT: Duration = Duration::from_secs(30);

/// Builds a [`Timeout`]: made by [`Timeout::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct TimeoutBuilder {
    name: Name,
    time: Option<Duration>,
    propagates: bool,
    clock: Clock,
}

impl TimeoutBuilder {
    pub(super) fn new(name: Name) -> Self {
        Self { name, time: Some(DEFAULT), propagates: true, clock: Clock::default() }
    }

    /// How long a call may take; 30 seconds where not set, and with `None` until its deadline.
    pub fn time(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.time = time.into();
        self
    }

    /// Whether what a call calls in turn learns of its time, as of a
    /// [deadline](seawall_core::deadline::scope); it does where not set.
    ///
    /// It costs one reading of the clock a call. A deadline that the caller has set is passed on anyway.
    pub const fn propagate(mut self, propagates: bool) -> Self {
        self.propagates = propagates;
        self
    }

    /// By which clock what is left is told to the calls inside; [`Clock::default`] where not set.
    ///
    /// Calls are ended by tokio's timer.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the timeout.
    ///
    /// # Errors
    ///
    /// Where the time is no time at all.
    pub fn build(self) -> Result<Timeout, ConfigError> {
        let time = checked(self.time)?;
        Ok(Timeout::new(self.name, time, self.propagates, self.clock))
    }
}
