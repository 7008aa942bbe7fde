//! The heart of a migration: at every moment every key is read from where it was last written.
//!
//! A cluster in memory; clients whose writes and reads go in pieces, with routes that have grown old in between;
//! processes that hear of steps late, or only when they are refused; workers that are interrupted between what
//! they read and what they write; movers that fail, crash, and whose last calls arrive when another one has
//! taken over; aborts and pauses. One seed is one run; a failure prints it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use fastrand::Rng;
use proptest::prelude::*;
use seawall_core::{Clock, ManualClock};
use seawall_shard::{
    Node, NodeState, ShardMap, Topology,
    migration::{Migration, MigrationBuilder, MigrationSpec, Phase, Worked},
};

use crate::{
    migration_support::{Cluster, Fault, Key, Row, Trouble},
    support::{map, slots},
};

const SLOT_BITS: u32 = 8;

/// What a client holds while it writes or reads: names, and the epoch by which they were right.
#[derive(Clone, Debug)]
struct Route {
    router: usize,
    slot: u32,
    epoch: u64,
    nodes: Vec<String>,
}

#[derive(Debug)]
enum Doing {
    /// It has no route.
    Lost,
    /// The n-th of the nodes is next; what the owner made of the write, and the nodes that know nothing.
    At(Route, usize, Option<Row>),
}

#[derive(Debug)]
struct Op {
    key: Key,
    router: usize,
    /// What is written; `None` for a read.
    write: Option<Option<u64>>,
    /// What a read may return: the last acknowledged value when it began, and all that was under way since.
    may: BTreeSet<Option<u64>>,
    doing: Doing,
}

type Worker<'a> = Pin<Box<dyn Future<Output = Result<Worked, Trouble>> + 'a>>;

struct Simulation<'a> {
    weather: Weather,
    /// Whether what is written before a hand-off is left to the catch-up, as it can be of owners.
    logs: bool,
    rng: Rng,
    hand: ManualClock,
    clock: Clock,
    cluster: &'a Cluster,
    base: MigrationSpec,
    /// The first is the mover's own, where there is one.
    routers: Vec<ShardMap>,
    migration: Option<Migration>,
    /// What the last one knew when it crashed.
    seen: Option<MigrationSpec>,
    workers: Vec<Worker<'a>>,
    /// Those of movers that have crashed: what they sent arrives.
    zombies: Vec<Worker<'a>>,
    keys: Vec<Key>,
    /// Those of slots that move.
    hot: Vec<Key>,
    acked: BTreeMap<Key, Option<u64>>,
    ops: Vec<Op>,
    is_over: bool,
    values: u64,
    reads: u64,
    writes: u64,
    refused: u64,
}

impl<'a> Simulation<'a> {
    fn tick(&mut self) {
        if self.rng.u32(0..60) == 0 {
            let moves = |key: &&Key| self.routers[0].write_route(*key).phase().is_some();
            self.hot = self.keys.iter().filter(moves).copied().collect();
        }
        match self.rng.u32(0..1000) {
            0..200 => self.work(),
            200..420 => self.begin(),
            420..970 => self.advance(),
            970..975 => self.fall_behind(),
            975..985 => {
                let fault = if self.rng.bool() { Fault::Before } else { Fault::After };
                self.cluster.order(fault);
            }
            985..995 => {
                if !self.zombies.is_empty() {
                    let at = self.rng.usize(0..self.zombies.len());
                    if poll(&mut self.zombies[at]).is_ready() {
                        drop(self.zombies.swap_remove(at));
                    }
                }
            }
            995..997 if self.weather.crashes => self.crash(),
            _ => match &self.migration {
                Some(migration) if self.rng.bool() => migration.pause(),
                Some(migration) => migration.resume(),
                None => {}
            },
        }
    }

    /// A worker goes on, or a new one begins.
    fn work(&mut self) {
        let Some(migration) = &self.migration else { return self.take_over() };
        if self.workers.is_empty() || self.workers.len() < 4 && self.rng.bool() {
            let (migration, cluster) = (migration.clone(), self.cluster);
            self.workers.push(Box::pin(async move { migration.step(cluster).await }));
            self.poll_worker(self.workers.len() - 1); // so that all of them are in a call
        } else {
            let at = self.rng.usize(0..self.workers.len());
            self.poll_worker(at);
        }
    }

