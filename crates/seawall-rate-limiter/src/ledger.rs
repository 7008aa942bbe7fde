//! Several quotas that are asked together, and those that are counted by windows. Read this, then `rule`
//! (what a quota must answer), `gcra`, `fixed`, `sliding` and `log`.
//!
//! # How it decides
//!
//! Each quota says from which moment on it would allow a call. Once it allows one, it does until something
//! else is given: so the first moment at which all of them do is the latest of theirs, and none is asked
//! twice.
//!
//! ```text
//!                now       turn
//!                 │         │
//!  10 a second    │         │      ├──────────────▶ allowed
//!  15 a minute    │         │              ├──────▶ allowed
//!  a log          │         ├─────────────────────▶ allowed
//!                 │         │              │
//!                 │         │              the call's moment: each quota is charged for it
//!                 │         the last moment that was given: nobody is served before it
//! ```
//!
//! | state \ event | `take` | `book` | `give_back` | `change` |
//! |---|---|---|---|---|
//! | nobody waits (turn <= now) | now, or refused with its wait | at the first moment of all, or refused | as if it had never been taken, as far as that can be told | what is left stays left, up to the new limit |
//! | somebody waits (turn > now) | refused with its wait | behind the last | the last one: undone; else a hole for the next | the same, as of the last turn: those who wait keep theirs |
//!
//! # What it promises
//!
//! 1. All or nothing: every quota gives at the same moment, and a refusal changes none of them.
//! 2. The moments that are given hold to each quota's own rule.
//! 3. A wait is exact: a nanosecond earlier is too early, then it is given, if nobody else comes.
//! 4. Who books is served in the order of booking, also across a change.
//! 5. The last one who waits is undone exactly. Nothing that is given back makes room for more than
//!    if it had never been taken.
//! 6. A change makes no cell, and takes none but what the new limit has no room for.
//! 7. Memory is bounded by the quotas, whatever is asked, and the time it takes too.
//!
//! Time that steps back stands still: a moment once given is not lived through again.

mod fixed;
mod gcra;
mod grid;
mod log;
mod rule;
mod sliding;

use std::time::Duration;

use seawall_core::Nanos;

use self::rule::{Mark, Rule};
use crate::{Denied, Quota, Standing, gcra::Returned};

/// The most quotas of a ledger.
const MOST: usize = 4;

/// One to four quotas, of any policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    rules: Vec<Rule>,
    /// The latest present in which anything was given.
    seen: Nanos,
    /// The latest moment for which anything was given: that of the last in line, where one waits.
    turn: Nanos,
    /// The number of the last charge: how many there were, but for those that were undone.
    number: u64,
    /// How many cells of the last charge have not been given back.
    open: u32,
    /// The last charge that was made under other quotas.
    closed: u64,
}

/// What was booked.
///
/// Parts of it may be given back one by one; together not more than was booked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Booking {
    /// When it may be used: not later than the present of who booked, where that is at once.
    pub(crate) at: Nanos,
    number: u64,
    /// The moment for which it is charged.
    moment: Nanos,
    /// The turn of the charge before it, and how many cells of that were open.
    after: (Nanos, u32),
    /// How each quota stood before it.
    before: [Mark; MOST],
}

impl Ledger {
    /// All cells are there at first; the windows begin now.
    pub(crate) fn new(quotas: &[Quota], now: Nanos) -> Self {
        debug_assert!((1..=MOST).contains(&quotas.len()), "the builder counts them");
        let rules = quotas.iter().map(|quota| Rule::new(quota, now)).collect();
        Self { rules, seen: now, turn: now, number: 0, open: 0, closed: 0 }
    }

    /// Takes `cells` of every quota now, or says when there will be as many.
    pub(crate) fn take(&mut self, now: Nanos, cells: u32) -> Result<(), Denied> {
        let present = self.present(now);
        let moment = self.first(cells, present).ok_or(Denied::Never)?;
        match self.until(moment, now) {
            0 => self.give(cells, moment, present),
            wait => return Err(Denied::Wait(wait)),
        };
        Ok(())
    }

    /// Takes `cells` of every quota at the first moment at which all of them allow it and nobody who
    /// booked before is overtaken, if that is within `patience` nanoseconds.
    pub(crate) fn book(
        &mut self,
        now: Nanos,
        cells: u32,
        patience: u64,
    ) -> Result<Booking, Denied> {
        let present = self.present(now);
        let moment = self.first(cells, present).ok_or(Denied::Never)?;
        let wait = self.until(moment, now);
        if wait > patience {
            return Err(Denied::Wait(wait));
        }
        let after = (self.turn, self.open);
        let before = self.give(cells, moment, present);
        let at = Nanos(now.0 + wait);
        Ok(Booking { at, number: self.number, moment, after, before })
    }

