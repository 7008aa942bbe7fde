//! How a chaos is built: named, seeded, disarmed.

use seawall_core::{Chance, Clock, ConfigError, Listeners, Name};

use crate::{Chaos, Event};

/// Builds a [`Chaos`]: made by [`Chaos::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ChaosBuilder {
    name: Name,
    seed: Option<u64>,
    clock: Clock,
    listeners: Listeners<Event>,
}

impl ChaosBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self { name, seed: None, clock: Clock::default(), listeners: Listeners::new() }
    }

    /// Draws the same fates in each run.
    ///
    /// Without it each chaos has a seed of its own, which it tells when it is armed.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The clock that tells how long it has been armed.
    ///
    /// No decision rests on it; it is read when the chaos is armed and for a snapshot.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a listener.
    ///
    /// It is called by the thread that arms, disarms or strikes, outside any lock: it may call the
    /// chaos back, so as to disarm it after so many strikes. One that panics harms no call.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// The chaos, disarmed.
    ///
    /// # Errors
    ///
    /// Where the name is empty: an injected error must be able to say where it came from.
    pub fn build(self) -> Result<Chaos, ConfigError> {
        let Self { name, seed, clock, listeners } = self;
        if name.is_empty() {
            return Err(ConfigError::new("name", "empty", "a name to be known by"));
        }
        let seed = seed.unwrap_or_else(|| Chance::random().uniform(0, u64::MAX));
        Ok(Chaos::new(name, seed, clock, listeners))
    }
}
