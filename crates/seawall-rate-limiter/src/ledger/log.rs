//! A sliding log: every cell of the last period is known, so that no period has more than the limit.
//!
//! ```text
//!  moment     3     5           9    10          (at - period, at] may have 4:
//!  total      2     3           4     6          2 more can come when the total up to
//!           ──┴─────┴───────────┴─────┴──▶       6 + 2 - 4 = 4 has left: at 9 + period
//! ```
//!
//! Entries carry the total up to them, so that what must leave is found by halving, however long the
//! line of those who wait is.
//!
//! # How much is kept
//!
//! What has left the period of the present is dropped. Where many have booked ahead, so is what the limit
//! and as much again has come after: it allows nothing any more, but would be needed again if so many
//! were undone. Then the last one is not undone; its turn is there for who books next.

use std::collections::VecDeque;

use seawall_core::Nanos;

use super::rule::{Mark, still_used};
use crate::Quota;

/// So many cells can be undone at least, also of a small limit.
const SPARE: u32 = 1_024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlidingLog {
    limit: u32,
    period: u64,
    /// One for each moment.
    entries: VecDeque<Entry>,
    /// The total of all.
    total: u64,
    /// The total of what was dropped.
    dropped: u64,
    /// The last moment that was dropped before it had left the period.
    forgotten: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    moment: Nanos,
    /// All cells up to this moment, with its own.
    total: u64,
}

impl SlidingLog {
    pub(super) fn new(quota: &Quota) -> Self {
        Self {
            limit: quota.cells(),
            period: Nanos::from(quota.period()).0,
            entries: VecDeque::new(),
            total: 0,
            dropped: 0,
            forgotten: None,
        }
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn left(&self, from: Nanos) -> u32 {
        let gone = self.entries.partition_point(|entry| self.has_left(entry.moment, from));
        let counted = self.total - self.total_before(gone);
        u64::from(self.limit).saturating_sub(counted) as u32
    }

    pub(super) fn earliest(&self, cells: u32, from: Nanos) -> Option<Nanos> {
        if cells > self.limit {
            return None;
        }
        let leave = (self.total + u64::from(cells)).saturating_sub(self.limit.into());
        if leave <= self.dropped {
            return Some(from);
        }
        let last = self.entries.partition_point(|entry| entry.total < leave);
        let moment = self.entries.get(last)?.moment; // there is one: all that came is not less
        moment.0.checked_add(self.period).map(|left| from.max(Nanos(left)))
    }

    pub(super) fn give(&mut self, cells: u32, moment: Nanos, present: Nanos) -> Mark {
        self.drop_until(present);
        if cells > 0 {
            self.total += u64::from(cells);
            match self.entries.back_mut().filter(|last| last.moment == moment) {
                Some(last) => last.total = self.total,
                None => self.entries.push_back(Entry { moment, total: self.total }),
            }
        }
        let enough = u64::from(self.limit) + u64::from(self.limit.max(SPARE));
        while let Some(&first) = self.entries.front()
            && self.total - first.total >= enough
        {
            self.forgotten = Some(first.moment);
            self.dropped = first.total;
            self.entries.pop_front();
        }
        Mark::default()
    }

    /// Takes longer the more moments came after it, of which each total is less.
    pub(super) fn give_back(&mut self, cells: u32, moment: Nanos) {
        let place = self.entries.partition_point(|entry| entry.moment < moment);
        let Some(entry) = self.entries.get(place).filter(|entry| entry.moment == moment) else {
            return; // it has left the period
        };
        let held = entry.total - self.total_before(place);
        let cells = u64::from(cells).min(held);
        self.total -= cells;
        for entry in self.entries.range_mut(place..) {
            entry.total -= cells;
        }
        if cells == held {
            self.entries.remove(place);
        }
    }

    pub(super) fn remembers(&self, from: Nanos) -> bool {
        self.forgotten.is_none_or(|moment| self.has_left(moment, from))
    }

    pub(super) fn shrink(&mut self, cells: u32) {
        if let Some(last) = self.entries.back() {
            self.give_back(cells, last.moment);
        }
    }

    pub(super) fn has_period(&self, quota: &Quota) -> bool {
        self.period == Nanos::from(quota.period()).0
    }

    /// What the limit grows by is used now; what it shrinks by is forgotten, and the oldest first, since
    /// the others stay longer.
    pub(super) fn set_limit(&mut self, limit: u32, from: Nanos) {
        let left = self.left(from);
        let (had, used) = (self.limit - left, still_used(left, limit));
        self.limit = limit;
        self.drop_until(from);
        match used.checked_sub(had) {
            Some(more) => {
                self.give(more, from, from);
            }
            None => self.drop_first((had - used).into()),
        }
    }

    /// Drops what has left the period before `present`.
    fn drop_until(&mut self, present: Nanos) {
        while let Some(&first) = self.entries.front()
            && self.has_left(first.moment, present)
        {
            self.dropped = first.total;
            self.entries.pop_front();
        }
    }

    /// Drops the first `cells`.
    fn drop_first(&mut self, cells: u64) {
        self.dropped += cells;
        while self.entries.front().is_some_and(|first| first.total <= self.dropped) {
            self.entries.pop_front();
        }
    }

    fn total_before(&self, place: usize) -> u64 {
        let before = place.checked_sub(1).and_then(|place| self.entries.get(place));
        before.map_or(self.dropped, |entry| entry.total)
    }

    const fn has_left(&self, moment: Nanos, from: Nanos) -> bool {
        from.0.saturating_sub(moment.0) >= self.period
    }
}
