//! The nodes that have a key: a word, and where to look its indexes up.

use std::fmt;

use crate::{
    node::Member,
    slots::Table,
    word::{LANES, NOBODY, Word},
};

/// The nodes that have a key, the owner first: distinct, and spread over the zones as far as they go.
///
/// All of one moment, however the map changes meanwhile; a copy of two words that allocates nothing.
#[derive(Clone, Copy)]
pub struct Replicas<'a> {
    table: &'a Table,
    word: Word,
}

impl<'a> Replicas<'a> {
    #[inline]
    pub(crate) const fn new(table: &'a Table, word: Word) -> Self {
        Self { table, word }
    }

    /// The first of them.
    #[inline]
    #[must_use]
    pub fn owner(&self) -> &'a Member {
        self.table.member(self.word.owner())
    }

    /// The one at a place, from 0, which is the owner's.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&'a Member> {
        // Who moves in is none of them yet.
        let index = if place < LANES { self.word.settled_lane(place) } else { NOBODY };
        self.table.resolve(index)
    }

    /// How many there are: as many as the map was built for, or all nodes with a weight where those are
    /// fewer.
    #[inline]
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a key has an owner")]
    pub fn len(&self) -> usize {
        self.word.settled().len()
    }

    /// One after the other, the owner first.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> ReplicasIter<'a> {
        ReplicasIter(Self { table: self.table, word: self.word.settled() })
    }
}

impl<'a> IntoIterator for Replicas<'a> {
    type Item = &'a Member;
    type IntoIter = ReplicasIter<'a>;

    #[inline]
    fn into_iter(self) -> ReplicasIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Replicas<'a> {
    type Item = &'a Member;
    type IntoIter = ReplicasIter<'a>;

    #[inline]
    fn into_iter(self) -> ReplicasIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Replicas<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Member::name)).finish()
    }
}

/// The [`Replicas`] of a key, one after the other.
#[derive(Clone, Debug)]
pub struct ReplicasIter<'a>(Replicas<'a>); // those who are left

impl<'a> Iterator for ReplicasIter<'a> {
    type Item = &'a Member;

    #[inline]
    fn next(&mut self) -> Option<&'a Member> {
        self.0.table.resolve(self.0.word.take())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.0.word.len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for ReplicasIter<'_> {}
