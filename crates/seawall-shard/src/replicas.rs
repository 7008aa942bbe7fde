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
        Self { table, word: word.settled() } // who moves in is none of them yet
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
        let index = if place < LANES { self.word.lane(place) } else { NOBODY };
        self.table.resolve(index)
    }

    /// How many there are: as many as the map was built for, or all nodes with a weight where those are
    /// fewer.
    #[inline]
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a key has an owner")]
    pub fn len(&self) -> usize {
        self.word.len()
    }

    /// One after the other, the owner first.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> ReplicasIter<'a> {
        ReplicasIter { replicas: *self, place: 0 }
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
pub struct ReplicasIter<'a> {
    replicas: Replicas<'a>,
    place: usize,
}

impl<'a> Iterator for ReplicasIter<'a> {
    type Item = &'a Member;

    #[inline]
    fn next(&mut self) -> Option<&'a Member> {
        let member = self.replicas.get(self.place)?;
        self.place += 1;
        Some(member)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.replicas.len().saturating_sub(self.place);
        (left, Some(left))
    }
}

impl ExactSizeIterator for ReplicasIter<'_> {}
