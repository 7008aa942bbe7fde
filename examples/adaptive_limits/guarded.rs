//! A bulkhead as the limit in front of the simulated server: it is told the server's time, and knows of
//! no other.

use std::time::Duration;

use seawall_bulkhead::{Adaptive, Bulkhead, BulkheadBuilder, Clock, ConfigError, Permit};
use seawall_core::{ManualClock, Nanos};

use super::simulation::Limit;

/// A bulkhead, and the hand on its clock.
pub(crate) struct Guarded {
    bulkhead: Bulkhead,
    time: ManualClock,
    /// What its clock told when the simulation began.
    start: Nanos,
}

impl Guarded {
    /// A limit that stays as it is.
    pub(crate) fn fixed(limit: u32) -> Result<Self, ConfigError> {
        Self::build(Bulkhead::builder("simulated").limit(limit))
    }

    /// A limit that finds itself.
    pub(crate) fn adaptive(adaptive: &Adaptive) -> Result<Self, ConfigError> {
        Self::build(Bulkhead::builder("simulated").adaptive(adaptive.clone()))
    }

    fn build(builder: BulkheadBuilder) -> Result<Self, ConfigError> {
        let (clock, time) = Clock::manual();
        let start = time.now();
        Ok(Self { bulkhead: builder.clock(clock).build()?, time, start })
    }
}

impl Limit for Guarded {
    type Permit = Permit;

    fn enter(&mut self, now: Duration) -> Option<Permit> {
        self.time.set(self.start + now);
        self.bulkhead.try_acquire_owned().ok()
    }

    fn leave(&mut self, now: Duration, permit: Permit, well: bool) {
        self.time.set(self.start + now);
        if well { permit.success() } else { permit.failure() }
    }

    fn limit(&self) -> u32 {
        self.bulkhead.limit()
    }
}
