//! What the clones of a service share: the members, who has which keys, and what is counted.
//!
//! # Who waits for whom
//!
//! A call reads the list of services through a lock of its own lane, so that calls don't take it from each other's
//! processor; it waits only while a list is exchanged for another, which is the store of a pointer. Lists are made
//! under `control`, one thread at a time: that is rare.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Bound, CachePadded, Name, Observe, Reason, Rejection, Snapshot, lane, lanes,
    sync::{
        Mutex, RwLock, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Access,
    candidate::{Ask, Candidate, Next, Stage, Tried},
    equals::{Equals, Roles},
    seats::{Seat, Seats},
};
use crate::{Member, Read, ShardMap, route::Fresh};

pub(crate) struct Pool<S> {
    pub(crate) name: Name,
    pub(crate) field: Field,
    lanes: Box<[Lane<S>]>,
    control: Mutex<Control<S>>,
    /// In nanoseconds. It carries nothing but itself: Relaxed.
    patience: AtomicU64,
    pub(crate) counts: Counts,
    #[cfg(feature = "discover")]
    pub(crate) discovery: super::discovery::Discovery<S>,
}

/// Where the calls of some threads see what there is.
type Lane<S> = CachePadded<RwLock<Arc<View<S>>>>;

/// Who has the keys.
pub(crate) enum Field {
    /// A map says.
    Shards(ShardMap),
    /// All have all of them, and one is the primary.
    Equals(Equals),
}

/// What a call looks at: all of one moment.
pub(crate) struct View<S> {
    pub(crate) seats: Seats<S>,
    /// What the members of equals are; nobody in a map, which knows that itself.
    pub(crate) roles: Roles,
}

struct Control<S> {
    view: Arc<View<S>>,
    /// How many services have come so far.
    came: u64,
}

/// What is seen in snapshots: turns that are rare, and none of which a call that goes well takes.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Calls that went to another member than the one that they preferred.
    pub(crate) passed_over: Stat,
    /// Calls that were refused by a member, and made again at another.
    pub(crate) failed_over: Stat,
    /// Calls that went to both sides of a move.
    pub(crate) both_sides: Stat,
    /// Calls that were refused here.
    pub(crate) refused: Stat,
}

impl<S> Pool<S> {
    pub(crate) fn new(name: Name, field: Field) -> Arc<Self> {
        let view = Arc::new(View { seats: Seats::none(), roles: Roles::default() });
        let lane = |_| CachePadded::new(RwLock::new(Arc::clone(&view)));
        Arc::new(Self {
            name,
            field,
            lanes: (0..lanes()).map(lane).collect(),
            control: Mutex::new(Control { view: Arc::clone(&view), came: 0 }),
            patience: AtomicU64::new(0),
            counts: Counts::default(),
            #[cfg(feature = "discover")]
            discovery: super::discovery::Discovery::default(),
        })
    }

