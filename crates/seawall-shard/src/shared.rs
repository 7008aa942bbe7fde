//! What the clones of a map share: what changes its table, what it counts, and whom it tells.

use std::sync::Arc;

use seawall_core::{
    ConfigError, Listeners, Name, Observe, Snapshot,
    sync::{
        Mutex, Stat,
        atomic::{AtomicU64, Ordering::Release},
    },
};

use crate::{
    Event, NodeState, Topology, Turn, Update, ZoneSkew,
    control::{Control, Stepped},
    migration::{MigrationSpec, Step},
    route::Routing,
};

pub(crate) struct Shared {
    pub(crate) name: Name,
    pub(crate) control: Mutex<Control>,
    /// Raised after the words of an update are stored: who has read an epoch sees its words.
    pub(crate) epoch: AtomicU64,
    /// The same for the words of migrations: who has read an epoch of moves sees its words.
    pub(crate) moves: AtomicU64,
    pub(crate) listeners: Listeners<Event>,
    pub(crate) routing: Arc<Routing>,
    owners_moved: Stat,
    copies_moved: Stat,
}

/// A change that was made, to be told when the lock is free.
struct Turned {
    update: Update,
    /// Where the zones are less even than before.
    skew: Option<ZoneSkew>,
}

impl Turned {
    fn new(update: Update, was: Option<u32>, now: &Control) -> Self {
        let is_worse = |skew: &&ZoneSkew| was < Some(skew.percent);
        Self { update, skew: now.zone_skew().filter(is_worse).cloned() }
    }
}

/// In percent of the mean, where it is worth telling.
fn skew_of(control: &Control) -> Option<u32> {
    control.zone_skew().map(|skew| skew.percent)
}

impl Shared {
    pub(crate) fn new(name: Name, control: Control, listeners: Listeners<Event>) -> Self {
        let moves = AtomicU64::new(control.moves());
        let routing = Arc::clone(control.routing());
        Self {
            name,
            control: Mutex::new(control),
            epoch: AtomicU64::new(0),
            moves,
            listeners,
            routing,
            owners_moved: Stat::default(),
            copies_moved: Stat::default(),
        }
    }

    pub(crate) fn update(
        &self,
        change: impl FnOnce(&mut Topology) -> Result<(), ConfigError>,
    ) -> Result<Update, ConfigError> {
        let turned = {
            let mut control = self.control.lock();
            let mut topology = control.topology().clone();
            change(&mut topology)?;
            let was = skew_of(&control);
            let update = control.update(topology)?;
            self.epoch.store(update.epoch, Release); // pairs with `epoch`: who sees it sees the words
            Turned::new(update, was, &control)
        };
        self.tell(&turned);
        Ok(turned.update)
    }

    /// Takes a migration over as it is told; whether it is over by that.
    pub(crate) fn follow(&self, spec: &MigrationSpec) -> Result<bool, ConfigError> {
        self.advance(|control| {
            control.check_not_driven()?;
            control.follow_spec(spec).map(Some)
        })
    }

    /// Takes one step of a migration; whether it is over by that.
    pub(crate) fn take_step(&self, step: &Step) -> Result<bool, ConfigError> {
        self.advance(|control| {
            control.check_not_driven()?;
            control.take_step(step)
        })
    }

    /// The same for the one who drives the migration, and so knows that it is the next step.
    pub(crate) fn make_step(&self, step: &Step) -> bool {
        let stepped = self.advance(|control| control.take_step(step));
        stepped.expect("nobody else makes steps while it is driven")
    }

    /// Changes words, and raises the epochs after them: under the lock, so that none is raised before an
    /// earlier one.
    fn advance(
        &self,
        change: impl FnOnce(&mut Control) -> Result<Option<Stepped>, ConfigError>,
    ) -> Result<bool, ConfigError> {
        let turned = {
            let mut control = self.control.lock();
            let was = skew_of(&control);
            let Some(Stepped { moves, update }) = change(&mut control)? else { return Ok(false) };
            self.moves.store(moves, Release); // pairs with the routes: who sees it sees the words
            if let Some(update) = &update {
                self.epoch.store(update.epoch, Release); // pairs with `epoch`
            }
            update.map(|update| Turned::new(update, was, &control))
        };
        turned.iter().for_each(|turned| self.tell(turned));
        Ok(turned.is_some())
    }

    /// Tells a turn; it is made only where somebody listens.
    pub(crate) fn turn(&self, turn: impl FnOnce() -> Turn) {
        self.listeners.tell(|| Event { name: self.name.clone(), turn: turn() });
    }

    fn tell(&self, Turned { update, skew }: &Turned) {
        self.owners_moved.add(update.owners_moved as u64);
        self.copies_moved.add(update.copies_moved as u64);
        #[cfg(feature = "tracing")]
        tracing::info!(
            target: "seawall::shard",
            name = self.name.as_str(),
            epoch = update.epoch,
            fingerprint = format_args!("{:016x}", update.fingerprint),
            owners_moved = update.owners_moved,
            copies_moved = update.copies_moved,
            "topology changed"
        );
        self.turn(|| Turn::TopologyChanged(update.clone()));
        if let Some(skew) = skew {
            #[cfg(feature = "tracing")]
            tracing::warn!(target: "seawall::shard", name = self.name.as_str(), "{skew}");
            self.turn(|| Turn::ZoneSkewed(skew.clone()));
        }
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let control = self.control.lock();
        let nodes = control.topology().nodes();
        let count = |state| nodes.iter().filter(|node| node.state == state).count();
        let (draining, down) = (count(NodeState::Draining), count(NodeState::Down));
        let state = match (draining, down) {
            (0, 0) => "whole",
            (_, 0) => "draining",
            _ => "degraded",
        };
        let snapshot = Snapshot::new("shard", self.name.as_str(), state)
            .gauge("nodes", nodes.len() as f64)
            .gauge("nodes_draining", draining as f64)
            .gauge("nodes_down", down as f64)
            .gauge("fullest_over_share", control.fullest_over_share())
            .gauge("zone_skew", f64::from(skew_of(&control).unwrap_or(100)) / 100.0)
            .counter("epoch", control.epoch())
            .counter("owners_moved", self.owners_moved.get())
            .counter("copies_moved", self.copies_moved.get())
            .limit("slots", control.table().len() as f64)
            .limit("replicas", f64::from(control.replicas()));
        self.routing.observe(snapshot, control.members())
    }
}
