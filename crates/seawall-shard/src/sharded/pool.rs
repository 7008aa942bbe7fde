//! What the clones of a service share: the members, who has which keys, and what is counted.
//!
//! # Who waits for whom
//!
//! Nobody for anybody: a handle knows the list of services that it saw last, and asks [one word](crate::published)
//! whether there is another. A call holds the list as long as it lasts, and looks for a newer one when it goes on
//! to another node. Lists are made under `control`, one thread at a time: that is rare.
//!
//! ```text
//!   Sharded ──▶ Pool ──▶ the newest View ──▶ Common ◀── what a call has: a View
//!      ┆                        ▲               ┆
//!      └┄┄┄┄┄┄ the one it saw ┄┄┴┄┄ the newest ┄┘         ┄┄▶ weakly
//! ```

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use seawall_core::{
    Name, Observe, Snapshot,
    sync::{
        Mutex, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    equals::{Equals, Roles},
    seats::{Seat, Seats},
    view::View,
};
use crate::{ShardMap, published::Published};

/// What the handles have.
pub(crate) struct Pool<S> {
    pub(crate) common: Arc<Common<S>>,
    control: Mutex<Control<S>>,
    #[cfg(feature = "discover")]
    pub(crate) discovery: super::discovery::Discovery<S>,
}

/// What the handles and the calls have.
pub(crate) struct Common<S> {
    pub(crate) name: Name,
    pub(crate) field: Field,
    pub(crate) newest: Published<View<S>>,
    /// In nanoseconds. It carries nothing but itself: Relaxed.
    patience: AtomicU64,
    pub(crate) counts: Counts,
    /// Wakes calls that wait, where there is another list.
    #[cfg(feature = "tokio")]
    pub(crate) changed: Arc<tokio::sync::Notify>,
}

/// Who has the keys.
pub(crate) enum Field {
    /// A map says.
    Shards(ShardMap),
    /// All have all of them, and one is the primary.
    Equals(Equals),
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

impl<S> Common<S> {
    #[inline]
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_nanos(self.patience.load(Relaxed))
    }
}

impl<S> Pool<S> {
    pub(crate) fn new(name: Name, field: Field) -> Arc<Self> {
        let common = Arc::new(Common {
            name,
            field,
            newest: Published::new(),
            patience: AtomicU64::new(0),
            counts: Counts::default(),
            #[cfg(feature = "tokio")]
            changed: Arc::default(),
        });
        let seats = Seats::none();
        let view = View { common: Arc::clone(&common), seats, roles: Roles::default(), version: 0 };
        let view = Arc::new(view);
        common.newest.exchange(&view, 0);
        Arc::new(Self {
            common,
            control: Mutex::new(Control { view, came: 0 }),
            #[cfg(feature = "discover")]
            discovery: super::discovery::Discovery::default(),
        })
    }

    pub(crate) fn name(&self) -> &Name {
        &self.common.name
    }

    /// The newest list, of which `seen` is the one that a handle saw last.
    #[inline]
    pub(crate) fn newest(&self, seen: &mut Weak<View<S>>) -> Arc<View<S>> {
        match seen.upgrade() {
            Some(view) if view.is_newest() => view,
            _ => {
                let view = self.view();
                *seen = Arc::downgrade(&view);
                view
            }
        }
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

    #[cold]
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
        let roles = match &self.common.field {
            Field::Shards(_) => Roles::default(),
            Field::Equals(equals) => equals.roles(&seats),
        };
        let (common, version) = (Arc::clone(&self.common), control.view.version + 1);
        let view = Arc::new(View { common, seats, roles, version });
        self.common.newest.exchange(&view, version);
        #[cfg(feature = "tokio")]
        self.common.changed.notify_waiters();
        std::mem::replace(&mut control.view, view)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn set_patience(&self, patience: Duration) {
        self.common.patience.store(seawall_core::Nanos::from(patience).0, Relaxed);
    }

    /// How many services there are, and how many nodes that have none.
    fn census(&self) -> (usize, usize) {
        let view = self.view();
        let missing = match &self.common.field {
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
        let pattern = match &self.common.field {
            Field::Shards(_) => "sharded",
            Field::Equals(_) => "replica_set",
        };
        let state = match (services, missing) {
            (0, _) => "empty",
            (_, 0) => "whole",
            _ => "degraded",
        };
        Snapshot::new(pattern, self.common.name.as_str(), state)
            .gauge("services", services as f64)
            .gauge("nodes_without_service", missing as f64)
            .counter("passed_over", self.common.counts.passed_over.get())
            .counter("failed_over", self.common.counts.failed_over.get())
            .counter("both_sides", self.common.counts.both_sides.get())
            .counter("refused", self.common.counts.refused.get())
            .limit("patience_seconds", self.common.patience().as_secs_f64())
    }
}