    fn poll_worker(&mut self, at: usize) {
        if let Poll::Ready(done) = poll(&mut self.workers[at]) {
            drop(self.workers.swap_remove(at));
            if let Ok(Worked::Wait(time)) = done {
                self.hand.advance(time);
            }
        }
    }

    fn crash(&mut self) {
        if let Some(migration) = self.migration.take() {
            self.seen = migration.spec();
            self.zombies.append(&mut self.workers);
            // A zombie must not hold the map of the process that is gone.
            self.routers.remove(0);
        }
    }

    /// Another process goes on from what was kept.
    fn take_over(&mut self) {
        // Now and then with the cursors that the mover had, as one who keeps his progress has them.
        let seen = self.seen.take().filter(|_| self.rng.bool());
        let spec = self.cluster.kept(seen.as_ref().unwrap_or(&self.base));
        let shards = map(ShardMap::builder("m").spec(self.base.from.clone()));
        match settings(&shards, &self.clock).resume(&spec) {
            Ok(migration) => self.migration = Some(migration),
            Err(_) => self.is_over = true, // it had kept its last step
        }
        self.routers.insert(0, shards);
    }

    /// A client of a process that hears of nothing begins to know as little as it did at first.
    fn fall_behind(&mut self) {
        let at = self.routers.len() - 1;
        self.routers[at] = map(ShardMap::builder("m").spec(self.base.from.clone()));
    }

    fn begin(&mut self) {
        if self.ops.len() > 12 {
            return;
        }
        // Where something moves, most of the time.
        let hot = !self.hot.is_empty() && self.rng.u32(0..8) > 0;
        let among = if hot { &self.hot } else { &self.keys };
        let key = among[self.rng.usize(0..among.len())];
        let router = self.rng.usize(0..3);
        let writing = self.ops.iter().find(|op| op.key == key && op.write.is_some());
        if self.rng.bool() && writing.is_none() {
            self.values += 1;
            let value = (self.rng.u32(0..4) > 0).then_some(self.values);
            for op in self.ops.iter_mut().filter(|op| op.key == key) {
                op.may.insert(value);
            }
            let may = BTreeSet::new();
            self.ops.push(Op { key, router, write: Some(value), may, doing: Doing::Lost });
        } else {
            let mut may = BTreeSet::from([self.acked.get(&key).copied().flatten()]);
            may.extend(writing.and_then(|op| op.write));
            self.ops.push(Op { key, router, write: None, may, doing: Doing::Lost });
        }
    }

    fn advance(&mut self) {
        if self.ops.is_empty() {
            return;
        }
        let at = self.rng.usize(0..self.ops.len());
        let mut op = self.ops.swap_remove(at);
        if !self.goes_on(&mut op) {
            self.ops.push(op);
        }
    }

    /// One piece of an operation; whether that was the last.
    fn goes_on(&mut self, op: &mut Op) -> bool {
        match std::mem::replace(&mut op.doing, Doing::Lost) {
            Doing::Lost => {
                if let Some(route) = self.route(op) {
                    op.doing = Doing::At(route, 0, None);
                }
                false
            }
            Doing::At(route, at, row) => {
                let node = &route.nodes[at];
                let Ok(_pass) = self.cluster.enter(node, route.slot, route.epoch) else {
                    self.refused += 1;
                    self.catch_up(route.router);
                    return false; // and takes the route again
                };
                let (row, is_last) = match op.write {
                    Some(value) => {
                        let row = match row {
                            None => self.cluster.write_first(node, op.key, value),
                            Some(row) => {
                                self.cluster.write_after(node, op.key, row);
                                row
                            }
                        };
                        (Some(row), at + 1 == route.nodes.len())
                    }
                    None => {
                        let row = self.cluster.read(node, op.key);
                        (row, row.is_some() || at + 1 == route.nodes.len())
                    }
                };
                if !is_last {
                    op.doing = Doing::At(route, at + 1, row);
                    return false;
                }
                self.finish(op, row, &route);
                true
            }
        }
    }

    fn finish(&mut self, op: &Op, row: Option<Row>, route: &Route) {
        match op.write {
            Some(value) => {
                self.acked.insert(op.key, value);
                self.writes += 1;
            }
            None => {
                let read = row.and_then(|row| row.value);
                let may = &op.may;
                assert!(may.contains(&read), "{:x} by {route:?}: {read:?}, not {may:?}", op.key);
                self.reads += 1;
            }
        }
    }

