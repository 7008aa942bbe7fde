//! Migrations: what changes the words of slots that move, one step after the other.
//!
//! The same for the process that moves and for those that follow it: a step, or a whole spec, says where
//! slots are on their ways, and the words are computed from that.

use seawall_core::ConfigError;

use super::{Control, Fill};
use crate::{
    Node, NodeState, Topology, Update,
    migration::{
        MigrationSpec, Step,
        course::{Course, Stops, Ways},
        spec::{FORMAT, check_epoch, check_next},
    },
    plan::PlanStats,
    word::LANES,
};

/// A migration that runs.
pub(super) struct Moving {
    pub(super) course: Course,
    /// What computes the words when it has arrived.
    fill: Fill,
    /// The indexes of the nodes that it leads to.
    indexes: Vec<u16>,
    /// Whether somebody in this process moves.
    is_driven: bool,
}

/// What a step of a migration did to the map.
#[derive(Debug)]
pub(crate) struct Stepped {
    /// The epoch of moves that began.
    pub(crate) moves: u64,
    /// What the map is now, if it was the last step.
    pub(crate) update: Option<Update>,
}

impl Control {
    /// Begins to move to another topology; no slot has moved yet.
    pub(crate) fn begin(&mut self, next: &Topology) -> Result<(), ConfigError> {
        self.check_rests()?;
        if self.replicas() as usize == LANES {
            let rule = format!("at most {}, where slots are to move", LANES - 1);
            return Err(ConfigError::new("replicas", self.replicas(), rule));
        }
        let from = self.spec();
        let step = self.step_to(next)?;
        if step.moved.is_some() {
            let rule = "as they are: a node that stays goes to another zone by `update`";
            return Err(ConfigError::new("node.zone", "another one", rule));
        }
        let mut fill = self.fill.clone();
        let before = self.table.words();
        let after = step.words(&mut fill, before.clone());
        self.admit(next, &step);
        for (node, &index) in next.nodes().iter().zip(&step.indexes) {
            if self.topology.node(&node.name).is_none() {
                self.table.member(index).follow(node); // one who has left before is not down any more
            }
        }
        let course = Course::new(from, next.clone(), Ways { before, after });
        self.moving = Some(Moving { course, fill, indexes: step.indexes, is_driven: false });
        Ok(())
    }

    /// Takes a migration over from another process, where it is newer than what is known of it here.
    pub(crate) fn follow_spec(&mut self, spec: &MigrationSpec) -> Result<Stepped, ConfigError> {
        if spec.format != FORMAT {
            return Err(ConfigError::new("format", spec.format, FORMAT.to_string()));
        }
        check_epoch(spec.epoch)?;
        if spec.epoch < self.moves {
            let rule = format!("at least {}, which is known here", self.moves);
            return Err(ConfigError::new("epoch", spec.epoch, rule));
        }
        let mut to = Topology::new();
        spec.to.iter().try_for_each(|node| to.add(node.clone()))?;
        let (from, is_known) = match &self.moving {
            Some(moving) => {
                (moving.course.from().fingerprint(), is_placed_by(&moving.course.to, &to))
            }
            None => (self.fingerprint, false),
        };
        if from != spec.from.fingerprint() || self.moving.is_some() && !is_known {
            let rule = format!("{from:016x}, the placement that is known here");
            let value = format!("{:016x}", spec.from.fingerprint());
            return Err(ConfigError::new("from", value, rule));
        }
        if !is_known {
            self.begin(&to)?;
        }
        let course = self.course().expect("it has begun");
        match course.stops(spec) {
            Ok(stops) => Ok(self.turn(stops, spec.back, spec.epoch)),
            Err(refused) => {
                if !is_known {
                    self.moving = None; // nothing was moved; who was admitted has a cell that is not used
                }
                Err(refused)
            }
        }
    }

    /// Takes one step; `None` where it has been taken already.
    pub(crate) fn take_step(&mut self, step: &Step) -> Result<Option<Stepped>, ConfigError> {
        if step.epoch <= self.moves {
            return Ok(None);
        }
        check_next(step.epoch, self.moves)?;
        let Some(course) = self.course() else {
            let rule = "a step of a migration that is known here";
            return Err(ConfigError::new("epoch", step.epoch, rule));
        };
        let stops = course.turns(step)?;
        Ok(Some(self.turn(stops, step.back, step.epoch)))
    }

