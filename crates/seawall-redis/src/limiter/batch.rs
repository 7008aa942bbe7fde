//! What a node holds of a key: cells that it took ahead of need, and the last refusal.
//!
//! # How it decides
//!
//! | a call for `n` cells | what happens |
//! |---|---|
//! | at least `n` are left, and their lease runs | they are taken here |
//! | `n` were refused the last time, and the wait is not over | it is refused here |
//! | else | one caller asks the server for what lacks, and for some more; others wait for him |
//!
//! How many more grows with the demand: a batch that was used up within its lease is followed by one
//! of twice the size, up to what is set; one that was not, by half. So a key that is asked for now and
//! then takes nothing ahead.
//!
//! # What it promises
//!
//! 1. Never more than was granted is taken, and nothing after the lease that it was granted for.
//! 2. No more than the set number of cells is held at once.
//! 3. What is refused here, the server would have refused (unless a booking was given back meanwhile).

use std::time::Duration;

use seawall_core::Nanos;

/// How batches are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The most cells that are held at once; with 1, none is taken ahead.
    pub(super) most: u32,
    /// How long they are held.
    pub(super) lease: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Batch {
    left: u32,
    /// When what is left is void.
    until: Nanos,
    /// How large the last batch was.
    size: u32,
    refused: Option<Refused>,
    /// When the last attempt to ask the server failed.
    failed: Option<Nanos>,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    cells: u32,
    until: Nanos,
    /// Under which quotas.
    edition: u32,
}

/// What to ask the server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// What is held here, and goes into the call.
    pub(super) held: u32,
    /// What lacks.
    pub(super) need: u32,
    /// What to take ahead, if it is there.
    pub(super) more: u32,
    /// How many cells went void unused.
    pub(super) void: u32,
}

impl Batch {
    /// Takes `cells` of what is left.
    pub(super) fn take(&mut self, cells: u32, now: Nanos) -> bool {
        let is_there = now < self.until && self.left >= cells;
        if is_there {
            self.left -= cells;
        }
        is_there
    }

    /// How long a call for `cells` has to wait, where that is known. (Of a heavier one it is known that it
    /// has to wait, and not how long.)
    pub(super) fn refuses(&self, cells: u32, now: Nanos, edition: u32) -> Option<Duration> {
        let refused = self.refused.filter(|it| it.edition == edition && it.cells == cells)?;
        (now < refused.until).then(|| refused.until.since(now))
    }

    /// Whether the server could not be asked after `began`.
    pub(super) fn failed_since(&self, began: Nanos) -> bool {
        self.failed.is_some_and(|failed| failed >= began)
    }

    /// Whether nobody would miss it.
    pub(super) const fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Makes out what to ask for, for a call of `cells` that can't be [taken](Self::take) while `waiting`
    /// others want some too.
    ///
    /// What is left is held for the call: see [`granted`](Self::granted) and
    /// [`not_granted`](Self::not_granted).
    pub(super) fn order(&mut self, cells: u32, waiting: u32, now: Nanos, terms: Terms) -> Order {
        let runs = now < self.until;
        let left = std::mem::take(&mut self.left);
        let (held, void) = if runs { (left.min(cells), 0) } else { (0, left) };
        self.size = match runs {
            true => self.size.saturating_mul(2).min(terms.most),
            false => self.size / 2,
        }
        .max(1);
        let need = cells - held;
        let wanted = self.size.max(need.saturating_add(waiting)).min(terms.most);
        Order { held, need, more: wanted.saturating_sub(need), void }
    }

    /// The server granted the order, and `more` cells ahead, when asked at `sent`.
    ///
    /// The lease counts from before the server was asked: it is over no later than if the server had
    /// counted it.
    pub(super) fn granted(&mut self, more: u32, sent: Nanos, terms: Terms) {
        self.left = more;
        self.until = sent + terms.lease;
        self.refused = None;
        self.failed = None;
    }

    /// The order came to nothing: what it held is as it was.
    pub(super) fn not_granted(&mut self, held: u32) {
        self.left += held;
    }

    /// The server refused `cells` for `wait`, when asked at `sent`.
    pub(super) fn refused(&mut self, cells: u32, wait: Duration, sent: Nanos, edition: u32) {
        self.failed = None;
        self.refused = Some(Refused { cells, until: sent + wait, edition });
    }

    /// The server could not be asked.
    pub(super) fn failed(&mut self, now: Nanos) {
        self.failed = Some(now);
    }
}

#[cfg(test)]
#[path = "../tests/batch.rs"]
mod tests;
