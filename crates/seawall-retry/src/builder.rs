//! The builder: every setting by name, checked when it is built.

use std::time::Duration;

use seawall_core::{Backoff, Clock, ConfigError, Listeners, Name};

use crate::{Config, Event, Retry, RetryBudget, shared::Settings};

/// Builds a [`Retry`]: made by [`Retry::builder`].
///
/// What is not set is as [`Config`] says. What cannot be is told by [`build`](Self::build).
///
/// # Examples
///
/// What does a full set look like?
///
/// ```
/// # use seawall_retry::{Backoff, Jitter, Retry, RetryBudget};
/// # use std::time::Duration;
/// let retry = Retry::builder("catalog")
///     .max_attempts(4)
///     .backoff(Backoff::exponential(Duration::from_millis(50)).max(Duration::from_secs(2)).jitter(Jitter::Full))
///     .attempt_timeout(Duration::from_secs(1))
///     .deadline(Duration::from_secs(5))
///     .max_retry_after(Duration::from_secs(10))
///     .budget(RetryBudget::builder().ratio(0.1).build()?)
///     .build()?;
/// # Ok::<(), seawall_retry::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct RetryBuilder {
    name: Name,
    config: Config,
    budget: Budget,
    clock: Clock,
    listeners: Listeners<Event>,
}

#[derive(Clone, Debug)]
enum Budget {
    Default,
    Shared(RetryBudget),
    None,
}

impl RetryBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            config: Config::default(),
            budget: Budget::Default,
            clock: Clock::default(),
            listeners: Listeners::new(),
        }
    }

    /// How many attempts are made, the first try included: from 1 to 1 000; 3 where not set.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.config.max_attempts = attempts;
        self
    }

    /// How long to wait between two attempts; 50 ms, doubling to 20 s, with full jitter where not set.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.config.backoff = backoff;
        self
    }

    /// How long one attempt may take. It is dropped then, and worth another try.
    ///
    /// Costs a timer for each attempt that is not ready at once. A blocking call cannot be dropped, and
    /// takes as long as it takes.
    pub const fn attempt_timeout(mut self, time: Duration) -> Self {
        self.config.attempt_timeout = Some(time);
        self
    }

    /// How long the whole call may take, its waits included; the [context's
    /// deadline](seawall_core::deadline) holds beside it.
    pub const fn deadline(mut self, time: Duration) -> Self {
        self.config.deadline = Some(time);
        self
    }

    /// The longest wait that the other side may ask for; where it asks for more, the call ends at
    /// once. 300 s where not set.
    pub const fn max_retry_after(mut self, time: Duration) -> Self {
        self.config.max_retry_after = time;
        self
    }

    /// What pays for the retries: clones of one budget share it. One of its own, with the defaults of
    /// [`RetryBudget::builder`], where not set.
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Budget::Shared(budget);
        self
    }

    /// No budget: in an outage each call costs all of its attempts.
    pub fn without_budget(mut self) -> Self {
        self.budget = Budget::None;
        self
    }

    /// Draws the same waits in each run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// All settings at once; what was set before is gone, but for the budget, the clock and the
    /// listeners.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set. Waits are by tokio's timer.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each retry and where a call is given up, by the thread that polls it.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the retry.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<Retry, ConfigError> {
        let Self { name, config, budget, clock, listeners } = self;
        config.check()?;
        let budget = match budget {
            Budget::Default => Some(RetryBudget::builder().clock(clock.clone()).build()?),
            Budget::Shared(budget) => Some(budget),
            Budget::None => None,
        };
        Ok(Retry::new(Settings { name, clock, listeners }, config, budget))
    }
}
