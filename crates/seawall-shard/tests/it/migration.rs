//! A migration as its operator meets it: what is refused, what may be changed, and how it ends.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use seawall_core::{Clock, sync::Mutex};
use seawall_shard::{
    Node, NodeState, ShardMap, Topology, Turn as MapTurn,
    migration::{
        Batch, Fence, Haul, Level, Migration, MigrationBuilder, Mover, Phase, Refused, Step, Turn,
        Worked,
    },
};

use crate::{
    migration_support::{Cluster, Fault, Trouble},
    support::{keys, map, nodes, slots},
};

const SLOT_BITS: u32 = 8;

fn shards() -> ShardMap {
    map(ShardMap::builder("m").explicit(1 << SLOT_BITS).nodes(nodes(3)))
}

fn cluster() -> Cluster {
    Cluster::new(SLOT_BITS, ["db-000", "db-001", "db-002", "db-003"])
}

fn with_one_more(shards: &ShardMap) -> Topology {
    let mut next = shards.topology();
    next.add(Node::new("db-003")).expect("it is new");
    next
}

/// Fills the cluster as the map says.
fn fill(shards: &ShardMap, cluster: &Cluster) {
    for key in keys(1_000) {
        cluster.write_first(shards.lookup(&key).name(), key, Some(key));
    }
}

fn assert_whole(shards: &ShardMap, cluster: &Cluster) {
    for key in keys(1_000) {
        let row = cluster.read(shards.lookup(&key).name(), key);
        assert_eq!(row.and_then(|row| row.value), Some(key));
    }
}

fn step(migration: &Migration, cluster: &Cluster) -> Result<Worked, Trouble> {
    let mut step = Box::pin(migration.step(cluster));
    loop {
        if let Some(worked) = (&mut step).now_or_never() {
            return worked;
        }
    }
}

/// Works as long as there is something to do, and says how long it would wait then.
fn work(migration: &Migration, cluster: &Cluster) -> Option<Duration> {
    loop {
        match step(migration, cluster).expect("nothing fails") {
            Worked::Wait(time) => return Some(time),
            Worked::Over => return None,
            _ => {}
        }
    }
}

fn phases(shards: &ShardMap) -> usize {
    keys(1_000).filter(|key| shards.write_route(key).phase().is_some()).count()
}

fn held(shards: &ShardMap, clock: &Clock) -> MigrationBuilder {
    let hour = Duration::from_secs(3_600);
    shards.migration().clock(clock.clone()).dual_read_for(hour).hauls(256).hauls_per_node(256)
}

#[test]
fn a_node_that_drains_is_empty_when_it_is_over() {
    let (shards, cluster) = (shards(), cluster());
    fill(&shards, &cluster);
    let mut next = shards.topology();
    next.set_state("db-001", NodeState::Draining).expect("it is there");

    let migration = shards.migrate(&next).expect("it is sound");
    assert_eq!(work(&migration, &cluster), None);

    assert!(cluster.rows("db-001").is_empty());
    assert!(slots(&shards).iter().all(|slot| slot[0] != "db-001"));
    assert_whole(&shards, &cluster);
    assert_eq!(shards.topology(), next);
    let progress = migration.progress();
    assert_eq!(progress.moves, progress.moves_done);
    assert_eq!(progress.eta, Some(Duration::ZERO));
    assert_eq!(migration.snapshot().state, "over");
}

#[test]
fn one_that_leads_to_a_zone_that_carries_too_much_tells_it_when_it_is_over() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let zones = nodes(4).zip(["a", "a", "b", "b"]).map(|(node, zone)| node.zone(zone));
    let builder = ShardMap::builder("m").slot_bits(SLOT_BITS).nodes(zones).replicas(2);
    let shards = map(builder.on_event(move |event| listener.lock().push(event.turn.clone())));
    let cluster = cluster();
    let mut next = shards.topology();
    next.set_weight("db-000", 4).expect("it is there");

    let migration = shards.migrate(&next).expect("it is sound");
    assert!(told.lock().is_empty() && shards.zone_skew().is_none(), "nothing has moved yet");
    assert_eq!(work(&migration, &cluster), None);

    let told = told.lock();
    let [MapTurn::TopologyChanged(_), MapTurn::ZoneSkewed(skew)] = &**told else {
        panic!("not as it should be: {told:?}");
    };
    assert_eq!((&*skew.zone, skew.percent), ("b", 175)); // half of the copies on two sevenths
}

