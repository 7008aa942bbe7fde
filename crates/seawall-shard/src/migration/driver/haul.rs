//! A haul while it is under way, and the work that it gives.

use std::{
    ops::{Range, RangeInclusive},
    time::Duration,
};

use seawall_core::Nanos;

use crate::migration::{
    Batch, Haul, Level, Phase, Step, Stretch,
    path::{Leg, Stop},
    spec::SlotsTurn,
};

/// What a haul needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Turn(Stop),
    /// Of which of its nodes the fence is to be raised.
    Fence(usize),
    Copy,
    CatchUp,
    Verify,
    Hold,
    Delete,
}

/// Slots that have the same way, and are at the same place of it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) slots: Range<usize>,
    pub(super) at: Stop,
}

/// From whom to whom, where something is copied.
pub(super) type Lane = Option<(u16, u16)>;

pub(super) fn lane_of(leg: Leg) -> Lane {
    leg.target().map(|target| (leg.before.owner(), target))
}

#[derive(Debug)]
pub(super) struct Hauling {
    pub(super) id: u64,
    pub(super) slots: Range<usize>,
    pub(super) leg: Leg,
    /// The lane of that.
    pub(super) lane: Lane,
    pub(super) at: Stop,
    pub(super) need: Need,
    /// Whether a worker has it.
    pub(super) is_out: bool,
    pub(super) cursor: Option<String>,
    /// Since when it is in its phase.
    pub(super) since: Nanos,
}

impl Hauling {
    pub(super) fn is_handing_off(&self) -> bool {
        self.at.phase == Some(Phase::HandOff)
    }

    /// Whose fences its phases raise.
    pub(super) fn nodes(&self) -> impl Iterator<Item = u16> {
        let Leg { before, after } = self.leg;
        let nodes =
            [Some(before.owner()), self.leg.target(), self.leg.leaves(), Some(after.owner())];
        let is_first = move |&at: &usize| nodes[at].is_some() && !nodes[..at].contains(&nodes[at]);
        (0..nodes.len()).filter(is_first).filter_map(move |at| nodes[at])
    }

    pub(super) fn last(&self) -> u32 {
        self.slots.end as u32 - 1
    }

    pub(super) fn turned(&self, to: Stop) -> SlotsTurn {
        SlotsTurn {
            first: self.slots.start as u32,
            to: Stretch {
                slots: self.slots.len() as u32,
                legs: to.legs,
                back: to.back,
                phase: to.phase,
                cursor: None,
            },
        }
    }
}

/// A piece of work, for one worker.
#[derive(Debug)]
pub(crate) enum Job {
    Record(Step),
    Fence { node: u16, slots: RangeInclusive<u32>, epoch: u64 },
    Copy { haul: Haul, cursor: Option<String> },
    CatchUp { haul: Haul },
    Verify { haul: Haul },
    Delete { haul: Haul, node: u16, cursor: Option<String> },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Recorded { is_over: bool },
    Fenced,
    Moved(Batch),
    Level(Level),
    Verified(bool),
}

/// Whose work it is: a haul's, or the record's.
pub(crate) type Owner = Option<u64>;

pub(crate) enum Next {
    Do(Owner, Job),
    Wait(Duration),
    Over,
}
