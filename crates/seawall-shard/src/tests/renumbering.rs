//! Indexes that run out: the promises are those of [`crate::slots`].

use crate::{Node, ShardMap};

fn map(nodes: usize) -> ShardMap {
    let nodes = (0..nodes).map(|at| Node::new(format!("node-{at}")));
    ShardMap::builder("m").slot_bits(8).replicas(2).nodes(nodes).build().expect("it is sound")
}

/// All that look-ups say.
fn seen(map: &ShardMap) -> Vec<Vec<String>> {
    let slots = (0..map.slots()).filter_map(|slot| map.replicas_of_slot(slot));
    slots.map(|slot| slot.iter().map(|member| member.name().to_owned()).collect()).collect()
}

#[test]
fn nodes_come_and_go_more_often_than_there_are_indexes() {
    let rolling = map(3);
    let early = rolling.clone();
    let first = early.lookup(b"key");
    let name = first.name().to_owned();

    // 16 cells: each of these takes one.
    for at in 0..100 {
        rolling
            .update(|topology| {
                topology.remove(&format!("node-{at}"))?;
                topology.add(Node::new(format!("node-{}", at + 3)))
            })
            .expect("there is room for ever");
        let nodes = (at + 1..at + 4).map(|at| Node::new(format!("node-{at}")));
        let fresh = ShardMap::builder("f").slot_bits(8).replicas(2).nodes(nodes);
        let fresh = fresh.build().expect("it is sound");
        assert_eq!(seen(&rolling), seen(&fresh), "after {at}");
        assert_eq!(seen(&early), seen(&fresh), "after {at}, from where it began");
        assert_eq!(seen(&rolling.clone()), seen(&fresh));
        assert_eq!(rolling.fingerprint(), fresh.fingerprint());
    }

    assert_eq!(first.name(), name, "what a look-up handed out is what it was");
    assert_eq!(first.state(), crate::NodeState::Down);
}

#[test]
fn a_node_that_returns_takes_no_new_index() {
    let shards = map(3);
    let before = seen(&shards);

    for _ in 0..100 {
        shards.update(|topology| topology.remove("node-1").map(drop)).expect("it is there");
        shards.update(|topology| topology.add(Node::new("node-1"))).expect("it was removed");
    }

    assert_eq!(seen(&shards), before);
    let here = shards.clone();
    assert!(std::ptr::eq(shards.lookup(b"key"), here.lookup(b"key")));
    assert!(!shards.has_moved_on(), "no second table was needed");
}

#[test]
fn a_plan_that_needs_room_changes_nothing_that_can_be_seen() {
    let shards = map(10);
    let before = (seen(&shards), shards.epoch(), shards.fingerprint());
    let mut topology = shards.topology();
    for at in 10..40 {
        topology.add(Node::new(format!("node-{at}"))).expect("it is new");
    }

    let plan = shards.plan(&topology).expect("it can be");

    assert!(plan.stats().owners_moved > 0);
    assert!(shards.has_moved_on());
    assert_eq!((seen(&shards), shards.epoch(), shards.fingerprint()), before);
}