#[test]
fn never_more_hauls_than_are_allowed_in_all_and_for_a_node() {
    let (shards, cluster) = (shards(), cluster());
    let next = with_one_more(&shards);
    let moving = Arc::new(Mutex::new((0_i64, 0_i64)));
    let counted = Arc::clone(&moving);
    let migration = shards
        .migration()
        .slots_per_haul(1)
        .hauls(8)
        .hauls_per_node(2)
        .on_event(move |event| {
            let mut moving = counted.lock();
            match event.turn {
                Turn::Moved { phase: Some(Phase::Copying), .. } => moving.0 += 1,
                Turn::Moved { phase: None, .. } => moving.0 -= 1,
                _ => {}
            }
            moving.1 = moving.1.max(moving.0);
        })
        .start(&next)
        .expect("it is sound");

    assert_eq!(work(&migration, &cluster), None);

    assert_eq!(*moving.lock(), (0, 2), "all of them lead to the new node");
}

/// So that neither load nor space is taken from one after the other.
#[test]
fn nodes_that_lose_slots_lose_them_side_by_side() {
    let (shards, cluster) = (shards(), cluster());
    let before = slots(&shards);
    let migration =
        shards.migration().slots_per_haul(1).start(&with_one_more(&shards)).expect("it is sound");
    let lost = || {
        let now = slots(&shards);
        let gone = before.iter().zip(&now).filter(|(was, is)| was != is);
        ["db-000", "db-001", "db-002"]
            .map(|name| gone.clone().filter(|(was, _)| was[0] == name).count())
    };
    let all = migration.progress().moves;
    while migration.progress().moves_done * 2 < all {
        step(&migration, &cluster).expect("nothing fails");
    }
    let half = lost();
    assert_eq!(work(&migration, &cluster), None);

    for (half, all) in half.into_iter().zip(lost()) {
        assert!(all > 10 && half.abs_diff(all / 2) <= 3, "{half} of {all}");
    }
}

#[test]
fn as_many_rows_move_as_the_rate_allows() {
    let (shards, cluster) = (shards(), cluster());
    fill(&shards, &cluster);
    let (clock, hand) = Clock::manual();
    let next = with_one_more(&shards);
    let builder = shards.migration().clock(clock).items_per_second(100).rows_per_batch(10);
    let migration = builder.start(&next).expect("it is sound");

    let mut waited = Duration::ZERO;
    while let Some(time) = work(&migration, &cluster) {
        hand.advance(time);
        waited += time;
    }

    let progress = migration.progress();
    let rows = progress.items + progress.items_deleted;
    assert!(progress.items > 200, "about a quarter of a thousand, in {progress:?}");
    let least = Duration::from_secs(rows / 100) - Duration::from_secs(1);
    assert!(waited >= least && waited <= least + Duration::from_secs(3), "{waited:?} for {rows}");
    assert_whole(&shards, &cluster);
}

#[test]
fn a_paused_migration_begins_nothing_and_goes_on_when_it_is_resumed() {
    let (shards, cluster) = (shards(), cluster());
    let migration = shards.migrate(&with_one_more(&shards)).expect("it is sound");
    migration.pause();

    assert!(work(&migration, &cluster).is_some());
    assert_eq!((phases(&shards), migration.progress().moves_done), (0, 0));
    assert_eq!(migration.snapshot().state, "paused");

    migration.resume();
    assert_eq!(work(&migration, &cluster), None);
}

#[test]
fn an_aborted_migration_ends_where_it_began_also_from_the_dual_read() {
    let (shards, cluster) = (shards(), cluster());
    fill(&shards, &cluster);
    let (before, topology) = (slots(&shards), shards.topology());
    let (clock, hand) = Clock::manual();
    let migration = held(&shards, &clock).start(&with_one_more(&shards)).expect("it is sound");
    assert!(work(&migration, &cluster).is_some());
    let moved = keys(1_000).filter(|key| shards.lookup(key).name() == "db-003").count();
    assert!(moved > 200, "{moved} are owned by the new node");

    migration.abort();
    assert_eq!(migration.snapshot().state, "aborting");
    // Each slot goes back through a dual read of its own.
    while work(&migration, &cluster).is_some() {
        hand.advance(Duration::from_secs(3_600));
    }

    assert_eq!((slots(&shards), shards.topology()), (before, topology));
    assert!(cluster.rows("db-003").is_empty());
    assert_whole(&shards, &cluster);
}

