//! Members that all have the same data, and one of them orders the writes.
//!
//! # The order
//!
//! | | first | then |
//! |---|---|---|
//! | a write, a read of the primary, or one that must be fresh | the primary | |
//! | the owner first | the primary | the others, by chance |
//! | `Nearest` | one's own zone, by chance | the others, by chance |
//! | `Any` | all, by chance | |
//!
//! Chance decides between equals, as there is no key that would spread the calls. Those that drain come after all
//! of these, those that are down not at all. A member that was not described is active, and in no zone.

use std::{cmp::Ordering, sync::Arc};

use seawall_core::{Chance, Name, sync::Mutex};

use super::{
    Access,
    candidate::{Candidate, Next, Tried},
    seats::{Seat, Seats},
    view::View,
};
use crate::{Node, NodeState, Read};

pub(crate) struct Equals {
    known: Mutex<Known>,
    chance: Chance,
}

/// What was said of the members, whether their services are here or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) nodes: Vec<Node>,
    pub(crate) primary: Option<Name>,
    /// Of the one who asks.
    pub(crate) zone: Option<Name>,
}

/// What the members are, place by place of the list of services; of those of maps nothing.
#[derive(Debug, Default)]
pub(crate) struct Roles(Box<[Role]>);

#[derive(Clone, Copy, Debug)]
struct Role {
    state: NodeState,
    is_near: bool,
    is_primary: bool,
}

impl Role {
    /// The lower, the sooner; `None` who is not asked.
    fn rank(self, access: Access) -> Option<u32> {
        if self.state == NodeState::Down {
            return None;
        }
        let drains = u32::from(self.state == NodeState::Draining) << 1;
        match access {
            Access::Write | Access::Read(Read::Primary) | Access::Fresh(..) => {
                self.is_primary.then_some(0)
            }
            Access::OwnerFirst => Some(drains + u32::from(!self.is_primary)),
            Access::Read(Read::Nearest) => Some(drains + u32::from(!self.is_near)),
            Access::Read(Read::Any) => Some(drains),
        }
    }
}

impl Equals {
    pub(crate) fn new() -> Self {
        Self { known: Mutex::new(Known::default()), chance: Chance::random() }
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Known) -> R) -> R {
        change(&mut self.known.lock())
    }

    pub(crate) fn primary(&self) -> Option<Name> {
        self.known.lock().primary.clone()
    }

    /// How many of those that were described have no service.
    pub(crate) fn missing<S>(&self, seats: &Seats<S>) -> usize {
        let known = self.known.lock();
        known.nodes.iter().filter(|node| seats.find(&node.name).is_none()).count()
    }

    /// What the members are.
    pub(crate) fn roles<S>(&self, seats: &Seats<S>) -> Roles {
        let known = self.known.lock();
        let role = |name: &Name| {
            let node = known.nodes.iter().find(|node| node.name == *name);
            let zone = node.and_then(|node| node.zone.as_ref());
            Role {
                state: node.map_or(NodeState::Active, |node| node.state),
                is_near: zone.is_some() && zone == known.zone.as_ref(),
                is_primary: known.primary.as_ref() == Some(name),
            }
        };
        Roles(seats.iter().map(|seat| role(&seat.name)).collect())
    }

    /// One of the best of those that were not tried.
    #[inline]
    pub(crate) fn next<S: Clone>(
        &self,
        view: &View<S>,
        access: Access,
        tried: &mut Tried,
    ) -> Next<S> {
        let (mut best, mut alike) = (u32::MAX, 0);
        for (rank, _) in ranked(view, access, tried) {
            match rank.cmp(&best) {
                Ordering::Less => (best, alike) = (rank, 1),
                Ordering::Equal => alike += 1,
                Ordering::Greater => {}
            }
        }
        let drawn = if alike > 1 { self.chance.uniform(0, alike - 1) as usize } else { 0 };
        let drawn = ranked(view, access, tried).filter(|&(rank, _)| rank == best).nth(drawn);
        let Some((_, seat)) = drawn else { return Next::Nobody };
        tried.push(seat);
        Next::Member(Candidate::new(seat, None, None))
    }

    /// Whether a member orders the writes, by now.
    pub(crate) fn is_primary<S>(view: &View<S>, serial: u64) -> bool {
        let mut members = view.seats.iter().zip(&view.roles.0);
        members.any(|(seat, role)| role.is_primary && seat.serial == serial)
    }

    /// Whether there is somebody.
    pub(crate) fn is_next<S>(view: &View<S>, access: Access, tried: &Tried) -> bool {
        ranked(view, access, tried).next().is_some()
    }
}

/// Those who can be asked, and how soon; nobody for a call that has tried enough.
fn ranked<'a, S>(
    view: &'a View<S>,
    access: Access,
    tried: &Tried,
) -> impl Iterator<Item = (u32, &'a Arc<Seat<S>>)> {
    let members = view.seats.iter().zip(&view.roles.0);
    members
        .filter(|(seat, _)| !tried.is_full() && !tried.contains(seat))
        .filter_map(move |(seat, role)| Some((role.rank(access)?, seat)))
}
