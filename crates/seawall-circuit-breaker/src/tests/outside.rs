//! The world outside of a machine, as a test scripts it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex; // not the shim's: loom must not see what a test remembers
use seawall_core::{Nanos, Ratio};

use crate::{Turn, outside::Outside};

/// Answers what a [`Machine`](crate::machine::Machine) asks, and remembers what it tells.
///
/// A clone can stand at another time and in another lane; what it is told, and the chances that are
/// left, it shares.
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    pub(super) now: Nanos,
    pub(super) lane: usize,
    /// The same, the how manieth time it may be.
    pub(super) open_for: Duration,
    chances: Arc<Mutex<VecDeque<bool>>>,
    told: Arc<Mutex<Vec<(u32, Turn)>>>,
}

impl Scripted {
    pub(super) fn new(open_for: Duration) -> Self {
        Self { now: Nanos::ZERO, lane: 0, open_for, chances: Arc::default(), told: Arc::default() }
    }

    /// The same world at `ms` milliseconds.
    pub(super) fn at(&self, ms: u64) -> Self {
        Self { now: Nanos::from(Duration::from_millis(ms)), ..self.clone() }
    }

    /// What chance says next; once that is used up, things happen.
    #[cfg(seawall_loom)]
    pub(super) fn chances(&self, next: impl IntoIterator<Item = bool>) {
        self.chances.lock().extend(next);
    }

    /// The turns up to now, each with its generation, in the order they were told in.
    #[cfg(seawall_loom)]
    pub(super) fn told(&self) -> Vec<(u32, Turn)> {
        self.told.lock().clone()
    }
}

impl Outside for Scripted {
    fn now(&self) -> Nanos {
        self.now
    }

    fn now_coarse(&self) -> Nanos {
        self.now
    }

    fn lane(&self) -> usize {
        self.lane
    }

    fn happens(&self, _: Ratio) -> bool {
        self.chances.lock().pop_front().unwrap_or(true)
    }

    fn open_for(&self, _: u32) -> Duration {
        self.open_for
    }

    fn turned(&self, generation: u32, turn: Turn) {
        self.told.lock().push((generation, turn));
    }
}
