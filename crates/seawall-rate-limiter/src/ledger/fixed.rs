//! A fixed window: so many cells in each window of the clock.
//!
//! ```text
//!            window 0          window 1          window 2
//!        ├─────────────────┼─────────────────┼─────────────────┤
//!  used  │               L │ L               │
//!                        └─────┘
//!               2 L in a window's length that lies across: the worst
//! ```
//!
//! Only the window of the last charge is known: nobody is served before that, and those after it are empty.

use seawall_core::Nanos;

use super::{
    grid::Grid,
    rule::{Mark, still_used},
};
use crate::Quota;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FixedWindow {
    limit: u32,
    grid: Grid,
    /// That of the last charge.
    window: u64,
    used: u32,
}

impl FixedWindow {
    pub(super) fn new(quota: &Quota, origin: Nanos) -> Self {
        Self { limit: quota.cells(), grid: Grid::new(quota, origin), window: 0, used: 0 }
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn left(&self, from: Nanos) -> u32 {
        self.limit - self.used_in(self.grid.locate(from).0)
    }

    pub(super) fn earliest(&self, cells: u32, from: Nanos) -> Option<Nanos> {
        if cells <= self.left(from) {
            return Some(from);
        }
        let (window, _) = self.grid.locate(from);
        (cells <= self.limit).then(|| self.grid.moment(window.checked_add(1)?, 0)).flatten()
    }

    pub(super) fn give(&mut self, cells: u32, moment: Nanos) -> Mark {
        let before = Mark::from(self.window) << 32 | Mark::from(self.used);
        let (window, _) = self.grid.locate(moment);
        self.used = self.used_in(window) + cells;
        self.window = window;
        before
    }

    /// What was used in a window that is over is nothing to the next.
    pub(super) fn give_back(&mut self, cells: u32, moment: Nanos) {
        if self.grid.locate(moment).0 == self.window {
            self.shrink(cells);
        }
    }

    pub(super) const fn shrink(&mut self, cells: u32) {
        self.used = self.used.saturating_sub(cells);
    }

    pub(super) const fn restore(&mut self, before: Mark) {
        (self.window, self.used) = ((before >> 32) as u64, before as u32);
    }

    pub(super) fn has_period(&self, quota: &Quota) -> bool {
        self.grid.period == Nanos::from(quota.period()).0
    }

    pub(super) fn set_limit(&mut self, limit: u32, from: Nanos) {
        self.used = still_used(self.left(from), limit);
        (self.window, _) = self.grid.locate(from);
        self.limit = limit;
    }

    const fn used_in(&self, window: u64) -> u32 {
        if window == self.window { self.used } else { 0 }
    }
}
