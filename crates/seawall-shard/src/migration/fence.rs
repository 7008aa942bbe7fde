//! A node's own side: who asks by an older word is refused.
//!
//! ```text
//!  63                             28 27        14 13         0
//! +---------------------------------+------------+------------+
//! |  floor: the oldest epoch let in |   older    |   inside   |
//! +---------------------------------+------------+------------+
//!    one word for each slot
//! ```
//!
//! `inside` counts those who were let in since the floor was last raised, `older` those who were let in
//! before. To raise it is one swap: the floor goes up, and all who are inside are older from then on.
//!
//! # What it promises
//!
//! 1. Who carries an epoch below the floor is not let in.
//! 2. When [`Fence::raise`] says that it is done, nobody is inside who was let in under a lower floor, and
//!    what they wrote can be seen: so nothing that is written by an older word comes after it.
//! 3. That does not take until nobody is inside: those who carry the new epoch come and go meanwhile.
//!
//! # Why no write is lost
//!
//! A mover stores the words of a phase, raises the epoch of moves to e after it, and then raises the floor at
//! each node of the move to e. A writer reads the epoch first and the word after it; so whoever carries e, or
//! a later one, has a word of that phase, or a later one. Whoever carries an earlier one is refused, or was
//! let in before and is waited for. So when the floor is up, all writes that there will be are by the words of
//! the phase: the mover copies, or takes the last of the changes, and nothing comes behind its back.
//!
//! # Synchronization
//!
//! The word is the only thing that is shared, and all changes are swaps of it: one order. Leaving is a
//! Release, and `raise` an Acquire: it sees what those wrote who have left.

use std::{fmt, ops::RangeInclusive};

use seawall_core::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

const COUNT: u32 = 14;
const MOST: u64 = (1 << COUNT) - 1;
const FLOOR: u32 = 2 * COUNT;
/// The highest floor, which no epoch reaches.
pub(crate) const HIGHEST: u64 = u64::MAX >> FLOOR;

/// Keeps those from a node's slots who route by an epoch that is over: one for each node, at the node.
///
/// A write, and a read, is let in with the epoch that its [route](crate::migration::WriteRoute) said; who is
/// refused takes the route again. The mover has the floor [raised](Self::raise) with each phase.
///
/// 8 bytes for each slot of the map, whether the node has it or not.
///
/// # Examples
///
/// ```
/// # use seawall_shard::migration::Fence;
/// let fence = Fence::new(16_384, 0);
/// let pass = fence.enter(42, 7).expect("no floor is above 7");
///
/// assert!(!fence.raise(0..=99, 8), "somebody is inside");
/// assert!(fence.enter(42, 7).is_err(), "and nobody comes after");
/// drop(pass); // it has written
/// assert!(fence.raise(0..=99, 8));
/// ```
pub struct Fence {
    slots: Box<[AtomicU64]>,
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// By an epoch that is over: take the route again, from a map that knows the epoch `floor` at least.
    #[non_exhaustive]
    Stale {
        /// The oldest epoch that is let in.
        floor: u64,
    },
    /// There are 16 383 inside: more than one slot is made for.
    Full,
    /// There is no such slot.
    NoSuchSlot,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { floor } => write!(f, "the slot has moved: its epoch is {floor} at least"),
            Self::Full => f.write_str("too many are at work in the slot"),
            Self::NoSuchSlot => f.write_str("there is no such slot"),
        }
    }
}

impl std::error::Error for Refused {}

#[derive(Clone, Copy)]
struct Gate(u64);

impl Gate {
    const fn of(floor: u64, older: u64, inside: u64) -> Self {
        Self(floor << FLOOR | older << COUNT | inside)
    }

    const fn floor(self) -> u64 {
        self.0 >> FLOOR
    }

    const fn older(self) -> u64 {
        self.0 >> COUNT & MOST
    }

    const fn inside(self) -> u64 {
        self.0 & MOST
    }
}

