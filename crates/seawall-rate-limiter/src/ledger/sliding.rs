//! A sliding window told by two counts: this window's, and what of the last one is still in reach, as if
//! that had come evenly.
//!
//! ```text
//!        window k - 1         window k
//!     ├─────────────────┼─────────────────┤
//!     │      last       │      this    ▲
//!              ├───────────────────────┤
//!              │◀────── a period ─────▶now
//!
//!     allowed:  last · (1 - x) + this + cells <= L,   x = the part of window k that is over
//! ```
//!
//! Not more than 2 L - 1 in any period: of a cells in window k - 1 and b in window k, b is at most
//! L - a (1 - x), and x stays below 1. All of it is whole numbers: both sides times the period.

use seawall_core::Nanos;

use super::{
    grid::Grid,
    rule::{Mark, still_used},
};
use crate::Quota;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlidingWindow {
    limit: u32,
    grid: Grid,
    /// That of the last charge.
    window: u64,
    /// How many cells the window before it had.
    last: u32,
    /// How many it has.
    this: u32,
}

impl SlidingWindow {
    pub(super) fn new(quota: &Quota, origin: Nanos) -> Self {
        Self { limit: quota.cells(), grid: Grid::new(quota, origin), window: 0, last: 0, this: 0 }
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn left(&self, from: Nanos) -> u32 {
        let (window, elapsed) = self.grid.locate(from);
        let (last, this) = self.counts(window);
        let ahead = u128::from(self.grid.period - elapsed);
        // A cell that is partly in reach is not there to be taken.
        let in_reach = (u128::from(last) * ahead).div_ceil(self.grid.period.into()) as u32;
        self.limit.saturating_sub(this).saturating_sub(in_reach)
    }

    pub(super) fn earliest(&self, cells: u32, from: Nanos) -> Option<Nanos> {
        let alone = self.limit.checked_sub(cells)?;
        let (window, elapsed) = self.grid.locate(from);
        let (last, this) = self.counts(window);
        match alone.checked_sub(this) {
            Some(room) => self.grid.moment(window, elapsed.max(self.faded(last, room))),
            // Not in this window, of which the next one will have the whole count.
            None => self.grid.moment(window.checked_add(1)?, self.faded(this, alone)),
        }
    }

    pub(super) fn give(&mut self, cells: u32, moment: Nanos) -> Mark {
        let before =
            Mark::from(self.window) << 64 | Mark::from(self.last) << 32 | Mark::from(self.this);
        let (window, _) = self.grid.locate(moment);
        (self.last, self.this) = self.counts(window);
        self.window = window;
        self.this += cells;
        before
    }

    pub(super) fn give_back(&mut self, cells: u32, moment: Nanos) {
        let (window, _) = self.grid.locate(moment);
        if window == self.window {
            self.shrink(cells);
        } else if window + 1 == self.window {
            self.last = self.last.saturating_sub(cells);
        }
    }

    pub(super) const fn shrink(&mut self, cells: u32) {
        self.this = self.this.saturating_sub(cells);
    }

    pub(super) const fn restore(&mut self, before: Mark) {
        self.window = (before >> 64) as u64;
        (self.last, self.this) = ((before >> 32) as u32, before as u32);
    }

    pub(super) fn has_period(&self, quota: &Quota) -> bool {
        self.grid.period == Nanos::from(quota.period()).0
    }

    /// The last window goes on fading, as far as its cells are among those that stay used.
    pub(super) fn set_limit(&mut self, limit: u32, from: Nanos) {
        let used = still_used(self.left(from), limit);
        let (window, elapsed) = self.grid.locate(from);
        let (last, _) = self.counts(window);
        let (period, ahead) =
            (u128::from(self.grid.period), u128::from(self.grid.period - elapsed));
        let last = u128::from(last.min(limit)).min(u128::from(used) * period / ahead);
        let in_reach = (last * ahead).div_ceil(period) as u32; // at most `used`
        (self.limit, self.window) = (limit, window);
        (self.last, self.this) = (last as u32, used - in_reach);
    }

    /// How far in a window no more than `room` of the last one's cells are in reach: at its end at the
    /// latest, for there the last one is over.
    fn faded(&self, last: u32, room: u32) -> u64 {
        if last <= room {
            return 0;
        }
        let ahead = u128::from(room) * u128::from(self.grid.period) / u128::from(last);
        self.grid.period - ahead as u64 // less than the period, as `room` is than `last`
    }

    /// The counts of the window before this one, and of this one.
    const fn counts(&self, window: u64) -> (u32, u32) {
        match window.saturating_sub(self.window) {
            0 => (self.last, self.this),
            1 => (self.this, 0),
            _ => (0, 0),
        }
    }
}
