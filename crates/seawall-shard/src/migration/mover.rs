//! What a user gives: how his store copies, levels and deletes the rows of some slots.

use std::{future::Future, ops::RangeInclusive, time::Duration};

use seawall_core::Name;

use crate::{Role, migration::Step};

/// Does the work of a migration in a store: all input and output is here, and all waiting.
///
/// Each method may be called again with the same arguments, after a failure or by a process that took over:
/// what is done already is to do no harm. [The page](crate::migration) says what rows have to bear with them.
///
/// Methods of one [`Haul`] are called one after the other; those of different ones at the same time, as many as
/// there are workers.
pub trait Mover: Sync {
    /// Why something could not be done: the worker stops with it, and nothing is lost.
    type Error: Send;

    /// Keeps a step, so that it is there after a crash, and tells it to all processes that route; returns when
    /// it is kept. They need not have heard of it: the fences refuse who has not.
    ///
    /// A step whose epoch is kept already is the same step, unless a second mover is at work somewhere: let the
    /// store refuse to write an epoch twice with another content, and there is never more than one.
    fn record(&self, step: &Step) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Raises the floor of `node`'s [`Fence`](crate::migration::Fence) for the slots to `epoch`; returns when
    /// that says that all older ones have left.
    ///
    /// Of a node that is lost for good, and will not come back with its old rows, this is true already.
    fn fence(
        &self,
        node: &str,
        slots: RangeInclusive<u32>,
        epoch: u64,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Copies some rows of the haul from [`from`](Haul::from) to [`to`](Haul::to), tombstones as well, from
    /// the cursor on (`None`: from the beginning), and not more than about `at_most`.
    ///
    /// A row that the target has in a newer version, or as a newer tombstone, stays as it is.
    fn copy(
        &self,
        haul: &Haul,
        cursor: Option<&str>,
        at_most: u64,
    ) -> impl Future<Output = Result<Batch, Self::Error>> + Send;

    /// Brings `to` level with `from`: each row, and each tombstone, that is newer there. From a log of
    /// changes, or by comparing; not more than about `at_most`.
    ///
    /// In the hand-off nobody writes: when this says then that nothing is left, the two are the same.
    fn catch_up(
        &self,
        haul: &Haul,
        at_most: u64,
    ) -> impl Future<Output = Result<Level, Self::Error>> + Send;

    /// Whether both sides have the same, by count and checksum, say. Asked in the hand-off of an owner, when
    /// nobody writes, before the target takes over; not of a replica, to which writes are under way.
    ///
    /// Where they have not, the slot goes back to its source, and the migration pauses.
    fn verify(&self, haul: &Haul) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let _ = haul;
        std::future::ready(Ok(true))
    }

    /// Deletes all that `node` has of the haul's slots, tombstones as well; not more than about `at_most` at
    /// once.
    fn delete(
        &self,
        haul: &Haul,
        node: &str,
        cursor: Option<&str>,
        at_most: u64,
    ) -> impl Future<Output = Result<Batch, Self::Error>> + Send;

    /// Waits: by the timer of whatever runtime this is.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Slots that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Haul {
    /// The slots, the last one included.
    pub slots: RangeInclusive<u32>,
    /// The hashes of their keys, the last one included.
    pub hashes: RangeInclusive<u64>,
    /// What changes hands.
    pub role: Role,
    /// Who owns the slots, and so has all of them.
    pub from: Name,
    /// Who is to have what the owner has; `None` where a copy is merely given up.
    pub to: Option<Name>,
    /// Who is to have nothing of them after it.
    pub leaves: Option<Name>,
    /// What copies and deletions carry to the fence of the node that they change: one of a mover that has
    /// crashed, which comes late, is refused as a late write is.
    pub epoch: u64,
}

/// What a call has copied or deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many rows.
    pub items: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Where to go on; `None` where that was all.
    pub next: Option<String>,
}

/// How far a target has caught up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// How many rows it got.
    pub items: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many it lacks, as far as is known; 0 where it has all that the source had when it was looked.
    pub left: u64,
}