#[test]
fn a_target_that_is_lost_is_left_behind_by_an_abort() {
    let (shards, cluster) = (shards(), cluster());
    fill(&shards, &cluster);
    let before = slots(&shards);
    let migration = shards.migrate(&with_one_more(&shards)).expect("it is sound");
    for _ in 0..3 {
        step(&migration, &cluster).expect("it is still there");
    }
    cluster.lose("db-003");
    let failed = (0..100).map(|_| step(&migration, &cluster)).find(Result::is_err);
    assert_eq!(failed, Some(Err(Trouble::Lost)));

    migration.abort();
    assert_eq!(work(&migration, &cluster), None);

    assert_eq!(slots(&shards), before);
    assert_whole(&shards, &cluster);
}

#[test]
fn two_sides_that_differ_are_not_handed_over() {
    struct Deaf(Cluster);
    impl Mover for Deaf {
        type Error = Trouble;
        async fn record(&self, step: &Step) -> Result<(), Trouble> {
            self.0.record(step).await
        }
        async fn fence(
            &self,
            node: &str,
            slots: std::ops::RangeInclusive<u32>,
            epoch: u64,
        ) -> Result<(), Trouble> {
            self.0.fence(node, slots, epoch).await
        }
        async fn copy(&self, _: &Haul, _: Option<&str>, _: u64) -> Result<Batch, Trouble> {
            Ok(Batch::default()) // it says that it has copied
        }
        async fn catch_up(&self, _: &Haul, _: u64) -> Result<Level, Trouble> {
            Ok(Level::default())
        }
        async fn verify(&self, haul: &Haul) -> Result<bool, Trouble> {
            self.0.verify(haul).await
        }
        async fn delete(
            &self,
            haul: &Haul,
            node: &str,
            cursor: Option<&str>,
            at_most: u64,
        ) -> Result<Batch, Trouble> {
            self.0.delete(haul, node, cursor, at_most).await
        }
        async fn sleep(&self, time: Duration) {
            self.0.sleep(time).await;
        }
    }
    let (shards, deaf) = (shards(), Deaf(cluster()));
    keys(9_000).for_each(|key| {
        deaf.0.write_first(shards.lookup(&key).name(), key, Some(key));
    });
    let before = slots(&shards);
    let migration = shards.migrate(&with_one_more(&shards)).expect("it is sound");

    let go = |until: &dyn Fn() -> bool| {
        while !until() {
            let mut step = Box::pin(migration.step(&deaf));
            while (&mut step).now_or_never().is_none() {}
        }
    };
    go(&|| migration.progress().mismatches > 0);
    assert!(migration.progress().is_paused, "somebody has to look into it");
    assert_eq!(slots(&shards), before);
    migration.abort();
    migration.resume();
    go(&|| migration.is_over());

    assert_eq!(slots(&shards), before);
    assert_whole(&shards, &deaf.0);
}

#[test]
fn only_who_can_be_asked_may_change_meanwhile_and_one_moves_at_a_time() {
    let (shards, cluster) = (shards(), cluster());
    let next = with_one_more(&shards);
    let migration = shards.migrate(&next).expect("it is sound");

    let refused = shards.update(|topology| topology.remove("db-000").map(drop));
    assert_eq!(refused.expect_err("it places").field(), "topology");
    assert!(shards.plan(&next).is_err());
    assert!(shards.migrate(&next).is_err());
    let spec = migration.spec().expect("it is not over");
    assert_eq!(shards.follow(&spec).expect_err("it moves itself").field(), "migration");
    shards
        .update(|topology| topology.set_state("db-000", NodeState::Down))
        .expect("it places nothing");
    assert_eq!(work(&migration, &cluster), None);

    let down = shards.topology().node("db-000").map(|node| node.state);
    assert_eq!(down, Some(NodeState::Down), "it is not forgotten at the end");
    assert!(shards.topology().node("db-003").is_some());
}

#[test]
fn four_replicas_and_a_zone_that_changes_are_refused() {
    let four = map(ShardMap::builder("m").nodes(nodes(5)).replicas(4));
    assert_eq!(four.migrate(&four.topology()).expect_err("no lane is free").field(), "replicas");
    let shards = shards();
    let mut next = shards.topology();
    next.set_zone("db-000", "eu-1").expect("it is there");
    assert_eq!(shards.migrate(&next).expect_err("it stays").field(), "node.zone");
    assert_eq!(shards.migration().hauls(0).start(&next).expect_err("none").field(), "hauls");
    assert!(shards.migration_spec().is_none());
}

