//! Who is asked next: one core for members with keys of their own, and for equals.
//!
//! # How it decides
//!
//! ```text
//!   nodes, the best first ──> has a service ──> not tried yet ──> has a place ──> Candidate
//! ```
//!
//! The order is looked up anew each time: a call that goes on to its second node sees the nodes as they are by
//! then. A call tries at most four.

use std::sync::Arc;

use super::{
    Access,
    seats::{Seat, Seats},
};
use seawall_core::Rejection;

use crate::{
    Member, NodeState, Read, ShardMap,
    migration::{ReadRoute, WriteRoute},
    route::{
        Fresh, Lease,
        fresh_route::{Found, Look},
    },
};

/// How many members a call tries: as many as a key has nodes at most.
pub(crate) const MOST_TRIES: usize = 4;

/// What a call asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) hash: u64,
    pub(crate) access: Access,
    /// Whether its way is looked at, in case its slot moves.
    pub(crate) looks: bool,
}

/// How far a read has got that must be fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not looked, and paid nothing.
    First,
    /// It may wait for a report.
    Waits,
    /// It has waited: the primary is next.
    Last,
}

/// By which route a call goes.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) slot: u32,
    /// No newer than the word that named the node.
    pub(crate) epoch: u64,
    /// The other side of a move, where it has something to do.
    pub(crate) second: Option<Member>,
}

impl Way {
    fn of_write(route: &WriteRoute<'_>) -> Self {
        Self { slot: route.slot(), epoch: route.epoch(), second: route.forward().cloned() }
    }

    /// Of a read of `member`, which was chosen after the epoch was read.
    fn of_read(route: &ReadRoute<'_>, member: &Member, epoch: u64) -> Self {
        let falls = route.fallback().filter(|_| route.first().is(member));
        Self { slot: route.slot(), epoch, second: falls.cloned() }
    }
}

/// The members that a call has tried, by their serial numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tried {
    serials: [u64; MOST_TRIES],
    len: usize,
}

impl Tried {
    #[inline]
    pub(crate) fn contains<S>(&self, seat: &Seat<S>) -> bool {
        self.serials[..self.len].contains(&seat.serial)
    }

    #[inline]
    pub(crate) fn push<S>(&mut self, seat: &Seat<S>) {
        self.serials[self.len] = seat.serial;
        self.len += 1;
    }

    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.len == MOST_TRIES
    }

    /// Whether that one was the first of them: the one that the call preferred.
    #[inline]
    pub(crate) const fn began_with(&self, serial: u64) -> bool {
        self.len > 0 && self.serials[0] == serial
    }
}

/// A member that a call can ask: a clone of its service, which is to be called once it is ready.
pub(crate) struct Candidate<S> {
    pub(crate) service: S,
    /// Its seat's.
    pub(crate) serial: u64,
    /// Its place at the node: of a map's nodes alone.
    pub(crate) lease: Option<Lease>,
    /// Where it is looked at.
    pub(crate) way: Option<Way>,
}

impl<S: Clone> Candidate<S> {
    #[inline]
    pub(crate) fn new(seat: &Seat<S>, lease: Option<Lease>, way: Option<Way>) -> Self {
        Self { service: seat.service.clone(), serial: seat.serial, lease, way }
    }
}

/// The answer to "who is next?".
pub(crate) enum Next<S> {
    Member(Candidate<S>),
    /// Somebody who has no place left; it counts as tried.
    Full,
    /// Nobody may be asked for a short time: the slot is handed over.
    Paused,
    /// There are replicas that are not as fresh as is asked for.
    Behind,
    Nobody,
}

/// Who it would be.
enum Who<'a, S> {
    Member(&'a Member, &'a Arc<Seat<S>>, Option<Way>),
    Paused,
    Nobody,
}

impl Ask {
    /// Among the nodes of a key: the next one, and a place there.
    #[inline]
    pub(crate) fn next_of_shards<S: Clone>(
        self,
        shards: &ShardMap,
        seats: &Seats<S>,
        tried: &mut Tried,
    ) -> Next<S> {
        match self.who(shards, seats, tried) {
            Who::Member(member, seat, way) => {
                tried.push(seat);
                match shards.reserve(member) {
                    Some(lease) => Next::Member(Candidate::new(seat, Some(lease), way)),
                    None => Next::Full,
                }
            }
            Who::Paused => Next::Paused,
            Who::Nobody => Next::Nobody,
        }
    }

