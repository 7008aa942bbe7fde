//! The builder: every setting by name, checked when it is built.

use seawall_core::{Clock, ConfigError, Listeners, Name};

use super::{After, Hedge, HedgeConfig, HedgeEvent};
use crate::RetryBudget;

/// Builds a [`Hedge`]: made by [`Hedge::builder`].
///
/// What is not set is as [`HedgeConfig`] says. What cannot be is told by [`build`](Self::build).
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct HedgeBuilder {
    name: Name,
    config: HedgeConfig,
    budget: Option<RetryBudget>,
    clock: Clock,
    listeners: Listeners<HedgeEvent>,
}

impl HedgeBuilder {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            config: HedgeConfig::default(),
            budget: None,
            clock: Clock::default(),
            listeners: Listeners::default(),
        }
    }

    /// When another attempt is made: a [`Percentile`](crate::Percentile) of the latency, the 95th where
    /// not set, or a time, from 1 ms to an hour.
    ///
    /// By a percentile, a hedge makes no other attempt before it knows the latency of a hundred calls.
    pub fn after(mut self, after: impl Into<After>) -> Self {
        self.config.after = after.into();
        self
    }

    /// How many attempts a call makes in all, all of which may be in flight at once: from 1 to 5; 2
    /// where not set.
    pub const fn max_in_flight(mut self, attempts: u32) -> Self {
        self.config.max_in_flight = attempts;
        self
    }

    /// What pays for the extra attempts, shared with whoever else has it; where not set, each call pays
    /// for a twentieth of one, and ten can be saved up.
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// All settings at once; what was set before is gone, but for the [`budget`](Self::budget).
    pub const fn config(mut self, config: HedgeConfig) -> Self {
        self.config = config;
        self
    }

    /// Where the time comes from that latency is measured by; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each turn, by the thread whose call makes it.
    pub fn on_event(mut self, listener: impl Fn(&HedgeEvent) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the hedge, which has learned nothing yet.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<Hedge, ConfigError> {
        let Self { name, config, budget, clock, listeners } = self;
        config.check()?;
        let budget = match budget {
            Some(budget) => budget,
            None => RetryBudget::builder()
                .ratio(config.budget_ratio.as_f64())
                .burst(config.budget_burst)
                .floor_per_second(0)
                .build()
                .map_err(|error| match error.field() {
                    "ratio" => error.of("budget_ratio"),
                    _ => error.of("budget_burst"),
                })?,
        };
        Ok(Hedge::new(name, config, budget, clock, listeners))
    }
}
