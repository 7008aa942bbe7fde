//! The generic cell rate algorithm beside others, in the units of a [`Rate`] and without its word: here
//! time never has to be counted from a new origin.
//!
//! Charged for the moment at which all quotas allow a call, which may be later than this one alone would:
//! what it could have given in between is lost to nobody who came, since nobody is served out of turn.
//!
//! # What comes back
//!
//! What is given back must not leave more than if it had never been taken. It may have kept the debt from
//! running out before a later call; then no more of it comes back than was owed when that call came. How
//! much that was is known from two sides: it is paid off after all that was charged before it, and one
//! price after its moment at the earliest.
//!
//! ```text
//!   back = min(price, max(before, moment) + price - turn)       turn: the last moment given
//! ```
//!
//! `before` is when all that was charged before it is paid off, less what has been given back since: that
//! may have been charged before it too. So all of it comes back to the last one, and to others what their
//! turn in the debt has not come for yet; less only where several are given back out of turn.

use seawall_core::Nanos;

use super::rule::Mark;
use crate::{Denied, Quota, gcra::Rate};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gcra {
    rate: Rate,
    limit: u32,
    /// When all is paid off, in units.
    paid_off: u128,
    /// What was given back out of turn, in units.
    returned: u128,
}

impl Gcra {
    pub(super) fn new(quota: &Quota) -> Self {
        let rate = Rate::exact(quota);
        Self { rate, limit: quota.most_at_once(), paid_off: 0, returned: 0 }
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn left(&self, from: Nanos) -> u32 {
        let left = self.rate.most.saturating_sub(self.owed(from));
        (left / self.rate.per_cell) as u32 // at most the limit
    }

    pub(super) fn earliest(&self, cells: u32, from: Nanos) -> Option<Nanos> {
        match self.rate.charge(self.owed(from), 0, cells, 0) {
            Ok(_) => Some(from),
            Err(Denied::Wait(wait)) => from.0.checked_add(wait).map(Nanos),
            Err(Denied::Never) => None,
        }
    }

    pub(super) fn give(&mut self, cells: u32, moment: Nanos) -> Mark {
        let before = self.paid_off + self.returned;
        self.paid_off = self.paid_off.max(self.units(moment)) + self.price(cells);
        before
    }

    pub(super) fn give_back(&mut self, cells: u32, moment: Nanos, turn: Nanos, before: Mark) {
        let price = self.price(cells);
        let before = before.saturating_sub(self.returned);
        let end = before.max(self.units(moment)) + price;
        let back = price.min(end.saturating_sub(self.units(turn)));
        // Who came before is not concerned; if nobody came after, nobody is.
        if end < self.paid_off {
            self.returned += back;
        }
        self.paid_off = self.paid_off.saturating_sub(back);
    }

    pub(super) fn shrink(&mut self, cells: u32) {
        self.paid_off = self.paid_off.saturating_sub(self.price(cells));
    }

    pub(super) const fn restore(&mut self, before: Mark) {
        self.paid_off = before.saturating_sub(self.returned);
    }

    /// In cells, which the two quotas have in common; rounded down, so that none is made.
    pub(super) fn change(&mut self, quota: &Quota, from: Nanos) {
        let next = Self::new(quota);
        let left = u128::from(self.rate.most.saturating_sub(self.owed(from)));
        let left = left * u128::from(next.rate.per_cell) / u128::from(self.rate.per_cell);
        let owed = u128::from(next.rate.most).saturating_sub(left);
        *self = Self { paid_off: next.units(from) + owed, ..next };
    }

    /// How many units are owed at `from`: at most the burst, since nobody comes before who was served last.
    fn owed(&self, from: Nanos) -> u64 {
        self.paid_off.saturating_sub(self.units(from)) as u64
    }

    fn units(&self, moment: Nanos) -> u128 {
        u128::from(moment.0) * u128::from(self.rate.per_nano)
    }

    fn price(&self, cells: u32) -> u128 {
        u128::from(self.rate.per_cell) * u128::from(cells)
    }
}
