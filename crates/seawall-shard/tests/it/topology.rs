//! What can be built and changed, what cannot, and who is told.

use std::sync::Arc;

use seawall_core::sync::Mutex;
use seawall_shard::{
    Algorithm, ConfigError, Node, NodeState, PlacementSpec, Registry, Run, ShardMap,
    ShardMapBuilder, Topology, Turn,
};

use crate::support::{map, nodes, slots};

fn refused(builder: ShardMapBuilder) -> String {
    builder.build().map(|map| map.topology()).expect_err("it cannot be built").to_string()
}

#[test]
fn what_cannot_be_is_told_with_what_can() {
    let new = || ShardMap::builder("m").nodes(nodes(2));
    let runs = |runs: Vec<Run>| {
        let mut spec = new().explicit(256).build().expect("it is sound").spec();
        spec.runs = runs;
        refused(ShardMap::builder("m").spec(spec))
    };
    let run = |slots, nodes: &[u32]| Run { slots, nodes: nodes.to_vec() };
    let cases = [
        (refused(ShardMap::builder("m")), "`nodes` is 0: it must be from 1 to 16383"),
        (refused(new().node(Node::new(""))), "`node.name` is \"\": it must be a name"),
        (
            refused(new().node(Node::new("db-001"))),
            "`node.name` is db-001: it must be a name that stands once",
        ),
        (
            refused(new().node(Node::new("z").zone(""))),
            "`node.zone` is \"\" for `z`: it must be a name, or left out",
        ),
        (
            refused(new().node(Node::new("w").weight(65_536))),
            "`node.weight` is 65536 for `w`: it must be from 0 to 65535",
        ),
        (
            refused(ShardMap::builder("m").node(Node::new("w").weight(0))),
            "`node.weight` is 0 for all: it must be above 0 for one node at least",
        ),
        (refused(new().replicas(0)), "`replicas` is 0: it must be from 1 to 4"),
        (refused(new().replicas(5)), "`replicas` is 5: it must be from 1 to 4"),
        (refused(new().slot_bits(7)), "`slot_bits` is 7: it must be from 8 to 22"),
        (
            refused(new().explicit(1_000)),
            "`slots` is 1000: it must be a power of two, from 256 to 4194304",
        ),
        (refused(new().explicit(128)), "`slot_bits` is 7: it must be from 8 to 22"),
        (runs(vec![run(255, &[0])]), "`runs` is 255 slots: it must be as many slots as there are"),
        (runs(vec![run(256, &[2])]), "`runs` is [2]: it must be distinct nodes that have a weight"),
        (
            runs(vec![run(256, &[])]),
            "`runs` is []: it must be from one node to as many as there are replicas",
        ),
        (
            runs(vec![run(256, &[0, 1])]),
            "`runs` is [0, 1]: it must be from one node to as many as there are replicas",
        ),
    ];
    for (told, expected) in cases {
        assert_eq!(told, expected);
    }
}

/// It would be filled for minutes, by whoever reads a file.
#[test]
fn a_table_that_takes_minutes_to_fill_is_refused() {
    let told = "`nodes` is 1025: it must be at most 1024 with 2^22 slots";
    assert_eq!(refused(ShardMap::builder("m").slot_bits(22).nodes(nodes(1_025))), told);

    let small = map(ShardMap::builder("m").slot_bits(22).nodes(nodes(1)));
    let mut large = small.topology();
    nodes(1_025).skip(1).for_each(|node| large.add(node).expect("it is new"));
    let planned = small.plan(&large).expect_err("it is too large");
    let updated = small
        .update(|topology| {
            *topology = large;
            Ok(())
        })
        .expect_err("it is too large");
    assert_eq!([planned, updated].map(|error| error.to_string()), [told, told]);
    assert_eq!(small.topology().nodes().len(), 1);
}

#[test]
fn a_spec_of_another_format_is_refused() {
    let mut spec = map(ShardMap::builder("m").nodes(nodes(2))).spec();
    spec.format = 2;
    assert_eq!(refused(ShardMap::builder("m").spec(spec)), "`format` is 2: it must be 1");
}

#[test]
fn what_is_refused_has_changed_nothing() {
    let shards = map(ShardMap::builder("m").nodes(nodes(2)));
    let before = (slots(&shards), shards.topology(), shards.fingerprint(), shards.epoch());

    type Change = fn(&mut Topology) -> Result<(), ConfigError>;
    let changes: [Change; 6] = [
        |t| t.remove("nobody").map(drop),
        |t| t.set_weight("nobody", 1),
        |t| t.set_weight("db-000", 65_536),
        |t| t.add(Node::new("new")).and_then(|()| t.add(Node::new("new"))),
        |t| t.set_weight("db-000", 0).and_then(|()| t.set_weight("db-001", 0)),
        |t| t.remove("db-000").and_then(|_| t.remove("db-001")).map(drop),
    ];
    for change in changes {
        shards.update(change).expect_err("it cannot be");
        assert_eq!(
            (slots(&shards), shards.topology(), shards.fingerprint(), shards.epoch()),
            before
        );
    }
}

#[test]
fn a_change_that_panics_changes_nothing_and_blocks_nobody() {
    let shards = map(ShardMap::builder("m").nodes(nodes(2)));
    let panics = || shards.update(|t| t.remove("db-000").map(|_| panic!("on purpose")));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).expect_err("it panicked");
    assert_eq!(shards.topology().len(), 2);
    shards.update(|t| t.remove("db-000").map(drop)).expect("the lock is free");
}