    fn route(&self, op: &Op) -> Option<Route> {
        let router = op.router.min(self.routers.len() - 1);
        let shards = &self.routers[router];
        if op.write.is_none() {
            let route = shards.read_route(&op.key);
            let nodes = [Some(route.first()), route.fallback()].into_iter().flatten();
            let nodes = nodes.map(|node| node.name().to_owned()).collect();
            return Some(Route { router, slot: route.slot(), epoch: route.epoch(), nodes });
        }
        let route = shards.write_route(&op.key);
        if route.is_paused() {
            return None;
        }
        let is_told = !self.logs || route.phase() == Some(Phase::DualRead);
        let nodes = route.replicas().iter().chain(route.forward().filter(|_| is_told));
        let nodes = nodes.map(|node| node.name().to_owned()).collect();
        Some(Route { router, slot: route.slot(), epoch: route.epoch(), nodes })
    }

    /// A process that was refused reads what it has missed.
    fn catch_up(&self, router: usize) {
        let Some(shards) = self.routers.get(router.min(self.routers.len() - 1)) else { return };
        if self.migration.is_some() && router == 0 {
            return; // the mover's own knows
        }
        if shards.migration_spec().is_none() && shards.move_epoch() == self.base.from.epoch {
            shards.follow(&self.base).expect("it is of the same placement");
        }
        for step in self.cluster.log() {
            shards.follow_step(&step).expect("the log has all steps");
        }
    }

    fn is_over(&self) -> bool {
        self.is_over || self.migration.as_ref().is_some_and(Migration::is_over)
    }
}

fn settings(shards: &ShardMap, clock: &Clock) -> MigrationBuilder {
    shards
        .migration()
        .clock(clock.clone())
        .hauls(4)
        .hauls_per_node(3)
        .slots_per_haul(2)
        .rows_per_batch(2)
        .lag(1)
        .items_per_second(5_000)
        .hand_off_within(Duration::from_millis(15))
        .dual_read_for(Duration::from_millis(15))
}

