//! What one slot says, in one word: who has its keys.
//!
//! ```text
//!  63  61 60 59 58  56 55        42 41        28 27        14 13         0
//! +------+-----+------+------------+------------+------------+------------+
//! | move | lane| 000  |  replica 3 |  replica 2 |  replica 1 |   owner    |
//! |      |     |      | or other   |            |            |            |
//! +------+-----+------+------------+------------+------------+------------+
//! ```
//!
//! The four lanes name nodes by their index in the table, from 0 to 16 382; 16 383 is nobody, and nobody
//! comes after nobody. A reader that has the word has all that it needs to route a call, as it was at one
//! moment: there is no order of reads in which it sees the owner of one placement and the replicas of
//! another.
//!
//! # A slot that moves
//!
//! `move` is the phase of a [migration](crate::migration): 0 stable, 1 copying, 2 catch-up, 3 hand-off, 4 dual
//! read, 5 clean-up. While it is not 0, the fourth lane is no replica but the other side of the move: the node
//! that the slot moves to, and from the dual read on the one that it came from; `lane` is the lane that the
//! move is about. So a map that migrates has three copies of a key at most. The owner's lane is who owns now,
//! in every phase: a look-up never needs to know whether something moves.
//!
//! The fence against a write that went by an older word needs no bits here. A writer reads the epoch of moves
//! first (Acquire) and the word after it; who moves a slot stores the word first and raises the epoch
//! (Release) after it. So a write carries an epoch that is no newer than its word: a source that refuses
//! what is older than its own hand-off refuses one too many at worst, and never one too few.

use std::fmt;

use crate::migration::Phase;

/// How many nodes a word names.
pub(crate) const LANES: usize = 4;

/// The index that is nobody's, and so how many indexes there are.
pub(crate) const NOBODY: u16 = (1 << BITS) - 1;

const BITS: u32 = 14;

/// The lane of the other side, while a slot moves.
const OTHER: usize = LANES - 1;

/// Where the upper eight bits begin, and in them those of `lane` and `move`.
const UPPER: u32 = LANES as u32 * BITS;
const LANE: u32 = 59;
const MOVE: u32 = 61;

/// The nodes of a slot, by their indexes: the owner first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    /// A slot that nobody has.
    pub(crate) const EMPTY: Self = Self((1 << UPPER) - 1);

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

    /// The same while `lane` of it moves; `other` is the other side, if there is one.
    pub(crate) fn moving(self, phase: Phase, lane: usize, other: u16) -> Self {
        debug_assert!(self.phase().is_none() && lane < OTHER && self.lane(OTHER) == NOBODY);
        let word = self.with(OTHER, other);
        Self(word.0 | (lane as u64) << LANE | (phase as u64) << MOVE)
    }

    /// In which phase of a move it is.
    #[inline]
    pub(crate) const fn phase(self) -> Option<Phase> {
        match self.0 >> MOVE {
            1 => Some(Phase::Copying),
            2 => Some(Phase::CatchUp),
            3 => Some(Phase::HandOff),
            4 => Some(Phase::DualRead),
            5 => Some(Phase::CleanUp),
            _ => None,
        }
    }

    /// Whether it is the owner's lane that moves. Only of a slot that moves.
    #[inline]
    pub(crate) const fn moves_owner(self) -> bool {
        (self.0 >> LANE) & 3 == 0
    }

    /// The other side of the move, or nobody. Only of a slot that moves.
    #[inline]
    pub(crate) const fn other(self) -> u16 {
        self.lane(OTHER)
    }

    /// The nodes that have the slot, without what it moves.
    #[inline]
    pub(crate) const fn settled(self) -> Self {
        if self.0 >> UPPER == 0 {
            return self;
        }
        Self((self.0 | (NOBODY as u64) << (OTHER as u32 * BITS)) & Self::EMPTY.0)
    }

    /// The owner's index.
    #[inline]
    pub(crate) const fn owner(self) -> u16 {
        self.lane(0)
    }

    /// The index in the lane `lane`, without what it moves.
    #[inline]
    pub(crate) const fn settled_lane(self, lane: usize) -> u16 {
        if lane == OTHER { self.settled().lane(lane) } else { self.lane(lane) }
    }

    /// Takes the owner's index out, so that the next one is the owner's; nobody's where all are out. Of a word
    /// that is [settled](Self::settled).
    #[inline]
    pub(crate) const fn take(&mut self) -> u16 {
        let first = self.owner();
        self.0 = self.0 >> BITS | (NOBODY as u64) << (OTHER as u32 * BITS);
        first
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

    /// The indexes that it names, the owner's first. Of a word that is [settled](Self::settled).
    #[inline]
    pub(crate) fn nodes(self) -> impl Iterator<Item = u16> {
        debug_assert!(self.0 >> UPPER == 0, "the other side of a move is not one of the nodes");
        (0..LANES).map(move |lane| self.lane(lane)).take_while(|&node| node != NOBODY)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.settled().nodes()).finish()?;
        match self.phase() {
            Some(phase) => write!(f, " {phase} {}", self.other()),
            None => Ok(()),
        }
    }
}
