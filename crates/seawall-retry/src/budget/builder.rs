//! The builder of the budget that is a share of the first tries.

use seawall_core::{Clock, ConfigError, Name};

use super::{MOST, RetryBudget, Rule, floor::Floor, thousandths};

/// Builds a [`RetryBudget`]: made by [`RetryBudget::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct RetryBudgetBuilder {
    name: Name,
    ratio: f64,
    floor_per_second: u32,
    burst: u32,
    clock: Clock,
}

impl Default for RetryBudgetBuilder {
    fn default() -> Self {
        Self {
            name: "share".into(),
            ratio: 0.2,
            floor_per_second: 3,
            burst: 100,
            clock: Clock::default(),
        }
    }
}

impl RetryBudgetBuilder {
    /// What it is called in its snapshot: `share` where not set.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = name.into();
        self
    }

    /// How many retries each first try pays for: from 0.001 to 1, in whole thousandths; 0.2 where not
    /// set, as Finagle has it.
    pub const fn ratio(mut self, share: f64) -> Self {
        self.ratio = share;
        self
    }

    /// How many retries a second are free while nothing is saved up: up to 1 000; 3 where not set.
    pub const fn floor_per_second(mut self, retries: u32) -> Self {
        self.floor_per_second = retries;
        self
    }

    /// How many retries can be saved up, and are there at the start: from 1 to 1 000 000; 100 where
    /// not set. As many more than the share can come at once, at the beginning of an outage.
    pub const fn burst(mut self, retries: u32) -> Self {
        self.burst = retries;
        self
    }

    /// Where the time comes from, for the floor; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the budget, full.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<RetryBudget, ConfigError> {
        let Self { name, ratio, floor_per_second, burst, clock } = self;
        let deposit = thousandths("ratio", ratio)?.into();
        let floor = Floor::new(floor_per_second)?;
        if !(1..=MOST).contains(&burst) {
            return Err(ConfigError::new("burst", burst, format!("from 1 to {MOST}")));
        }
        Ok(RetryBudget::new(name, burst, Rule::Share { deposit, floor }, clock))
    }
}