fn poll<T>(worker: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Poll<T> {
    worker.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// How a run may be disturbed.
#[derive(Clone, Copy)]
struct Weather {
    aborts: bool,
    crashes: bool,
}

fn change(rng: &mut Rng, topology: &mut Topology) {
    for _ in 0..rng.u32(1..4) {
        let names: Vec<_> = topology.nodes().iter().map(|node| node.name.clone()).collect();
        let one = names[rng.usize(0..names.len())].clone();
        let _ = match rng.u32(0..5) {
            0 | 1 => topology.add(node(rng, rng.clone().usize(0..7))),
            2 if names.len() > 1 => topology.remove(&one).map(drop),
            3 => topology.set_state(&one, NodeState::Draining),
            _ => topology.set_weight(&one, rng.u32(1..4)),
        };
    }
}

fn node(rng: &mut Rng, at: usize) -> Node {
    let node = Node::new(format!("db-{at}")).weight(rng.u32(1..3));
    if at.is_multiple_of(3) { node } else { node.zone(["eu-1", "eu-2"][at % 2]) } // always the same
}

fn run(seed: u64, weather: Weather) -> (u64, u64, u64) {
    let mut rng = Rng::with_seed(seed);
    let replicas = rng.u32(1..4);
    let logs = replicas == 1 && rng.bool();
    let builder = ShardMap::builder("m").replicas(replicas);
    let builder =
        if rng.bool() { builder.explicit(1 << SLOT_BITS) } else { builder.slot_bits(SLOT_BITS) };
    let count = rng.usize(1..5);
    let shards = map(builder.nodes((0..count).map(|at| node(&mut rng, at)).collect::<Vec<_>>()));
    let mut next = shards.topology();
    change(&mut rng, &mut next);
    let plan = shards.plan(&next).expect("it is sound");
    let reference = map(ShardMap::builder("m").spec(shards.spec()));
    let before = slots(&reference);
    let goal = next.clone();
    let arrive = |topology: &mut Topology| {
        *topology = goal;
        Ok(())
    };
    reference.update(arrive).expect("it is sound");

    let names: Vec<_> = (0..7).map(|at| format!("db-{at}")).collect();
    let cluster = Cluster::new(SLOT_BITS, names.iter().map(String::as_str));
    let (clock, hand) = Clock::manual();
    let migration = settings(&shards, &clock).start(&next).expect("it is sound");
    let base = migration.spec().expect("it has begun");
    let follower = || map(ShardMap::builder("m").spec(base.from.clone()));
    let mut simulation = Simulation {
        weather,
        logs,
        hot: Vec::new(),
        keys: (0..500).map(|_| rng.u64(..)).collect(),
        rng,
        hand,
        clock,
        cluster: &cluster,
        routers: vec![shards, follower(), follower()],
        base: base.clone(),
        migration: Some(migration),
        seen: None,
        workers: Vec::new(),
        zombies: Vec::new(),
        acked: BTreeMap::new(),
        ops: Vec::new(),
        is_over: false,
        values: 0,
        reads: 0,
        writes: 0,
        refused: 0,
    };
    // Some rows to begin with, by the routes of the beginning.
    for at in 0..simulation.keys.len() {
        let (key, value) = (simulation.keys[at], Some(u64::MAX - at as u64));
        for node in simulation.routers[0].replicas(&key) {
            cluster.write_after(node.name(), key, Row { version: 1, value });
        }
        simulation.acked.insert(key, value);
    }
    let abort_at = simulation.rng.u32(0..10_000);
    let mut ticks = 0;
    while !simulation.is_over() {
        simulation.tick();
        ticks += 1;
        if weather.aborts && ticks == abort_at {
            simulation.migration.iter().for_each(Migration::abort);
        }
        if ticks % 2_000 == 0 {
            simulation.migration.iter().for_each(Migration::resume);
        }
        assert!(ticks < 200_000, "it ends: {:?}", simulation.migration);
    }
    // It may have ended soon: enough for a hundred of each, or so.
    for _ in 0..1_500 {
        simulation.begin();
        simulation.advance();
    }
    while !simulation.ops.is_empty() {
        simulation.advance();
    }
    for mut zombie in std::mem::take(&mut simulation.zombies) {
        while poll(&mut zombie).is_pending() {}
    }

    assert_eq!(cluster.unequal(), 0, "no hand-off is of less than all");
    let aborted = cluster.log().iter().any(|step| step.back);
    let expected = if aborted { before.clone() } else { slots(&reference) };
    for router in 0..simulation.routers.len() {
        simulation.catch_up(router);
        let shards = &simulation.routers[router];
        assert_eq!(slots(shards), expected, "router {router}");
        assert!(shards.migration_spec().is_none());
        if !aborted {
            assert_eq!(shards.fingerprint(), reference.fingerprint());
            assert_eq!(shards.topology(), reference.topology());
        }
    }
    for name in &names {
        let has = |key: Key| expected[cluster.slot_of(key) as usize].contains(name);
        for (&key, row) in &cluster.rows(name) {
            assert!(has(key), "{name} has a row of {key:x} left, {row:?}");
        }
        for (&key, &value) in simulation.acked.iter().filter(|(key, _)| has(**key)) {
            let row = cluster.read(name, key).and_then(|row| row.value);
            assert_eq!(row, value, "{key:x} at {name}");
        }
    }
    if !aborted {
        let after = slots(&reference);
        let differ = |old: &[Vec<String>], new: &[Vec<String>]| {
            let pairs = (0..).zip(old.iter().zip(new));
            let differ = pairs.flat_map(|(slot, (old, new))| {
                new.iter().filter(|name| !old.contains(name)).map(move |name| (slot, name.clone()))
            });
            differ.collect::<BTreeSet<(u32, String)>>()
        };
        assert_eq!(cluster.copied(), differ(&before, &after), "no other copies");
        assert_eq!(cluster.deleted(), differ(&after, &before), "no other deletions");
        assert_eq!(cluster.copied().len(), plan.stats().copies_moved);
        assert_eq!(cluster.deleted().len(), plan.stats().copies_dropped);
    }
    (simulation.reads, simulation.writes, simulation.refused)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_key_is_read_from_where_it_was_last_written(seed: u64, aborts: bool, crashes: bool) {
        let (reads, writes, _) = run(seed, Weather { aborts, crashes });
        prop_assert!(reads > 50 && writes > 50);
    }
}
