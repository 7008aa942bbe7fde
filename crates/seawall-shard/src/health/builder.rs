//! The builder: every setting by name, checked when it is built.

use std::time::Duration;

use seawall_core::{Clock, ConfigError, Listeners, Name, Ratio};

use super::{Config, Event, Health, Watch, shared::Shared};

/// Builds a [`Health`]: made by [`Health::builder`].
///
/// What is not set is as [`Config`] says. What cannot be is told by [`build`](Self::build).
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct HealthBuilder {
    name: Name,
    config: Config,
    clock: Clock,
    listeners: Listeners<Event>,
    /// The first setting that cannot be, for `build` to tell.
    refused: Option<ConfigError>,
}

impl HealthBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            config: Config::default(),
            clock: Clock::tokio(),
            listeners: Listeners::new(),
            refused: None,
        }
    }

    /// From the end of a check to the next one of the same member.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.config.interval = interval;
        self
    }

    /// The same for a member that is ill, to find out sooner that it is back.
    pub const fn interval_ill(mut self, interval: Duration) -> Self {
        self.config.interval_ill = Some(interval);
        self
    }

    /// Up to this share (0 to 1) of an interval is added to it by chance.
    pub fn jitter(mut self, share: f64) -> Self {
        match Ratio::new(share) {
            Ok(share) => self.config.jitter = share,
            Err(error) => _ = self.refused.get_or_insert_with(|| error.of("jitter")),
        }
        self
    }

    /// How long a check may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = timeout;
        self
    }

    /// How many good checks in a row make a member well that was ill.
    pub const fn healthy_after(mut self, checks: u32) -> Self {
        self.config.healthy_after = checks;
        self
    }

    /// How many bad checks in a row make a member ill that was well.
    pub const fn unhealthy_after(mut self, checks: u32) -> Self {
        self.config.unhealthy_after = checks;
        self
    }

    /// How many checks run at a time, at most.
    pub const fn at_once(mut self, checks: u32) -> Self {
        self.config.at_once = checks;
        self
    }

    /// Where more than this share (0 to 1) of the members are ill, all are used; 1 turns it off.
    pub fn panic_above(mut self, share: f64) -> Self {
        match Ratio::new(share) {
            Ok(share) => self.config.panic_above = share,
            Err(error) => _ = self.refused.get_or_insert_with(|| error.of("panic_above")),
        }
        self
    }

    /// Draws the same jitter in each run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// All settings at once; what was set before is gone.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.refused = None;
        self
    }

    /// Where the time comes from; [`Clock::tokio`] where not set, whose timers the run waits on.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each turn, by the task that runs the checks.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the checks of `watched`'s members. They begin when they are [run](Health::run).
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build<W: Watch>(self, watched: W) -> Result<Health<W>, ConfigError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        self.config.check()?;
        let Self { name, config, clock, listeners, .. } = self;
        Ok(Health::new(Shared::new(name, clock, config, listeners, watched)))
    }
}
