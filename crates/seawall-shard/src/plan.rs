//! What a change of the topology would move: exactly, slot by slot and hash by hash.

use std::{fmt, ops::RangeInclusive};

use seawall_core::Name;

use crate::word::{LANES, NOBODY, Word};

/// What a node is to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// It owns the slot.
    Owner,
    /// It has a replica, the n-th from 1.
    Replica(u8),
}

impl Role {
    const fn of(lane: usize) -> Self {
        if lane == 0 { Self::Owner } else { Self::Replica(lane as u8) }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Replica(place) => write!(f, "replica {place}"),
        }
    }
}

/// Slots that follow each other and change hands in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// The slots, the last one included.
    pub slots: RangeInclusive<u32>,
    /// The hashes of their keys, the last one included: what a store that keeps rows by hash has to scan.
    pub hashes: RangeInclusive<u64>,
    /// What changes hands.
    pub role: Role,
    /// Who has the role before; `None` where nobody has.
    pub from: Option<Name>,
    /// Who has it after; `None` where nobody has.
    pub to: Option<Name>,
    /// Whether `to` has nothing of the slots yet, so that they are to be copied, and not merely to be
    /// called by another role.
    pub copies: bool,
}

/// What a change of the topology would move: made by [`ShardMap::plan`](crate::ShardMap::plan).
///
/// The moves are sorted by role and slot; those of a role do not overlap, and two that could be one are one.
///
/// # Examples
///
/// What would a third node take over?
///
/// ```
/// # use seawall_shard::{Node, ShardMap};
/// let shards = ShardMap::builder("orders")
///     .explicit(1024)
///     .nodes([Node::new("db-a"), Node::new("db-b")])
///     .build()?;
/// let mut topology = shards.topology();
/// topology.add(Node::new("db-c"))?;
///
/// let plan = shards.plan(&topology)?;
/// assert_eq!(plan.stats().owners_moved, 1024 / 3);
/// assert!(plan.moves().iter().all(|each| each.to.as_deref() == Some("db-c") && each.copies));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    moves: Vec<Move>,
    stats: PlanStats,
}

/// How much a [`Plan`] moves, in slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanStats {
    /// How many slots there are.
    pub slots: usize,
    /// How many of them have another owner after it.
    pub owners_moved: usize,
    /// How many copies of a slot are to be made.
    pub copies_moved: usize,
    /// How many copies of a slot are no longer needed after it.
    pub copies_dropped: usize,
}

impl Plan {
    /// What leads from one table to the other.
    pub(crate) fn between(before: &[Word], after: &[Word], name_of: impl Fn(u16) -> Name) -> Self {
        let slot_bits = before.len().trailing_zeros();
        let mut moves: Vec<Move> = Vec::new();
        for lane in 0..LANES {
            let mut last = None;
            for (slot, (old, new)) in before.iter().zip(after).enumerate() {
                let change = Change::of(*old, *new, lane);
                match (change, moves.last_mut()) {
                    (None, _) => {}
                    (Some(_), Some(open)) if change == last => {
                        open.slots = *open.slots.start()..=slot as u32;
                    }
                    (Some(Change { from, to, copies }), _) => {
                        let name = |index| (index != NOBODY).then(|| name_of(index));
                        moves.push(Move {
                            slots: slot as u32..=slot as u32,
                            hashes: 0..=0, // known when the last slot is
                            role: Role::of(lane),
                            from: name(from),
                            to: name(to),
                            copies,
                        });
                    }
                }
                last = change;
            }
        }
        for each in &mut moves {
            each.hashes = hashes_of(&each.slots, slot_bits);
        }
        Self { moves, stats: PlanStats::between(before, after) }
    }

    /// What changes hands, by role and slot.
    #[must_use]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// Whether nothing does.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.moves.is_empty()
    }

    /// How much it is.
    #[must_use]
    pub const fn stats(&self) -> PlanStats {
        self.stats
    }
}

impl PlanStats {
    pub(crate) fn between(before: &[Word], after: &[Word]) -> Self {
        Self::of(before.len(), before.iter().copied().zip(after.iter().copied()))
    }

    /// The same by the words before and after of those slots that change, and of others.
    pub(crate) fn of(slots: usize, words: impl Iterator<Item = (Word, Word)>) -> Self {
        let mut stats = Self { slots, ..Self::default() };
        for (old, new) in words.filter(|(old, new)| old != new) {
            stats.owners_moved += usize::from(old.owner() != new.owner());
            stats.copies_moved += new.nodes().filter(|&node| !old.names(node)).count();
            stats.copies_dropped += old.nodes().filter(|&node| !new.names(node)).count();
        }
        stats
    }
}

/// What happens to one lane of one slot.
#[derive(Clone, Copy, PartialEq)]
struct Change {
    from: u16,
    to: u16,
    copies: bool,
}

impl Change {
    fn of(old: Word, new: Word, lane: usize) -> Option<Self> {
        let (from, to) = (old.lane(lane), new.lane(lane));
        let copies = to != NOBODY && !old.names(to);
        (from != to).then_some(Self { from, to, copies })
    }
}

/// The hashes that fall into the slots.
pub(crate) fn hashes_of(slots: &RangeInclusive<u32>, slot_bits: u32) -> RangeInclusive<u64> {
    let shift = u64::BITS - slot_bits;
    let last = u64::from(*slots.end()) << shift | ((1 << shift) - 1);
    u64::from(*slots.start()) << shift..=last
}
