//! What a storage is told once.

use std::time::Duration;

use seawall_core::ConfigError;

/// What a queue is bounded by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How many jobs may wait, scheduled ones too.
    pub capacity: usize,
    /// How many jobs of one key may be leased at a time; as many as there are where `None`.
    pub key_limit: Option<u32>,
    /// Whether [keys take turns](super::turn): so a key with many jobs holds up no other.
    pub fair_keys: bool,
    /// For how long jobs that are done or cancelled are known.
    pub keep_done: Keep,
    /// For how long dead letters are known.
    pub keep_dead: Keep,
}

/// How long something is known: whichever of the two is over first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest so many.
    pub count: usize,
    /// Those that are no older.
    pub age: Duration,
}

impl Settings {
    /// Room for this many jobs; no limit for keys, and no turns; the last 1 000 that are done for an hour; 10 000 dead
    /// letters for 30 days.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3_600);
        Self {
            capacity,
            key_limit: None,
            fair_keys: false,
            keep_done: Keep { count: 1_000, age: Duration::from_secs(3_600) },
            keep_dead: Keep { count: 10_000, age: DAY.saturating_mul(30) },
        }
    }

    /// The same, with a limit for each key.
    #[must_use]
    pub const fn key_limit(mut self, jobs: u32) -> Self {
        self.key_limit = Some(jobs);
        self
    }

    /// The same, but keys take turns.
    #[must_use]
    pub const fn fair_keys(mut self) -> Self {
        self.fair_keys = true;
        self
    }

    /// The same, with another time for jobs that are done or cancelled.
    #[must_use]
    pub const fn keep_done(mut self, keep: Keep) -> Self {
        self.keep_done = keep;
        self
    }

    /// The same, with another time for dead letters.
    #[must_use]
    pub const fn keep_dead(mut self, keep: Keep) -> Self {
        self.keep_dead = keep;
        self
    }

    /// Whether they can be.
    ///
    /// # Errors
    ///
    /// Where nothing could ever go in, or come out.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.capacity == 0 {
            return Err(ConfigError::new("capacity", 0, "at least 1"));
        }
        if self.key_limit == Some(0) {
            return Err(ConfigError::new("key_limit", 0, "at least 1"));
        }
        Ok(())
    }
}