    pub(crate) fn course(&self) -> Option<&Course> {
        self.moving.as_ref().map(|moving| &moving.course)
    }

    pub(crate) fn migration_spec(&self) -> Option<MigrationSpec> {
        self.course().map(|course| course.spec(self.moves))
    }

    /// Whether nobody else in this process moves; from now on somebody does.
    pub(crate) fn drive(&mut self) -> Result<(), ConfigError> {
        self.check_not_driven()?;
        match &mut self.moving {
            Some(moving) => {
                moving.is_driven = true;
                Ok(())
            }
            None => Err(ConfigError::new("migration", "none", "one that is not over")),
        }
    }

    /// Who drives a migration follows nobody else's.
    pub(crate) fn check_not_driven(&self) -> Result<(), ConfigError> {
        match &self.moving {
            Some(Moving { is_driven: true, .. }) => {
                Err(ConfigError::new("migration", "a second one", "one at a time"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn let_go(&mut self) {
        if let Some(moving) = &mut self.moving {
            moving.is_driven = false;
        }
    }

    fn turn(&mut self, stops: Stops, back: bool, epoch: u64) -> Stepped {
        let moving = self.moving.as_mut().expect("it has begun");
        moving.course.turn(stops, back, |slot, word| self.table.store(slot, word));
        self.moves = epoch;
        // A step ends it, also where there is nothing to move: so all processes end it with the same one.
        let is_over = moving.course.is_over() && epoch > moving.course.from().epoch;
        Stepped { moves: epoch, update: is_over.then(|| self.arrive()) }
    }

    /// All slots are where they are to be: the map is of the topology that they moved to.
    fn arrive(&mut self) -> Update {
        let Moving { course, fill, indexes, .. } = self.moving.take().expect("it has begun");
        let present = self.indexes_of(&self.topology).0;
        if course.goes_back() {
            self.tell_members(&indexes, &self.topology, &present);
            return self.updated(PlanStats::default());
        }
        self.fill = fill;
        self.tell_members(&present, &course.to, &indexes);
        let stats = PlanStats::between(&course.ways.before, &course.ways.after);
        self.topology = course.to;
        self.updated(stats)
    }

    /// What may change while slots move: who can be asked.
    pub(super) fn update_states(&mut self, next: Topology) -> Result<Update, ConfigError> {
        let drains = |topology: &Topology| {
            let drain = |node: &Node| node.state == NodeState::Draining;
            topology.nodes().iter().map(drain).collect::<Vec<_>>()
        };
        let places_more =
            matches!(self.fill, Fill::Explicit(_)) && drains(&next) != drains(&self.topology);
        if places_more || !is_placed_by(&next, &self.topology) {
            return Err(moves_already());
        }
        let moving = self.moving.as_mut().expect("it has begun");
        for (node, was) in next.nodes().iter().zip(self.topology.nodes()) {
            let stays = |to: &Node| to.state != NodeState::Draining; // who is emptied by it goes on draining
            if node.state != was.state && moving.course.to.node(&node.name).is_some_and(stays) {
                moving.course.to.set_state(&node.name, node.state)?;
            }
        }
        let indexes = self.indexes_of(&next).0;
        self.tell_members(&indexes, &next, &indexes);
        self.topology = next;
        Ok(self.updated(PlanStats::default()))
    }

    pub(super) fn check_rests(&self) -> Result<(), ConfigError> {
        if self.moving.is_some() { Err(moves_already()) } else { Ok(()) }
    }
}

fn moves_already() -> ConfigError {
    let rule = "one that moves nothing, until the migration that runs is over";
    ConfigError::new("topology", "another placement", rule)
}

/// Whether two topologies place the same, whatever the states of their nodes.
fn is_placed_by(one: &Topology, other: &Topology) -> bool {
    let active = |node: &Node| node.clone().state(NodeState::Active);
    one.nodes().iter().map(active).eq(other.nodes().iter().map(active))
}