#[test]
fn clones_follow_and_listeners_are_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (listener, name) = (Arc::clone(&told), "photos");
    let builder = ShardMap::builder(name).nodes(nodes(2));
    let shards = map(builder.on_event(move |event| listener.lock().push(event.clone())));
    let clone = shards.clone();

    let update = clone.update(|t| t.add(Node::new("third"))).expect("it is new");

    assert_eq!(slots(&shards), slots(&clone));
    assert_eq!((shards.epoch(), update.epoch, shards.fingerprint()), (1, 1, update.fingerprint));
    let told = told.lock();
    assert_eq!((told.len(), &*told[0].name), (1, name));
    assert_eq!(told[0].turn, Turn::TopologyChanged(update));
}

#[test]
fn a_snapshot_says_how_it_stands() {
    let registry = Registry::new();
    let shards = map(ShardMap::builder("photos").nodes(nodes(10)).replicas(2));
    shards.register(&registry);
    assert_eq!(shards.snapshot().state, "whole");
    let update = shards.update(|t| {
        t.set_state("db-001", NodeState::Draining)?;
        t.set_state("db-002", NodeState::Down)?;
        t.remove("db-003").map(drop)
    });
    let update = update.expect("they are there");

    let seen = &registry.snapshots()[0];

    assert_eq!((&*seen.pattern, &*seen.name, &*seen.state), ("shard", "photos", "degraded"));
    let gauges = ["nodes", "nodes_draining", "nodes_down"].map(|name| seen.gauges[name] as u32);
    assert_eq!(gauges, [9, 1, 1]);
    let fullest = seen.gauges["fullest_over_share"];
    assert!((1.0..1.06).contains(&fullest), "{fullest}");
    let limits = ["slots", "replicas"].map(|name| seen.limits[name] as u32);
    assert_eq!(limits, [65_536, 2]);
    let counters = ["epoch", "owners_moved", "copies_moved"].map(|name| seen.counters[name]);
    assert_eq!(counters, [1, update.owners_moved as u64, update.copies_moved as u64]);
}

#[test]
fn a_map_that_is_built_from_a_spec_is_the_same() {
    for explicit in [false, true] {
        let builder = ShardMap::builder("m").replicas(3).seed(9).nodes(nodes(7));
        let shards = map(if explicit { builder.explicit(1_024) } else { builder });
        shards.update(|t| t.remove("db-002").map(drop)).expect("it is there");
        shards.update(|t| t.add(Node::new("a").weight(3).zone("z"))).expect("it is new");

        let spec = shards.spec();
        let again = map(ShardMap::builder("again").spec(spec.clone()));

        assert_eq!(slots(&again), slots(&shards));
        assert_eq!((again.spec(), again.fingerprint()), (spec.clone(), spec.fingerprint()));
        assert_eq!(shards.fingerprint(), spec.fingerprint());
    }
}

#[test]
fn a_unit_of_anything_is_another_fingerprint() {
    let base = map(ShardMap::builder("m").explicit(256).replicas(2).nodes(nodes(3))).spec();
    let changes: [fn(&mut PlacementSpec); 10] = [
        |_| (),
        |spec| spec.format += 1,
        |spec| spec.seed += 1,
        |spec| spec.slot_bits += 1,
        |spec| spec.replicas += 1,
        |spec| spec.algorithm = Algorithm::Rendezvous,
        |spec| spec.nodes[1].weight += 1,
        |spec| spec.nodes[1].zone = Some("z".into()),
        |spec| spec.nodes[1].name = "db-00".into(),
        |spec| spec.runs[3].nodes.swap(0, 1),
    ];
    let mut prints: Vec<_> = changes
        .iter()
        .map(|change| {
            let mut spec = base.clone();
            change(&mut spec);
            spec.fingerprint()
        })
        .collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), changes.len());
}

#[test]
fn states_and_the_order_of_nodes_are_not_in_the_fingerprint() {
    let base = map(ShardMap::builder("m").explicit(256).replicas(2).nodes(nodes(3))).spec();
    let mut other = base.clone();
    other.nodes.swap(0, 2);
    other.runs.iter_mut().flat_map(|run| &mut run.nodes).for_each(|node| *node = 2 - *node);
    other.nodes[1].state = NodeState::Down;
    assert_eq!(base.fingerprint(), other.fingerprint());
    let [a, b] = [base, other].map(|spec| map(ShardMap::builder("m").spec(spec)));
    assert_eq!(slots(&a), slots(&b));
}

#[cfg(feature = "serde")]
#[test]
fn a_spec_goes_through_a_file() {
    let text = r#"
        format = 1
        slot_bits = 16
        replicas = 2
        nodes = [{ name = "db-a", zone = "eu-1" }, { name = "db-b", weight = 2 }]
    "#;
    let spec: PlacementSpec = toml::from_str(text).expect("it can be read");
    let shards = map(ShardMap::builder("m").spec(spec));
    let written = serde_json::to_string(&shards.spec()).expect("it can be written");
    let read: PlacementSpec = serde_json::from_str(&written).expect("it can be read");
    assert_eq!((read.fingerprint(), read), (shards.fingerprint(), shards.spec()));
    let unknown = toml::from_str::<PlacementSpec>("format = 1\nslotbits = 16");
    assert!(unknown.is_err_and(|error| error.to_string().contains("slotbits")));
}