    /// The same of those that are fresh, or can be asked all the same.
    pub(crate) fn next_that_is_fresh<S: Clone>(
        self,
        shards: &ShardMap,
        seats: &Seats<S>,
        tried: &mut Tried,
        (read, fresh): (Read, Fresh),
        stage: Stage,
    ) -> Result<Next<S>, Rejection> {
        if tried.is_full() {
            return Ok(Next::Nobody);
        }
        let epoch = if self.looks { shards.move_epoch() } else { 0 }; // before the word, as of others
        let lease = {
            let open = |member: &Member| {
                seats
                    .find_hashed(member.name_hash(), member.name())
                    .is_some_and(|seat| !tried.contains(seat))
            };
            let look = if stage == Stage::First { Look::First } else { Look::Again };
            match shards.find_fresh(self.hash, read, fresh, look, open) {
                Found::Behind if stage != Stage::Last => return Ok(Next::Behind),
                found => shards.or_primary(self.hash, found, open)?,
            }
        };
        // Unless it was taken away in between, by another list.
        let Some(seat) = seats.find_hashed(lease.name_hash(), lease.name()) else {
            return Ok(Next::Nobody);
        };
        tried.push(seat);
        let way = || Way::of_read(&shards.read_route(&self.hash), &lease, epoch);
        let way = self.looks.then(way);
        Ok(Next::Member(Candidate::new(seat, Some(lease), way)))
    }

    /// Whether there is somebody, whose place is not taken.
    pub(crate) fn is_next_of_shards<S>(
        self,
        shards: &ShardMap,
        seats: &Seats<S>,
        tried: &Tried,
    ) -> bool {
        matches!(self.who(shards, seats, tried), Who::Member(..))
    }

    #[inline]
    fn who<'a, S>(self, shards: &'a ShardMap, seats: &'a Seats<S>, tried: &Tried) -> Who<'a, S> {
        if tried.is_full() {
            return Who::Nobody;
        }
        let open = |member: &'a Member| {
            let seat = seats
                .find_hashed(member.name_hash(), member.name())
                .filter(|seat| !tried.contains(seat))?;
            Some((member, seat))
        };
        let epoch = if self.looks { shards.move_epoch() } else { 0 }; // before the word: no newer than that
        let found = match self.access {
            Access::Read(read) => shards.candidates(&self.hash, read).find_map(open),
            Access::OwnerFirst => {
                let replicas = shards.replicas(&self.hash);
                let in_state =
                    |state| replicas.iter().filter(|each| each.state() == state).find_map(open);
                in_state(NodeState::Active).or_else(|| in_state(NodeState::Draining))
            }
            Access::Fresh(read, fresh) => {
                let is_fresh = |member: &Member| {
                    shards.is_fresh(member, fresh) || shards.lookup(&self.hash).is(member)
                };
                shards.candidates(&self.hash, read).filter(|member| is_fresh(member)).find_map(open)
            }
            Access::Write => {
                let route = shards.write_route(&self.hash);
                if route.is_paused() {
                    return Who::Paused;
                }
                let up = Some(route.owner()).filter(|owner| owner.state() != NodeState::Down);
                let Some((member, seat)) = up.and_then(open) else { return Who::Nobody };
                return Who::Member(member, seat, self.looks.then(|| Way::of_write(&route)));
            }
        };
        let Some((member, seat)) = found else { return Who::Nobody };
        let way = || Way::of_read(&shards.read_route(&self.hash), member, epoch);
        Who::Member(member, seat, self.looks.then(way))
    }

    /// Whether a call that has waited for a member may still go there: a write, only where that owns the key; a
    /// read that looks at its way, only where it has the key. Its way is the one by then.
    pub(crate) fn is_still_for<S>(self, shards: &ShardMap, candidate: &mut Candidate<S>) -> bool {
        let Some(member) = candidate.lease.as_deref() else { return false };
        if self.access == Access::Write {
            let route = shards.write_route(&self.hash);
            candidate.way = self.looks.then(|| Way::of_write(&route));
            return !route.is_paused() && route.owner().is(member);
        }
        if candidate.way.is_none() {
            return true; // it is not looked at, or goes to a node that need not have the key
        }
        let route = shards.read_route(&self.hash);
        let way = Way::of_read(&route, member, route.epoch());
        candidate.way = Some(way);
        route.replicas().iter().any(|replica| replica.is(member))
    }
}
