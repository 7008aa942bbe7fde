//! Who can be asked, in the order of preference.
//!
//! # The order
//!
//! | a node is | `Primary` | `Nearest` | `Any` |
//! |---|---|---|---|
//! | active | the owner | near, then far | in an order that chance draws |
//! | draining | the owner | after those | after those |
//! | down | left out | left out | left out |
//!
//! Between equals the order is that of the slot: the owner first.
//!
//! Who is down is left out, and not put last: whoever found it down knows more than a caller who has not tried,
//! and a call that waits for a node that does not answer holds up those that could be served. Who wants to try
//! all the same finds it among the [replicas](crate::ShardMap::replicas).

use std::fmt;

use crate::{
    Member, NodeState,
    route::{Read, Routing},
    slots::Table,
    word::{LANES, NOBODY, Word},
};

/// The nodes that a read can ask, the best first: at most four, distinct, and none of them down.
///
/// All of one moment, however the map changes meanwhile; an iterator on the stack, that allocates nothing. It is
/// empty where all of a key's nodes are down.
#[derive(Clone)]
#[must_use = "it is an iterator, and does nothing unless somebody asks"]
pub struct Candidates<'a> {
    table: &'a Table,
    /// By index, the best first; nobody comes after the last.
    order: [u16; LANES],
    at: usize,
    len: usize,
}

impl<'a> Candidates<'a> {
    /// The candidates among the nodes of a word.
    #[inline]
    pub(crate) fn of(table: &'a Table, word: Word, read: Read, routing: &Routing) -> Self {
        let word = word.settled(); // who moves in has not all of the keys yet
        let drawn = match read {
            Read::Any => routing.chance.uniform(0, u64::MAX),
            Read::Primary | Read::Nearest => 0,
        };
        let mut candidates = Self { table, order: [NOBODY; LANES], at: 0, len: 0 };
        let mut ranks = [0; LANES];
        for (place, index) in word.nodes().enumerate() {
            let member = table.member(index);
            let rank = match (read, member.state()) {
                (_, NodeState::Down) => continue,
                (Read::Primary, _) if place > 0 => break,
                (_, NodeState::Active) => 0,
                (_, NodeState::Draining) => LAST,
            };
            let rank = rank
                | match read {
                    Read::Primary => 0,
                    Read::Nearest => u32::from(!member.is_near()),
                    Read::Any => (drawn >> (place * 16)) as u32 & 0xffff,
                };
            candidates.insert(index, rank, &mut ranks);
        }
        candidates
    }

    /// Puts one behind all whose rank is not higher.
    #[inline]
    fn insert(&mut self, index: u16, rank: u32, ranks: &mut [u32; LANES]) {
        let mut at = self.len;
        while at > 0 && ranks[at - 1] > rank {
            (self.order[at], ranks[at]) = (self.order[at - 1], ranks[at - 1]);
            at -= 1;
        }
        (self.order[at], ranks[at]) = (index, rank);
        self.len += 1;
    }

    /// The best of those that are left, to look at.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<&'a Member> {
        self.clone().next()
    }
}

/// The rank of who is passed over while there are others.
const LAST: u32 = 1 << 16;

impl<'a> Iterator for Candidates<'a> {
    type Item = &'a Member;

    #[inline]
    fn next(&mut self) -> Option<&'a Member> {
        if self.at == self.len {
            return None;
        }
        let member = self.table.member(self.order[self.at]);
        self.at += 1;
        Some(member)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Candidates<'_> {}

impl std::iter::FusedIterator for Candidates<'_> {}

impl fmt::Debug for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone().map(Member::name)).finish()
    }
}