impl Fence {
    /// A fence for a map of so many slots, which lets nobody in who is older than `epoch`.
    ///
    /// A node that starts anew begins with the newest epoch that it can find, in the
    /// [`MigrationSpec`](crate::migration::MigrationSpec) or the [`PlacementSpec`](crate::PlacementSpec): it
    /// has forgotten its floors.
    #[must_use]
    pub fn new(slots: u32, epoch: u64) -> Self {
        let gate = Gate::of(epoch.min(HIGHEST), 0, 0);
        Self { slots: (0..slots).map(|_| AtomicU64::new(gate.0)).collect() }
    }

    /// Lets somebody in, until the pass is dropped: when what was written can be seen, or what was asked has
    /// been read.
    ///
    /// # Errors
    ///
    /// Where the epoch is over.
    pub fn enter(&self, slot: u32, epoch: u64) -> Result<Pass<'_>, Refused> {
        let word = self.slots.get(slot as usize).ok_or(Refused::NoSuchSlot)?;
        let mut seen = word.load(Relaxed); // the swap tells whether it was right
        loop {
            let gate = Gate(seen);
            if epoch < gate.floor() {
                return Err(Refused::Stale { floor: gate.floor() });
            }
            if gate.older() + gate.inside() == MOST {
                return Err(Refused::Full);
            }
            let next = Gate::of(gate.floor(), gate.older(), gate.inside() + 1);
            // Acquire: sees what the last one wrote before it raised the floor.
            match word.compare_exchange_weak(seen, next.0, Acquire, Relaxed) {
                Ok(_) => return Ok(Pass { word, floor: gate.floor() }),
                Err(now) => seen = now,
            }
        }
    }

    /// Raises the floor of slots, and says whether all have left who were let in before: ask again until
    /// they have.
    ///
    /// A floor that is as high stays. Slots that there are not have nobody inside.
    #[must_use = "until it says so, somebody is inside"]
    pub fn raise(&self, slots: RangeInclusive<u32>, epoch: u64) -> bool {
        let floor = epoch.min(HIGHEST);
        let first = *slots.start() as usize;
        let end = (*slots.end() as usize).saturating_add(1).min(self.slots.len());
        let words = self.slots.get(first..end).unwrap_or_default();
        words.iter().filter(|word| !raise(word, floor)).count() == 0 // all of them, whoever is inside
    }

    /// The oldest epoch that is let into a slot.
    #[must_use]
    pub fn floor(&self, slot: u32) -> Option<u64> {
        self.slots.get(slot as usize).map(|word| Gate(word.load(Acquire)).floor())
    }
}

fn raise(word: &AtomicU64, floor: u64) -> bool {
    let mut seen = word.load(Acquire); // pairs with those who left: see what they wrote
    loop {
        let gate = Gate(seen);
        if gate.floor() >= floor {
            return gate.older() == 0;
        }
        let next = Gate::of(floor, gate.older() + gate.inside(), 0);
        match word.compare_exchange_weak(seen, next.0, AcqRel, Acquire) {
            Ok(_) => return next.older() == 0,
            Err(now) => seen = now,
        }
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fence").field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}

/// Somebody who was let into a slot, until it is dropped: made by [`Fence::enter`].
#[must_use = "who drops it has left"]
pub struct Pass<'a> {
    word: &'a AtomicU64,
    /// The floor that it passed: where that is another one now, it is one of the older ones.
    floor: u64,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut seen = self.word.load(Relaxed); // the swap tells whether it was right
        loop {
            let gate = Gate(seen);
            let next = if gate.floor() == self.floor {
                Gate::of(gate.floor(), gate.older(), gate.inside() - 1)
            } else {
                Gate::of(gate.floor(), gate.older() - 1, gate.inside())
            };
            // Release: who raises the floor sees what was written.
            match self.word.compare_exchange_weak(seen, next.0, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}

impl fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("floor", &self.floor).finish_non_exhaustive()
    }
}
