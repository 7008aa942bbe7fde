//! When what happened, and how often.

use std::{
    fmt,
    sync::atomic::{
        AtomicU64,
        AtomicUsize,
        Ordering::Relaxed, // figures, each for itself: nothing is decided by them
    },
    time::Duration,
};

/// What goes on, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before the first second of the table and the picture.
    Fill,
    Steady,
    Join,
    Grown,
    Killed,
    Repair,
    Whole,
}

impl Phase {
    pub(crate) const ALL: [Self; 7] = [
        Self::Fill,
        Self::Steady,
        Self::Join,
        Self::Grown,
        Self::Killed,
        Self::Repair,
        Self::Whole,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fill => "filled",
            Self::Steady => "steady",
            Self::Join => "a node joins",
            Self::Grown => "grown",
            Self::Killed => "a node is dead",
            Self::Repair => "copies return",
            Self::Whole => "whole again",
        })
    }
}

/// What was counted in a phase.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Errors that callers saw.
    pub(crate) errors: u64,
    /// Reads that another node than the first one answered, as that was down or failed.
    pub(crate) failed_over: u64,
    /// Tries after a node failed.
    pub(crate) tried_again: u64,
    /// Tries after a route was over, or paused.
    pub(crate) rerouted: u64,
    /// The slowest call that was answered.
    pub(crate) slowest: Duration,
}

#[derive(Default)]
struct Cells {
    reads: AtomicU64,
    writes: AtomicU64,
    errors: AtomicU64,
    failed_over: AtomicU64,
    tried_again: AtomicU64,
    rerouted: AtomicU64,
    slowest_micros: AtomicU64,
}

/// Counts for each phase.
#[derive(Default)]
pub(crate) struct Tally {
    now: AtomicUsize,
    cells: [Cells; Phase::ALL.len()],
}

impl Tally {
    pub(crate) fn begin(&self, phase: Phase) {
        self.now.store(phase as usize, Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::ALL[self.now.load(Relaxed)]
    }

    fn cells(&self) -> &Cells {
        &self.cells[self.now.load(Relaxed)]
    }

    pub(crate) fn read(&self, took: Duration) {
        self.cells().reads.fetch_add(1, Relaxed);
        self.took(took);
    }

    pub(crate) fn wrote(&self, took: Duration) {
        self.cells().writes.fetch_add(1, Relaxed);
        self.took(took);
    }

    fn took(&self, took: Duration) {
        self.cells().slowest_micros.fetch_max(took.as_micros() as u64, Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.cells().errors.fetch_add(1, Relaxed);
    }

    pub(crate) fn failed_over(&self) {
        self.cells().failed_over.fetch_add(1, Relaxed);
    }

    pub(crate) fn tried_again(&self) {
        self.cells().tried_again.fetch_add(1, Relaxed);
    }

    pub(crate) fn rerouted(&self) {
        self.cells().rerouted.fetch_add(1, Relaxed);
    }

    pub(crate) fn of(&self, phase: Phase) -> Counts {
        let cells = &self.cells[phase as usize];
        Counts {
            reads: cells.reads.load(Relaxed),
            writes: cells.writes.load(Relaxed),
            errors: cells.errors.load(Relaxed),
            failed_over: cells.failed_over.load(Relaxed),
            tried_again: cells.tried_again.load(Relaxed),
            rerouted: cells.rerouted.load(Relaxed),
            slowest: Duration::from_micros(cells.slowest_micros.load(Relaxed)),
        }
    }

    pub(crate) fn total(&self) -> Counts {
        Phase::ALL.iter().fold(Counts::default(), |sum, &phase| {
            let of = self.of(phase);
            Counts {
                reads: sum.reads + of.reads,
                writes: sum.writes + of.writes,
                errors: sum.errors + of.errors,
                failed_over: sum.failed_over + of.failed_over,
                tried_again: sum.tried_again + of.tried_again,
                rerouted: sum.rerouted + of.rerouted,
                slowest: sum.slowest.max(of.slowest),
            }
        })
    }
}
