//! Where a client goes while slots move: an epoch and a word, each read once.

use std::fmt;

use crate::{
    Member, Replicas,
    migration::Phase,
    slots::Table,
    word::{NOBODY, Word},
};

/// What a route is made of.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    table: &'a Table,
    word: Word,
    slot: u32,
    epoch: u64,
}

impl<'a> Seen<'a> {
    /// The word of the slot that a hash falls into. The epoch was read before it, and so is no newer.
    #[inline]
    pub(crate) fn new(table: &'a Table, hash: u64, epoch: u64) -> Self {
        let slot = table.slot_of(hash);
        Self { table, word: table.word(slot), slot: slot as u32, epoch }
    }

    fn owner(&self) -> &'a Member {
        self.table.member(self.word.owner())
    }

    fn other(&self) -> Option<&'a Member> {
        let other = self.word.other();
        (other != NOBODY).then(|| self.table.member(other))
    }
}

/// Where a write goes: made by [`ShardMap::write_route`](crate::ShardMap::write_route).
///
/// All of one moment, and old when it is used: so the node is told the [`epoch`](Self::epoch), and refuses what
/// is too old. Allocates nothing.
#[derive(Clone, Copy)]
pub struct WriteRoute<'a>(Seen<'a>);

impl<'a> WriteRoute<'a> {
    #[inline]
    pub(crate) const fn new(seen: Seen<'a>) -> Self {
        Self(seen)
    }

    /// Who owns the key, and orders its writes.
    #[inline]
    #[must_use]
    pub fn owner(&self) -> &'a Member {
        self.0.owner()
    }

    /// The nodes that have the key, the owner first: of the same moment as the rest.
    #[inline]
    #[must_use]
    pub const fn replicas(&self) -> Replicas<'a> {
        Replicas::new(self.0.table, self.0.word)
    }

    /// Who is to be told the write, too, before it is acknowledged.
    #[inline]
    #[must_use]
    pub fn forward(&self) -> Option<&'a Member> {
        match self.0.word.phase()? {
            Phase::Copying | Phase::CatchUp | Phase::DualRead => self.0.other(),
            Phase::HandOff | Phase::CleanUp => None,
        }
    }

    /// Whether nobody may write at this moment, which is a short one: take the route again.
    #[inline]
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.word.phase() == Some(Phase::HandOff)
    }

    /// What the write carries, for the [`Fence`](crate::migration::Fence) of whoever is told it.
    #[inline]
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The key's slot.
    #[inline]
    #[must_use]
    pub const fn slot(&self) -> u32 {
        self.0.slot
    }

    /// In which phase the slot is, if it moves.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.0.word.phase()
    }
}

impl fmt::Debug for WriteRoute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteRoute")
            .field("owner", &self.owner().name())
            .field("forward", &self.forward().map(Member::name))
            .field("phase", &self.phase())
            .field("epoch", &self.epoch())
            .finish()
    }
}

/// Where a read goes: made by [`ShardMap::read_route`](crate::ShardMap::read_route).
///
/// As old as a [`WriteRoute`] when it is used, and told to nodes with its [`epoch`](Self::epoch) as that is.
/// Allocates nothing.
#[derive(Clone, Copy)]
pub struct ReadRoute<'a>(Seen<'a>);

impl<'a> ReadRoute<'a> {
    #[inline]
    pub(crate) const fn new(seen: Seen<'a>) -> Self {
        Self(seen)
    }

    /// Who is asked.
    #[inline]
    #[must_use]
    pub fn first(&self) -> &'a Member {
        self.0.owner()
    }

    /// The nodes that have the key, the owner first: of the same moment as the rest.
    #[inline]
    #[must_use]
    pub const fn replicas(&self) -> Replicas<'a> {
        Replicas::new(self.0.table, self.0.word)
    }

    /// Who is asked if the first one knows nothing of the key: neither a value, nor that it was deleted.
    #[inline]
    #[must_use]
    pub fn fallback(&self) -> Option<&'a Member> {
        let falls = self.0.word.phase() == Some(Phase::DualRead) && self.0.word.moves_owner();
        if falls { self.0.other() } else { None }
    }

    /// What the read carries, for the [`Fence`](crate::migration::Fence) of whoever is asked.
    #[inline]
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The key's slot.
    #[inline]
    #[must_use]
    pub const fn slot(&self) -> u32 {
        self.0.slot
    }

    /// In which phase the slot is, if it moves.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.0.word.phase()
    }
}

impl fmt::Debug for ReadRoute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadRoute")
            .field("first", &self.first().name())
            .field("fallback", &self.fallback().map(Member::name))
            .field("phase", &self.phase())
            .field("epoch", &self.epoch())
            .finish()
    }
}