    /// Takes in what was discovered since the last call, if anything was.
    #[inline]
    #[cfg_attr(
        not(feature = "discover"),
        expect(clippy::unused_self, reason = "there is nothing to look at")
    )]
    pub(crate) fn look_around(&self) {
        #[cfg(feature = "discover")]
        if self.discovery.has_news() {
            self.discovery.look(self);
        }
    }

    /// The next member that the call can ask, after those that it has tried, and a place there.
    #[inline]
    pub(crate) fn next(&self, ask: Ask, tried: &mut Tried) -> Next<S> {
        let view = self.lane().read();
        match &self.field {
            Field::Shards(shards) => ask.next_of_shards(shards, &view.seats, tried),
            Field::Equals(equals) => equals.next(&view, ask.access, tried),
        }
    }

    /// The same for a read that must be fresh; `None` of equals, which nobody reports of.
    pub(crate) fn next_that_is_fresh(
        &self,
        ask: Ask,
        tried: &mut Tried,
        wants: (Read, Fresh),
        stage: Stage,
    ) -> Result<Next<S>, Rejection> {
        match &self.field {
            Field::Shards(shards) => {
                let view = self.lane().read();
                ask.next_that_is_fresh(shards, &view.seats, tried, wants, stage)
            }
            Field::Equals(_) => Ok(self.next(ask, tried)),
        }
    }

    #[inline]
    fn lane(&self) -> &Lane<S> {
        &self.lanes[lane() & (self.lanes.len() - 1)]
    }

    /// Whether there is anybody whom a call has not tried.
    pub(crate) fn has_next(&self, ask: Ask, tried: &Tried) -> bool {
        let view = self.lane().read();
        match &self.field {
            Field::Shards(shards) => ask.is_next_of_shards(shards, &view.seats, tried),
            Field::Equals(_) => Equals::is_next(&view, ask.access, tried),
        }
    }

    /// Whether a call that has waited for a member may still go there.
    pub(crate) fn still_wants(&self, ask: Ask, candidate: &mut Candidate<S>) -> bool {
        match &self.field {
            Field::Shards(shards) => ask.is_still_for(shards, candidate),
            Field::Equals(equals) => {
                ask.access != Access::Write
                    || equals.primary().as_ref() == Some(&candidate.seat.name)
            }
        }
    }

    /// The service of a node, if it has one.
    pub(crate) fn seat_of(&self, member: &Member) -> Option<Arc<Seat<S>>> {
        self.lane().read().seats.find(member.name()).cloned()
    }

    /// All members that it could ask were at their bounds: the map may have another, or says what is the matter.
    #[cold]
    pub(crate) fn overflow(&self, ask: Ask) -> Result<Candidate<S>, Rejection> {
        let full =
            || Rejection::new(Reason::Overloaded, self.name.clone()).with_bound(Bound::Share);
        let (Field::Shards(shards), Some(read)) = (&self.field, ask.access.overflows_as()) else {
            return Err(full());
        };
        let lease = shards.route(&ask.hash, read)?;
        let seat = self.view().seats.find(lease.name()).cloned();
        seat.map(|seat| Candidate::new(seat, Some(lease))).ok_or_else(full)
    }

    #[cold]
    pub(crate) fn refuse(&self, reason: Reason) -> Rejection {
        Rejection::new(reason, self.name.clone())
    }

    pub(crate) fn view(&self) -> Arc<View<S>> {
        Arc::clone(&self.control.lock().view)
    }

    pub(crate) fn insert(&self, name: Name, service: S) {
        let _old = {
            let mut control = self.control.lock();
            let seat = Seat::new(name, service, control.came);
            control.came += 1;
            let seats = control.view.seats.with(seat);
            self.exchange(&mut control, seats)
        };
    }

    /// Whether it was there.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let _old = {
            let mut control = self.control.lock();
            if control.view.seats.find(name).is_none() {
                return false;
            }
            let seats = control.view.seats.without(name);
            self.exchange(&mut control, seats)
        };
        true
    }

    /// What equals are has changed.
    pub(crate) fn review(&self) {
        let _old = {
            let mut control = self.control.lock();
            let seats = control.view.seats.clone();
            self.exchange(&mut control, seats)
        };
    }

    /// Returns the list that was, to be dropped after the locks: it may be the last that knows of a service.
    fn exchange(&self, control: &mut Control<S>, seats: Seats<S>) -> Arc<View<S>> {
        let roles = match &self.field {
            Field::Shards(_) => Roles::default(),
            Field::Equals(equals) => equals.roles(&seats),
        };
        let old = std::mem::replace(&mut control.view, Arc::new(View { seats, roles }));
        for lane in &self.lanes {
            *lane.write() = Arc::clone(&control.view);
        }
        old
    }

    #[inline]
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_nanos(self.patience.load(Relaxed))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn set_patience(&self, patience: Duration) {
        self.patience.store(seawall_core::Nanos::from(patience).0, Relaxed);
    }

    /// How many services there are, and how many nodes that have none.
    fn census(&self) -> (usize, usize) {
        let view = self.view();
        let missing = match &self.field {
            Field::Shards(shards) => {
                let topology = shards.topology();
                let nodes = topology.nodes().iter();
                nodes.filter(|node| view.seats.find(&node.name).is_none()).count()
            }
            Field::Equals(equals) => equals.missing(&view.seats),
        };
        (view.seats.iter().count(), missing)
    }
}

impl<S: Send + Sync> Observe for Pool<S> {
    fn snapshot(&self) -> Snapshot {
        let (services, missing) = self.census();
        let pattern = match &self.field {
            Field::Shards(_) => "sharded",
            Field::Equals(_) => "replica_set",
        };
        let state = match (services, missing) {
            (0, _) => "empty",
            (_, 0) => "whole",
            _ => "degraded",
        };
        Snapshot::new(pattern, self.name.as_str(), state)
            .gauge("services", services as f64)
            .gauge("nodes_without_service", missing as f64)
            .counter("passed_over", self.counts.passed_over.get())
            .counter("failed_over", self.counts.failed_over.get())
            .counter("both_sides", self.counts.both_sides.get())
            .counter("refused", self.counts.refused.get())
            .limit("patience_seconds", self.patience().as_secs_f64())
    }
}
