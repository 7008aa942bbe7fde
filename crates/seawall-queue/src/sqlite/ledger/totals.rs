//! What is counted of the whole queue.

use seawall_core::Nanos;

use crate::{sqlite::row::Set, storage::Settings};

/// What is counted of the whole queue: its one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sqlite) struct Totals {
    pub(super) last_id: u64,
    pub(super) last_token: u64,
    pub(in crate::sqlite) paused: bool,
    /// By set.
    pub(super) jobs: [usize; 7],
    /// How many unique keys are held for a time.
    pub(super) timed: usize,
    /// When a key was served last: no two are served at one moment.
    pub(super) served: Nanos,
}

impl Totals {
    pub(super) const fn of(&self, set: Set) -> usize {
        self.jobs[set as usize]
    }

    /// Some jobs go from one set to another. What somebody else wrote into the file can make this wrong, but
    /// never make it panic.
    pub(super) const fn move_jobs(&mut self, count: usize, from: Option<Set>, to: Option<Set>) {
        if let Some(from) = from {
            self.jobs[from as usize] = self.jobs[from as usize].saturating_sub(count);
        }
        if let Some(to) = to {
            self.jobs[to as usize] = self.jobs[to as usize].saturating_add(count);
        }
    }

    const fn waiting(&self) -> usize {
        let (scheduled, ready) = (self.of(Set::Scheduled), self.of(Set::Ready));
        scheduled.saturating_add(ready).saturating_add(self.of(Set::HeldUp))
    }

    /// How many may be claimed now, as far as is known.
    pub(in crate::sqlite) const fn work(&self, settings: &Settings) -> usize {
        // Where keys have no limit, who is held up comes when those before him are claimed.
        let only_turns = settings.fair_keys && settings.key_limit.is_none();
        let behind = if only_turns { self.of(Set::HeldUp) } else { 0 };
        if self.paused { 0 } else { self.of(Set::Ready) + behind }
    }

    /// How many may go in now.
    pub(in crate::sqlite) const fn room(&self, capacity: usize) -> usize {
        capacity.saturating_sub(self.waiting())
    }
}
