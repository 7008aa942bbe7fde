//! The rules of all calls of a handle: what it is set to, what pays for the retries, and chance.
//!
//! Settings change while calls run. What a call needs that does well is an atomic each, so that it takes
//! no lock; the rest is behind one.
//!
//! | who asks | what for | what it reads |
//! |---|---|---|
//! | a call that begins | how many attempts it may make | an atomic |
//! | an attempt that is not ready at once | how long it may take | an atomic each for its time and the call's |
//! | a call that is to be tried again | how long it waits | the [`Config`] itself, behind the lock |
//!
//! # What it promises
//!
//! 1. A call makes at most the attempts that were set when it began: an attempt that was told to be the
//!    last one is.
//! 2. What is decided after the change is decided by the new settings, for calls in flight too.
//! 3. Settings that cannot be, or not any more, change nothing.

use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{
    Chance, ConfigError,
    sync::unmodelled::{AtomicU32, Ordering::Relaxed},
};

use crate::{Config, RetryBudget, limit::Limit};

/// What decides about all calls of a handle.
pub(crate) struct Rules {
    most: AtomicU32,
    #[cfg(feature = "tokio")]
    attempt_timeout: Limit,
    deadline: Limit,
    pub(crate) budget: Option<RetryBudget>,
    /// One for all calls: each draw advances it.
    pub(crate) chance: Chance,
    config: Mutex<Config>,
}

impl Rules {
    pub(crate) fn new(config: Config, budget: Option<RetryBudget>) -> Self {
        Self {
            most: AtomicU32::new(config.max_attempts),
            #[cfg(feature = "tokio")]
            attempt_timeout: Limit::new(config.attempt_timeout),
            deadline: Limit::new(config.deadline),
            budget,
            chance: Chance::from_seed(config.seed_of_all()),
            config: Mutex::new(config),
        }
    }

    /// How many attempts a call may make.
    #[inline]
    pub(crate) fn most(&self) -> u32 {
        self.most.load(Relaxed) // carries nothing but itself
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout.time()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline.time()
    }

    /// A copy: a backoff may be a closure of the user's, which is not to be called under the lock.
    pub(crate) fn config(&self) -> Config {
        self.config.lock().clone()
    }

    pub(crate) fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        let mut present = self.config.lock();
        present.check_change(&config)?;
        self.most.store(config.max_attempts, Relaxed);
        #[cfg(feature = "tokio")]
        self.attempt_timeout.set(config.attempt_timeout);
        self.deadline.set(config.deadline);
        *present = config;
        Ok(())
    }
}
