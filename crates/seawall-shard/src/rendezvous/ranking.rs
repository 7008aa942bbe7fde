//! The best nodes of one slot, spread over zones.
//!
//! # The rule
//!
//! Nodes come in the order of their costs, the cheapest first. In a first round a node is taken if its zone
//! has none yet; if zones run out before the places do, the cheapest of those left fill them in a second
//! round.
//!
//! # What it promises
//!
//! 1. The result does not depend on the order in which nodes are offered.
//! 2. A node that is offered to a full ranking can only push out others: nobody comes in but itself.
//!
//! Both rest on this: whom the rule passes over among some nodes, it passes over among more. His zone had a
//! cheaper one, who is there still; or the second round was full of cheaper ones, and more nodes leave it no
//! more places. So what was not taken need not be remembered.

use crate::word::{LANES, Word};

/// A node and what a slot costs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub(crate) cost: u64,
    /// Decides between equal costs.
    pub(crate) name_hash: u64,
    pub(crate) zone: u32,
    pub(crate) index: u16,
}

const NONE: Ranked =
    Ranked { cost: u64::MAX, name_hash: u64::MAX, zone: u32::MAX, index: u16::MAX };

/// The best of those who were offered, at most `places` of them.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    /// The cheapest first; one place more, for the one who goes again.
    best: [Ranked; LANES + 1],
    len: usize,
    places: usize,
    /// Whether zones ran out before the places did.
    crowded: bool,
}

impl Ranking {
    pub(crate) const fn new(places: usize) -> Self {
        Self { best: [NONE; LANES + 1], len: 0, places, crowded: false }
    }

    /// The cost above which a node of a zone that is there already need not be offered.
    pub(crate) fn bar(&self) -> u64 {
        if self.len < self.places { u64::MAX } else { self.best[self.len - 1].cost }
    }

    /// The cost above which no node need be offered.
    pub(crate) fn bar_for_all(&self) -> u64 {
        if self.crowded { u64::MAX } else { self.bar() }
    }

    pub(crate) fn offer(&mut self, ranked: Ranked) {
        let mut at = self.len;
        while at > 0 && ranked.is_before(&self.best[at - 1]) {
            self.best[at] = self.best[at - 1];
            at -= 1;
        }
        self.best[at] = ranked;
        self.len += 1;

        if self.len > self.places {
            // The one whom the rule takes last: of the second round, if there is one.
            let last = self.last_of_second_round().unwrap_or(self.len - 1);
            self.best[last..self.len].rotate_left(1);
            self.len -= 1;
        }
        self.crowded = self.last_of_second_round().is_some();
    }

    /// Whether a cheaper one is in the same zone.
    fn is_of_second_round(&self, at: usize) -> bool {
        self.best[..at].iter().any(|cheaper| cheaper.zone == self.best[at].zone)
    }

    fn last_of_second_round(&self) -> Option<usize> {
        (1..self.len).rev().find(|&at| self.is_of_second_round(at))
    }

    pub(crate) fn word(&self) -> Word {
        let round = |second| (0..self.len).filter(move |&at| self.is_of_second_round(at) == second);
        Word::of(round(false).chain(round(true)).map(|at| self.best[at].index))
    }
}

impl Ranked {
    /// Whether it is cheaper; of equal costs the hash of the name decides.
    #[inline]
    fn is_before(&self, other: &Self) -> bool {
        (self.cost, self.name_hash) < (other.cost, other.name_hash)
    }
}