#[test]
fn a_migration_that_moves_nothing_ends_with_one_step() {
    let (shards, cluster) = (shards(), cluster());
    let mut next = shards.topology();
    next.add(Node::new("db-003").weight(0)).expect("it is new");
    let migration = shards.migrate(&next).expect("it is sound");
    assert_eq!(work(&migration, &cluster), None);
    assert_eq!((shards.topology(), shards.move_epoch()), (next, 1));
}

#[test]
fn a_node_that_returns_is_up_while_it_is_moved_to() {
    let shards = shards();
    let next = shards.topology();
    shards.update(|topology| topology.remove("db-001").map(drop)).expect("it is there");
    let cluster = cluster();
    let builder = shards.migration().hauls(1).slots_per_haul(1);
    let migration = builder.start(&next).expect("it is sound");
    step(&migration, &cluster).expect("nothing fails");

    let moving = keys(10_000).find(|key| shards.write_route(key).phase().is_some());
    let route = shards.write_route(&moving.expect("one slot moves"));
    let target = route.forward().expect("it is copied to somebody");
    assert_eq!((target.name(), target.state()), ("db-001", NodeState::Active));
}

#[test]
fn a_map_of_the_spec_after_it_has_the_epoch_that_fences_ask_for() {
    let (shards, cluster) = (shards(), cluster());
    let migration = shards.migrate(&with_one_more(&shards)).expect("it is sound");
    assert_eq!(work(&migration, &cluster), None);
    let epoch = shards.move_epoch();
    assert!(epoch > 0);

    let again = map(ShardMap::builder("again").spec(shards.spec()));

    assert_eq!((again.move_epoch(), again.fingerprint()), (epoch, shards.fingerprint()));
    for key in keys(100) {
        let route = again.write_route(&key);
        let pass = cluster.enter(route.owner().name(), route.slot(), route.epoch());
        assert!(pass.is_ok(), "{pass:?}");
    }
}

#[test]
fn a_record_that_fails_is_made_again_as_it_was() {
    let (shards, cluster) = (shards(), cluster());
    let migration = shards.migrate(&with_one_more(&shards)).expect("it is sound");
    for fault in [Fault::Before, Fault::After] {
        cluster.order(fault);
        assert_eq!(step(&migration, &cluster), Err(Trouble::Ordered));
        assert_eq!(shards.move_epoch(), 0, "what is not known to be kept is not done");
    }
    assert_eq!(step(&migration, &cluster), Ok(Worked::Done));
    assert_eq!((shards.move_epoch(), cluster.log().len()), (1, 1));
}

#[test]
fn who_has_missed_a_step_is_told_so_and_takes_the_whole() {
    let (ours, cluster) = (shards(), cluster());
    let migration = ours.migrate(&with_one_more(&ours)).expect("it is sound");
    let base = migration.spec().expect("it is not over");
    let theirs = map(ShardMap::builder("theirs").spec(base.from.clone()));
    theirs.follow(&base).expect("it is of the same placement");
    assert_eq!(work(&migration, &cluster), None);
    let log = cluster.log();

    assert_eq!(theirs.follow_step(&log[2]).expect_err("two are missing").field(), "epoch");
    for step in &log[..3] {
        assert_eq!(theirs.follow_step(step), Ok(false));
    }
    assert_eq!(theirs.follow_step(&log[0]), Ok(false), "which it knows");
    assert_eq!(theirs.follow(&base).expect_err("it knows more").field(), "epoch");
    assert_eq!(theirs.follow(&cluster.kept(&base)), Ok(true));
    assert_eq!(slots(&theirs), slots(&ours));

    let stranger = map(ShardMap::builder("stranger").nodes(nodes(9)));
    assert_eq!(stranger.follow(&base).expect_err("of another placement").field(), "from");
}

