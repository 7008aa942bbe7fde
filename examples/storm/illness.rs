//! The illness: what chaos does to one member, phase by phase.
//!
//! | phase | what chaos injects | what that is in life |
//! |---|---|---|
//! | slow | 300 to 800 ms on top of each call | a disk that fails, a collector that thrashes, a full pool |
//! | dead | every call hangs | a host that is gone without a word: nothing refuses, nothing answers |
//!
//! What a dead member has received is lost: it is not answered after the heal either.
//!
//! Slow is below the client's time-out and dead above it: the first is seen only by who looks at
//! latencies, the second only by who counts failures.

use std::{
    future,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_chaos::{Chaos, Plan};
use seawall_core::ConfigError;
use tokio::time::{Instant, sleep_until};

use crate::phases::{Phase, Phases};

/// What a slow call takes on top of its work.
const SLOW: RangeInclusive<Duration> = Duration::from_millis(300)..=Duration::from_millis(800);

/// The member that falls ill; clones are the same member.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    chaos: Chaos,
    chart: Arc<Chart>,
}

#[derive(Debug, Default)]
struct Chart {
    sick: AtomicBool,
    dead: AtomicBool,
    visits: AtomicU64,
}

impl Patient {
    pub(crate) fn new(name: &'static str, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self { chaos: Chaos::builder(name).seed(seed).build()?, chart: Arc::default() })
    }

    pub(crate) const fn chaos(&self) -> &Chaos {
        &self.chaos
    }

    /// A call has reached the member, which answers as `answer` says: counts it, and loses it where
    /// the member is dead.
    pub(crate) async fn visited<T>(self, answer: impl Future<Output = T>) -> T {
        // Flags and a count that nothing else hangs on: no order to keep.
        if self.chart.sick.load(Relaxed) {
            self.chart.visits.fetch_add(1, Relaxed);
        }
        let dead = self.chart.dead.load(Relaxed);
        let answer = answer.await;
        if dead {
            // The chaos lets go of what it holds when it is disarmed; a dead host remembers nothing.
            future::pending::<()>().await;
        }
        answer
    }

    /// How many calls reached it while it was sick.
    pub(crate) fn visits(&self) -> u64 {
        self.chart.visits.load(Relaxed)
    }

    fn enter(&self, phase: Phase) -> Result<(), ConfigError> {
        self.chart.sick.store(phase.is_sick(), Relaxed);
        self.chart.dead.store(phase == Phase::Dead, Relaxed);
        match phase {
            Phase::Calm | Phase::Healed => self.chaos.disarm(),
            Phase::Slow => self.chaos.arm(Plan::new().latency(1.0, SLOW))?,
            Phase::Dead => self.chaos.arm(Plan::new().hang(1.0))?,
        }
        Ok(())
    }

    /// Takes the member through all phases, each at its time.
    pub(crate) async fn live(&self, phases: Phases, start: Instant) -> Result<(), ConfigError> {
        for phase in Phase::ALL {
            sleep_until(start + phases.start(phase)).await;
            self.enter(phase)?;
        }
        Ok(())
    }
}