    /// Gives back `cells` that were booked and not used.
    pub(crate) fn give_back(&mut self, now: Nanos, cells: u32, booking: Booking) -> Returned {
        let present = self.present(now);
        let kept = if booking.moment > present { Returned::Hole } else { Returned::Lost };
        if booking.number <= self.closed {
            return kept;
        }
        let last = booking.number == self.number;
        if self.turn <= present {
            self.seen = present;
            for (rule, mark) in self.rules.iter_mut().zip(booking.before) {
                rule.give_back(cells, booking.moment, self.turn, mark);
            }
            if last {
                self.step_back(cells, booking.after);
            }
            return Returned::Freed;
        }
        let from = booking.after.0.max(present);
        if !last || !self.rules.iter().all(|rule| rule.remembers(from)) {
            return kept;
        }
        for rule in &mut self.rules {
            rule.shrink(cells);
        }
        if self.step_back(cells, booking.after) {
            for (rule, mark) in self.rules.iter_mut().zip(booking.before) {
                rule.restore(mark);
            }
        }
        Returned::Freed
    }

    /// How each quota stands, in their order.
    pub(crate) fn standings(&self, now: Nanos) -> impl Iterator<Item = Standing> + '_ {
        let present = self.present(now);
        let from = present.max(self.turn);
        self.rules.iter().map(move |rule| {
            let limit = rule.limit();
            // A cell that is there belongs to who waits.
            let remaining = if from > present { 0 } else { rule.left(from) };
            let until = |cells| {
                let moment = rule.earliest(cells, from).unwrap_or(Nanos::MAX);
                Duration::from_nanos(self.until(moment, now))
            };
            Standing {
                limit: limit.into(),
                remaining: remaining.into(),
                next: until(1),
                full: until(limit),
            }
        })
    }

    /// Why `cells` would not be given now; nothing where they would be.
    #[cfg(any(test, feature = "tower"))]
    pub(crate) fn denied(&self, now: Nanos, cells: u32) -> Option<Denied> {
        match self.first(cells, self.present(now)).map(|moment| self.until(moment, now)) {
            None => Some(Denied::Never),
            Some(0) => None,
            Some(wait) => Some(Denied::Wait(wait)),
        }
    }

    /// How many nanoseconds the lightest call would have to wait.
    #[cfg(any(test, feature = "tower"))]
    pub(crate) fn wait(&self, now: Nanos) -> u64 {
        let moment = self.first(1, self.present(now)).unwrap_or(Nanos::MAX);
        self.until(moment, now)
    }

    /// The quotas are others from now on.
    ///
    /// A quota that keeps its place has as many cells left as before, up to its new limit, also where its
    /// policy or its period changes. Where only the limit of a window changes, its time goes on; else its
    /// windows begin anew, with all that is used in the first of them. What is in a new place is all there.
    ///
    /// What was booked before keeps its moment, and is not undone any more.
    pub(crate) fn change(&mut self, now: Nanos, quotas: &[Quota]) {
        self.seen = self.present(now);
        self.closed = self.number;
        let from = self.seen.max(self.turn);
        self.rules.truncate(quotas.len());
        for (place, quota) in quotas.iter().enumerate() {
            match self.rules.get_mut(place) {
                Some(rule) => rule.change(quota, from),
                None => self.rules.push(Rule::new(quota, from)),
            }
        }
    }

    /// The present, which never goes back behind one in which something was given.
    fn present(&self, now: Nanos) -> Nanos {
        now.max(self.seen)
    }

    /// How many nanoseconds after `now` a moment comes; 0 where it is not after the present.
    fn until(&self, moment: Nanos, now: Nanos) -> u64 {
        if moment > self.present(now) { moment.0 - now.0 } else { 0 }
    }

    /// The first moment at which every quota gives `cells`, and nobody is overtaken.
    fn first(&self, cells: u32, present: Nanos) -> Option<Nanos> {
        let from = present.max(self.turn);
        self.rules.iter().try_fold(from, |first, rule| Some(first.max(rule.earliest(cells, from)?)))
    }

    /// The last charge is so many cells less; where none are left of it, the one before it is the last.
    fn step_back(&mut self, cells: u32, after: (Nanos, u32)) -> bool {
        self.open = self.open.saturating_sub(cells);
        if self.open > 0 {
            return false;
        }
        (self.turn, self.open) = after;
        self.number -= 1;
        true
    }

    /// Charges every quota, and says how each stood before.
    fn give(&mut self, cells: u32, moment: Nanos, present: Nanos) -> [Mark; MOST] {
        let mut before = [Mark::default(); MOST];
        for (rule, mark) in self.rules.iter_mut().zip(&mut before) {
            *mark = rule.give(cells, moment, present);
        }
        (self.seen, self.turn, self.open) = (present, moment, cells);
        self.number += 1;
        before
    }
}
