//! What a call looks at: the services, and what their nodes are, all of one moment.

use std::sync::Arc;

use seawall_core::{Bound, Reason, Rejection};

use super::{
    Access,
    candidate::{Ask, Candidate, Next, Stage, Tried},
    equals::{Equals, Roles},
    pool::{Common, Field},
    seats::{Seat, Seats},
};
use crate::{Member, Read, route::Fresh};

pub(crate) struct View<S> {
    pub(crate) common: Arc<Common<S>>,
    pub(crate) seats: Seats<S>,
    /// What the members of equals are; nobody in a map, which knows that itself.
    pub(crate) roles: Roles,
    pub(crate) version: u64,
}

impl<S> View<S> {
    #[inline]
    pub(crate) fn is_newest(&self) -> bool {
        self.common.newest.is_newest(self.version)
    }

    /// Another one in its place, if one has come.
    #[inline]
    pub(crate) fn refresh(self: &mut Arc<Self>) {
        if !self.is_newest()
            && let Some(newest) = self.common.newest.newest()
        {
            *self = newest;
        }
    }

    /// The next member that the call can ask, after those that it has tried, and a place there.
    #[inline]
    pub(crate) fn next(&self, ask: Ask, tried: &mut Tried) -> Next<S>
    where
        S: Clone,
    {
        match &self.common.field {
            Field::Shards(shards) => ask.next_of_shards(shards, &self.seats, tried),
            Field::Equals(equals) => equals.next(self, ask.access, tried),
        }
    }

    /// The same for a read that must be fresh; of equals nobody reports.
    pub(crate) fn next_that_is_fresh(
        &self,
        ask: Ask,
        tried: &mut Tried,
        wants: (Read, Fresh),
        stage: Stage,
    ) -> Result<Next<S>, Rejection>
    where
        S: Clone,
    {
        match &self.common.field {
            Field::Shards(shards) => {
                ask.next_that_is_fresh(shards, &self.seats, tried, wants, stage)
            }
            Field::Equals(_) => Ok(self.next(ask, tried)),
        }
    }

    /// The same for its first look, which pays.
    pub(crate) fn first_that_is_fresh(
        &self,
        ask: Ask,
        tried: &mut Tried,
        wants: (Read, Fresh),
        stage: Stage,
    ) -> Result<Next<S>, Rejection>
    where
        S: Clone,
    {
        if let (Field::Shards(shards), Stage::First) = (&self.common.field, stage) {
            shards.pay();
        }
        self.next_that_is_fresh(ask, tried, wants, stage)
    }

    /// Whether there is anybody whom a call has not tried.
    pub(crate) fn has_next(&self, ask: Ask, tried: &Tried) -> bool {
        match &self.common.field {
            Field::Shards(shards) => ask.is_next_of_shards(shards, &self.seats, tried),
            Field::Equals(_) => Equals::is_next(self, ask.access, tried),
        }
    }

    /// Whether a call that has waited for a member may still go there.
    pub(crate) fn still_wants(&self, ask: Ask, candidate: &mut Candidate<S>) -> bool {
        match &self.common.field {
            Field::Shards(shards) => ask.is_still_for(shards, candidate),
            Field::Equals(_) => {
                ask.access != Access::Write || Equals::is_primary(self, candidate.serial)
            }
        }
    }

    /// The service of a node, if it has one.
    #[inline]
    pub(crate) fn seat_of(&self, member: &Member) -> Option<&Arc<Seat<S>>> {
        self.seats.find_hashed(member.name_hash(), member.name())
    }

    /// All members that it could ask were at their bounds: the map may have another, or says what is the matter.
    #[cold]
    pub(crate) fn overflow(&self, ask: Ask) -> Result<Candidate<S>, Rejection>
    where
        S: Clone,
    {
        let full = || {
            Rejection::new(Reason::Overloaded, self.common.name.clone()).with_bound(Bound::Share)
        };
        let (Field::Shards(shards), Some(read)) = (&self.common.field, ask.access.overflows_as())
        else {
            return Err(full());
        };
        let lease = shards.route(&ask.hash, read)?;
        let seat = self.seat_of(&lease).ok_or_else(full)?;
        Ok(Candidate::new(seat, Some(lease), None))
    }

    #[cold]
    pub(crate) fn refuse(&self, reason: Reason) -> Rejection {
        Rejection::new(reason, self.common.name.clone())
    }
}
