//! Who waits, in which order, and what has come of those who don't wait any more.
//!
//! A line is a map sorted by rank: the more important call first, and of two equal ones the one that
//! came first. All that the orders need is at its ends:
//!
//! ```text
//!        most important                              least important
//!   first come ... last come | first come ... last come | ...
//!   ^ FIFO         ^ LIFO                                           ^ sent away when it is full
//! ```
//!
//! Its owner is whoever holds the machine's lock. Who waits keeps his [`Place`] and asks with it.

use std::{cmp::Reverse, collections::BTreeMap, task::Waker};

use seawall_core::{Bound, Nanos, Priority};

/// Where somebody waits: the more important first, then the earlier.
pub(crate) type Rank = (Reverse<Priority>, u64);

/// What a waiter keeps to find himself again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(super) share: u16,
    pub(super) rank: Rank,
}

impl Place {
    /// The number that no other waiter of the bulkhead has or had.
    const fn number(self) -> u64 {
        self.rank.1
    }

    /// The same rank, where of two who are equally important the last one to come is the first.
    pub(super) const fn rank_where(self, last_first: bool) -> Rank {
        let (priority, number) = self.rank;
        (priority, if last_first { u64::MAX - number } else { number })
    }
}

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) weight: u32,
    pub(super) since: Nanos,
    /// Set when he first went to sleep.
    pub(super) waker: Option<Waker>,
}

/// What came of a waiter: the weight that was taken for him, or the bound that he ran into.
pub(super) type Verdict = Result<u32, Bound>;

/// The lines of all shares, and the verdicts that were not fetched yet.
#[derive(Debug)]
pub(super) struct Lines {
    lines: Box<[BTreeMap<Rank, Waiter>]>,
    verdicts: BTreeMap<u64, Verdict>,
    next: u64,
}

impl Lines {
    pub(super) fn new(shares: usize) -> Self {
        let lines = (0..shares).map(|_| BTreeMap::new()).collect();
        Self { lines, verdicts: BTreeMap::new(), next: 0 }
    }

    pub(super) fn join(&mut self, share: u16, priority: Priority, waiter: Waiter) -> Place {
        let rank = (Reverse(priority), self.next);
        self.next += 1;
        self.lines[usize::from(share)].insert(rank, waiter);
        Place { share, rank }
    }

    pub(super) fn leave(&mut self, place: Place) -> Option<Waiter> {
        self.lines[usize::from(place.share)].remove(&place.rank)
    }

    /// Ends a wait; the waker of who waited.
    pub(super) fn settle(&mut self, place: Place, verdict: Verdict) -> Option<Waker> {
        let waiter = self.leave(place)?;
        self.verdicts.insert(place.number(), verdict);
        waiter.waker
    }

    pub(super) fn take_verdict(&mut self, place: Place) -> Option<Verdict> {
        self.verdicts.remove(&place.number())
    }

    pub(super) fn get(&self, place: Place) -> Option<&Waiter> {
        self.lines[usize::from(place.share)].get(&place.rank)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Waiter> {
        self.lines[usize::from(place.share)].get_mut(&place.rank)
    }

    /// Whose turn it is in the line of `share`: of the most important, the one who came first, or
    /// last.
    pub(super) fn turn(&self, share: u16, last_first: bool) -> Option<Place> {
        let line = &self.lines[usize::from(share)];
        let (&first, _) = line.first_key_value()?;
        let rank = match last_first {
            false => first,
            true => *line.range(first..=(first.0, u64::MAX)).next_back()?.0,
        };
        Some(Place { share, rank })
    }

    /// Who came first of all, however important.
    pub(super) fn oldest(&self) -> Option<Place> {
        let first = |share: u16| {
            let line = &self.lines[usize::from(share)];
            // One look for each priority that is there.
            let mut oldest: Option<Rank> = None;
            let mut from = line.first_key_value().map(|(&rank, _)| rank);
            while let Some(rank) = from {
                oldest = Some(oldest.map_or(rank, |old| if rank.1 < old.1 { rank } else { old }));
                from = line.range((rank.0, u64::MAX)..).next().map(|(&rank, _)| rank);
            }
            oldest.map(|rank| Place { share, rank })
        };
        (0..self.lines.len() as u16).filter_map(first).min_by_key(|place| place.number())
    }

    /// Who is sent away for a call of `priority`: of the least important below it, the last to come.
    pub(super) fn least_below(&self, priority: Priority) -> Option<Place> {
        let last = |share: u16| {
            let (&rank, _) = self.lines[usize::from(share)].last_key_value()?;
            (rank.0.0 < priority).then_some(Place { share, rank })
        };
        (0..self.lines.len() as u16).filter_map(last).max_by_key(|place| place.rank)
    }
}
