//! What one slot says, in one word: who has its keys.
//!
//! ```text
//!  63  61 60 59 58  56 55        42 41        28 27        14 13         0
//! +------+-----+------+------------+------------+------------+------------+
//! | move | lane| 000  |  replica 3 |  replica 2 |  replica 1 |   owner    |
//! |      |     |      | or target  |            |            |            |
//! +------+-----+------+------------+------------+------------+------------+
//! ```
//!
//! The four lanes name nodes by their index in the table, from 0 to 16 382; 16 383 is nobody, and nobody
//! comes after nobody. A reader that has the word has all that it needs to route a call, as it was at one
//! moment: there is no order of reads in which it sees the owner of one placement and the replicas of
//! another.
//!
//! # What is reserved for moves
//!
//! Nothing sets the upper eight bits yet: they are 0 in every word. They are kept for a migration, which
//! goes slot by slot through `move`: 0 stable, 1 copying, 2 catch-up, 3 hand-off, 4 dual read, 5 clean-up.
//! While it is not 0, the fourth lane is no replica but the node that the slot moves to, and `lane` says
//! which of the others it is to have. So a map that migrates has three copies of a key at most.
//!
//! The fence against a write that went by an older word needs no bits here. A writer reads the map's epoch
//! first (Acquire) and the word after it; who moves a slot stores the word first and raises the epoch
//! (Release) after it. So a write carries an epoch that is no newer than its word: a source that refuses
//! what is older than its own hand-off refuses one too many at worst, and never one too few.

use std::fmt;

/// How many nodes a word names.
pub(crate) const LANES: usize = 4;

/// The index that is nobody's, and so how many indexes there are.
pub(crate) const NOBODY: u16 = (1 << BITS) - 1;

const BITS: u32 = 14;

/// The nodes of a slot, by their indexes: the owner first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    /// A slot that nobody has.
    pub(crate) const EMPTY: Self = Self((1 << (LANES as u32 * BITS)) - 1);

    /// A slot of these nodes.
    pub(crate) fn of(nodes: impl IntoIterator<Item = u16>) -> Self {
        let mut word = Self::EMPTY;
        for (lane, node) in nodes.into_iter().enumerate() {
            word = word.with(lane, node);
        }
        word
    }

    /// The same with another node in a lane.
    pub(crate) fn with(self, lane: usize, node: u16) -> Self {
        debug_assert!(lane < LANES && node <= NOBODY, "lane {lane}, node {node}");
        let shift = lane as u32 * BITS;
        Self(self.0 & !(u64::from(NOBODY) << shift) | u64::from(node) << shift)
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// The index in the lane `lane`, which may be nobody's.
    #[inline]
    pub(crate) const fn lane(self, lane: usize) -> u16 {
        (self.0 >> (lane as u32 * BITS)) as u16 & NOBODY
    }

    /// The owner's index.
    #[inline]
    pub(crate) const fn owner(self) -> u16 {
        self.lane(0)
    }

    /// How many nodes it names.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.nodes().count()
    }

    /// Whether it names `node`.
    pub(crate) fn names(self, node: u16) -> bool {
        self.nodes().any(|named| named == node)
    }

    /// The indexes that it names, the owner's first.
    #[inline]
    pub(crate) fn nodes(self) -> impl Iterator<Item = u16> {
        (0..LANES).map(move |lane| self.lane(lane)).take_while(|&node| node != NOBODY)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes()).finish()
    }
}
