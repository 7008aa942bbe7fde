//! A quota in whole numbers: how long a cell is, and how many of them may be owed.
//!
//! Time is counted in *units*, of which a nanosecond and a cell are both whole numbers, so that nothing
//! is ever rounded: 3 a second is a cell of 1 000 000 000 units with 3 units a nanosecond, and after a
//! year of 3 a second not one cell is missing.
//!
//! Where that takes more units a nanosecond than there is room for (above 160 000, as for 1 234 567 a
//! second), a cell is rounded up to the next unit: never more than the rate, and less by under one part in
//! ten million up to ten million a second, a hundredth of what clocks are off by.

use std::time::Duration;

use seawall_core::Nanos;

use super::word::MOST;
use crate::{Denied, Quota, Standing};

/// The longest wait that can be booked, whatever the quota.
const HORIZON: u64 = 3_600_000_000_000;

/// The most units that `burst` cells may be, and that a wait may be: a quarter each of what the word holds.
pub(super) const ROOM: u64 = MOST / 4;

/// How a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How many units a nanosecond has.
    pub(crate) per_nano: u64,
    /// How many units a cell takes.
    pub(crate) per_cell: u64,
    /// How many units may be owed: those of the burst.
    pub(crate) most: u64,
}

impl Rate {
    /// The rate of a quota, in units that make it exact where there is room.
    pub(crate) fn exact(quota: &Quota) -> Self {
        let (nanos, cells) = (nanos(quota), u64::from(quota.cells()));
        let exact = cells / greatest_common_divisor(nanos, cells);
        let by_wait = ROOM / HORIZON;
        let by_burst = u128::from(ROOM) * u128::from(cells)
            / (u128::from(nanos) * u128::from(quota.most_at_once()));
        // One at least: `Quota` has seen to it that the burst fits then.
        let per_nano = exact.min(by_wait).min(by_burst.min(u128::from(exact)) as u64).max(1);
        Self::with(quota, per_nano)
    }

    /// The rate of a quota in units of which a nanosecond has `per_nano`: a cell is rounded up.
    pub(crate) fn with(quota: &Quota, per_nano: u64) -> Self {
        let units = u128::from(nanos(quota)) * u128::from(per_nano);
        // A cell is at most a period, and that fits with as many units as these are.
        let per_cell = units.div_ceil(u128::from(quota.cells())) as u64;
        let most = per_cell.saturating_mul(u64::from(quota.most_at_once()));
        Self { per_nano, per_cell, most }
    }

    /// When all is paid off once `cells` are taken at the time `at`, of which the last thing taken so far
    /// is paid off at `paid_off`; `patience` is what may be owed beyond the burst by who waits.
    #[inline]
    pub(crate) fn charge(
        self,
        paid_off: u64,
        at: u64,
        cells: u32,
        patience: u64,
    ) -> Result<u64, Denied> {
        let price = self.per_cell.saturating_mul(u64::from(cells));
        let end = paid_off.max(at).saturating_add(price);
        let owed = end - at;
        // With patience, what never fits would seem to at a later time.
        if owed <= self.most + patience && (patience == 0 || price <= self.most) {
            return Ok(end);
        }
        Err(if price > self.most { Denied::Never } else { Denied::Wait(self.wait(end, at)) })
    }

    /// How long who took what ends at `end` has to wait from `at` on, in nanoseconds.
    #[inline]
    pub(crate) const fn wait(self, end: u64, at: u64) -> u64 {
        let units = (end - at).saturating_sub(self.most);
        // Most quotas count in nanoseconds, and a refusal should not wait for a division.
        if self.per_nano == 1 { units } else { units.div_ceil(self.per_nano) }
    }

    /// What comes back at the time `at`, `late` units after its turn, of what was taken and ends at `end`:
    /// what is paid off is not given a second time.
    ///
    /// By `end` alone that cannot be told: where something before it was given back, it was paid off
    /// earlier. A price after its turn it is, whatever was before it.
    pub(crate) fn refund(self, end: u64, at: u64, late: u64, cells: u32) -> u64 {
        let price = self.per_cell.saturating_mul(u64::from(cells));
        price.saturating_sub(late).min(end.saturating_sub(at))
    }

    /// How it stands at `at`, where all is paid off at `paid_off`.
    pub(crate) fn standing(self, paid_off: u64, at: u64) -> Standing {
        let owed = paid_off.saturating_sub(at);
        let left = self.most.saturating_sub(owed);
        // A cell that is partly there, or as much as a waiting line is ahead.
        let missing = (owed + self.per_cell).saturating_sub(self.most);
        Standing {
            limit: self.most / self.per_cell,
            remaining: left / self.per_cell,
            next: Duration::from_nanos(missing.div_ceil(self.per_nano)),
            full: Duration::from_nanos(owed.div_ceil(self.per_nano)),
        }
    }

    /// Whether a burst is small enough to be counted at all.
    pub(crate) fn fits(quota: &Quota) -> bool {
        quota.most_at_once() <= Self::largest_burst(quota)
    }

    /// The largest burst that can be counted.
    pub(crate) fn largest_burst(quota: &Quota) -> u32 {
        let per_cell = nanos(quota).div_ceil(u64::from(quota.cells()));
        (ROOM / per_cell).min(u64::from(u32::MAX)) as u32
    }

    /// How many units a time is; at most a quarter of what the word holds.
    #[inline]
    pub(crate) const fn units(self, time: u64) -> u64 {
        let units = time.saturating_mul(self.per_nano);
        if units < ROOM { units } else { ROOM }
    }

    /// How many units `now` is after `origin`; nothing where units must be counted from a new one.
    #[inline]
    pub(crate) fn since(self, origin: Nanos, now: Nanos) -> Option<u64> {
        let units = now.0.saturating_sub(origin.0).checked_mul(self.per_nano)?;
        (units <= ROOM).then_some(units)
    }
}

fn nanos(quota: &Quota) -> u64 {
    Nanos::from(quota.period()).0
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