#[test]
fn a_spec_that_cannot_be_is_refused_and_changes_nothing() {
    let ours = shards();
    let spec = ours.migrate(&with_one_more(&ours)).expect("it is sound").spec();
    let spec = spec.expect("it is not over");
    let theirs = || map(ShardMap::builder("theirs").spec(spec.from.clone()));
    let mut format = spec.clone();
    format.format = 2;
    let mut late = spec.clone();
    late.epoch = u64::MAX;
    let mut short = spec.clone();
    short.slots[0].slots -= 1;
    let mut long = spec.clone();
    long.slots[0].slots += 1;
    let mut far = spec.clone();
    far.slots[0].legs = 200;
    let mut nowhere = spec.clone();
    nowhere.slots[0].phase = Some(Phase::DualRead); // most slots have no leg
    let mut backwards = spec.clone();
    (backwards.slots[0].phase, backwards.slots[0].back) = (Some(Phase::Copying), true);
    for (bad, field) in [
        (format, "format"),
        (late, "epoch"),
        (short, "slots"),
        (long, "slots"),
        (far, "slots.legs"),
        (nowhere, "slots.legs"),
        (backwards, "slots.legs"),
    ] {
        let theirs = theirs();
        assert_eq!(theirs.follow(&bad).expect_err("it cannot be").field(), field);
        assert!(theirs.migration_spec().is_none());
        assert_eq!(theirs.follow(&spec), Ok(false), "and a sound one is followed");
    }
}

#[test]
fn a_fence_lets_in_from_its_floor_on_and_says_what_that_is() {
    let fence = Fence::new(4, 7);
    assert!(matches!(fence.enter(3, 6), Err(Refused::Stale { floor: 7, .. })));
    assert_eq!(fence.enter(4, 7).err(), Some(Refused::NoSuchSlot));
    let (one, two) = (fence.enter(3, 7), fence.enter(3, 9));
    assert!(!fence.raise(0..=99, 8));
    drop(one);
    assert!(!fence.raise(0..=3, 8), "the other one was let in below it");
    drop(two);
    assert!(fence.raise(0..=3, 8));
    assert!(fence.raise(0..=3, 5), "it does not fall");
    assert_eq!(fence.floor(0), Some(8));
    let crowd: Vec<_> = (0..16_383).map_while(|_| fence.enter(0, 8).ok()).collect();
    assert_eq!((crowd.len(), fence.enter(0, 8).err()), (16_383, Some(Refused::Full)));
}

#[cfg(feature = "serde")]
mod golden {
    use seawall_shard::migration::MigrationSpec;

    use super::*;

    const GOLDEN: &str = include_str!("golden/migration.json");

    /// What was kept by an earlier release is understood by this one, and means the same words.
    #[test]
    fn a_migration_that_was_kept_goes_on() {
        let shards = map(ShardMap::builder("m").explicit(256).nodes(nodes(2)).replicas(2));
        let cluster = Cluster::new(SLOT_BITS, ["db-000", "db-001", "db-002"]);
        fill(&shards, &cluster);
        let mut next = shards.topology();
        next.add(Node::new("db-002").zone("eu-1").weight(2)).expect("it is new");
        let (clock, _hand) = Clock::manual();
        let builder = shards.migration().clock(clock).rows_per_batch(2).hauls_per_node(3);
        let migration = builder.start(&next).expect("it is sound");
        let mut spec = migration.spec().expect("it has begun");
        while spec.slots.iter().all(|stretch| stretch.cursor.is_none()) || spec.epoch < 20 {
            step(&migration, &cluster).expect("nothing fails");
            spec = migration.spec().expect("something is left to copy");
        }
        let written = serde_json::to_string(&spec).expect("it is plain data");
        assert_eq!(serde_json::from_str::<MigrationSpec>(&written).ok(), Some(spec));
        drop(migration);

        // Which slots went first is another thing by now; what is said of each is not.
        let kept: MigrationSpec = serde_json::from_str(GOLDEN).expect("it is what it was");
        let again = serde_json::to_string(&kept).expect("it is plain data");
        assert_eq!(again, GOLDEN.trim_end());
        assert_eq!(&kept.to[..], next.nodes());
        let names = ["db-000", "db-001", "db-002"];
        let cluster = Cluster::new(SLOT_BITS, names);
        for key in keys(1_000) {
            for name in names {
                cluster.write_first(name, key, Some(key));
            }
        }
        let again = map(ShardMap::builder("again").spec(kept.from.clone()));
        let migration = again.migration().resume(&kept).expect("it goes on");
        assert_eq!(migration.spec(), Some(kept));
        assert_eq!(work(&migration, &cluster), None);
        assert_eq!(again.topology(), next);
    }
}
