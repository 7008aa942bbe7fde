//! Who has a key beside its owner: distinct nodes, spread over zones.

use std::{collections::BTreeSet, sync::Arc};

use seawall_core::sync::Mutex;
use seawall_shard::{
    Algorithm, Member, Node, NodeState, ShardMap, ShardMapBuilder, Topology, Turn,
};

use crate::support::{keys, map, nodes};

const PLACEMENTS: [fn() -> ShardMapBuilder; 2] =
    [|| ShardMap::builder("rendezvous"), || ShardMap::builder("explicit").explicit(4_096)];

/// Nodes in zones, so many in each.
fn zoned(zones: &[usize]) -> Vec<Node> {
    let in_zone = |(zone, &count): (usize, &usize)| {
        (0..count).map(move |at| Node::new(format!("z{zone}-{at}")).zone(format!("zone-{zone}")))
    };
    zones.iter().enumerate().flat_map(in_zone).collect()
}

/// In how many zones each slot is.
fn spreads(shards: &ShardMap) -> BTreeSet<usize> {
    let slots = (0..shards.slots()).filter_map(|slot| shards.replicas_of_slot(slot));
    slots.map(|slot| slot.iter().map(Member::zone).collect::<BTreeSet<_>>().len()).collect()
}

#[test]
fn the_first_replica_is_the_owner() {
    for builder in PLACEMENTS {
        let shards = map(builder().nodes(nodes(10)).replicas(3));
        for key in keys(10_000) {
            let replicas = shards.replicas(&key);
            assert!(std::ptr::eq(replicas.owner(), shards.lookup(&key)));
            assert!(replicas.get(0).is_some_and(|first| std::ptr::eq(first, replicas.owner())));
            assert!(replicas.get(3).is_none() && replicas.get(99).is_none());
        }
    }
}

#[test]
fn replicas_are_distinct_and_as_many_as_asked_for() {
    for builder in PLACEMENTS {
        for count in 1..=4 {
            let shards = map(builder().nodes(nodes(7)).replicas(count));
            for key in keys(1_000) {
                let replicas = shards.replicas(&key);
                let names: BTreeSet<_> = replicas.into_iter().map(Member::name).collect();
                let asked = count as usize;
                assert_eq!(
                    (replicas.len(), names.len(), replicas.iter().len()),
                    (asked, asked, asked)
                );
            }
        }
    }
}

#[test]
fn fewer_nodes_than_replicas_all_have_the_key() {
    for builder in PLACEMENTS {
        let shards = map(builder().nodes(nodes(2)).replicas(4));
        assert_eq!(shards.replicas(b"key").len(), 2);
        shards.update(|topology| topology.add(Node::new("third"))).expect("it is new");
        assert_eq!(shards.replicas(b"key").len(), 3);
    }
}

#[test]
fn no_zone_has_a_key_twice_while_another_has_it_not_at_all() {
    for builder in PLACEMENTS {
        let spread = |zones: &[usize], replicas| {
            spreads(&map(builder().nodes(zoned(zones)).replicas(replicas)))
        };
        assert_eq!(spread(&[5, 3, 2], 3), [3].into());
        assert_eq!(spread(&[1, 1, 20, 4], 3), [3].into());
        assert_eq!(spread(&[4, 4], 3), [2].into());
        assert_eq!(spread(&[1, 30], 4), [2].into());
    }
}

#[test]
fn two_copies_of_three_are_left_when_a_zone_is_lost() {
    for builder in PLACEMENTS {
        let shards = map(builder().nodes(zoned(&[3, 3, 3])).replicas(3));
        for key in keys(10_000) {
            let left = shards.replicas(&key).iter().filter(|each| each.zone() != Some("zone-1"));
            assert_eq!(left.count(), 2);
        }
    }
}

#[test]
fn a_zone_that_opens_gets_a_copy_of_everything_and_one_that_closes_gives_it_back() {
    for builder in PLACEMENTS {
        let shards = map(builder().nodes(zoned(&[3, 3])).replicas(3));
        shards.update(|t| t.add(Node::new("third").zone("zone-3"))).expect("it is new");
        assert_eq!(spreads(&shards), [3].into());
        shards.update(|t| t.remove("third").map(drop)).expect("it is there");
        assert_eq!(spreads(&shards), [2].into());
        assert_eq!(shards.replicas(b"key").len(), 3);
    }
}

/// In zones of these sizes, of which the last is the lightest: as told of a rendezvous and of an explicit map.
#[test]
fn the_lightest_zone_carries_what_is_told_of_it() {
    let cases = [
        (&[5, 3, 2][..], 3, [Some(167), Some(167)]), // each zone has everything: 1/3 on 1/5 of the nodes
        (&[5, 3, 2], 2, [Some(121), None]), // 0.2 + 0.5 * 0.2 / 0.5 + 0.3 * 0.2 / 0.7, of 0.4
        (&[12, 5, 2, 1], 3, [Some(253), Some(222)]),
        (&[14, 6], 3, [Some(134), Some(111)]),
        (&[9, 3], 4, [Some(125), None]),
        (&[10, 1], 4, [Some(275), Some(275)]), // one node has no slot twice
        (&[10, 10, 9], 3, [None, None]),       // 7% more: not worth telling
    ];
    for (sizes, replicas, told) in cases {
        for (builder, told) in PLACEMENTS.iter().zip(told) {
            let shards = map(builder().slot_bits(12).nodes(zoned(sizes)).replicas(replicas));
            let lightest = format!("zone-{}", sizes.len() - 1);
            let skew = shards.zone_skew();
            assert_eq!(skew.as_ref().map(|skew| skew.percent), told, "{sizes:?}, {replicas}");
            assert!(skew.is_none_or(|skew| *skew.zone == *lightest));

            let slots = (0..shards.slots()).filter_map(|slot| shards.replicas_of_slot(slot));
            let zones = slots.flatten().filter_map(Member::zone);
            let copies = zones.filter(|zone| *zone == lightest).count() as f64;
            let own = *sizes.last().expect("there are zones") as f64;
            let share = own / sizes.iter().sum::<usize>() as f64;
            let all = f64::from(shards.slots() * replicas);
            let measured = 100.0 * copies / all / share;
            let (least, most) = told.map_or((100.0, 110.0), |told| (told.into(), told.into()));
            let range = 0.96 * least..1.04 * most; // twice the deviation of what is drawn for so many slots
            assert!(range.contains(&measured), "{sizes:?}, {replicas}: {told:?}, not {measured}");
        }
    }
}

#[test]
fn zones_that_are_even_or_none_are_not_told() {
    let told = |nodes: Vec<Node>, replicas| {
        let mut topology = Topology::new();
        nodes.into_iter().try_for_each(|node| topology.add(node)).expect("they are new");
        let algorithms = [Algorithm::Rendezvous, Algorithm::Explicit];
        algorithms.map(|algorithm| topology.zone_skew(replicas, algorithm).map(|s| s.percent))
    };
    assert_eq!(told(zoned(&[10, 10, 10]), 3), [None; 2]);
    assert_eq!(told(zoned(&[10, 10]), 3), [None; 2]);
    assert_eq!(told(zoned(&[50, 30, 20]), 1), [None; 2], "one copy goes by weight");
    assert_eq!(told(nodes(5).collect(), 3), [None; 2], "each is a zone of its own");
    assert_eq!(told(vec![], 3), [None; 2]);

    let of_zone = |node: Node| node.zone("z");
    let with_heavy = nodes(2).chain([of_zone(Node::new("z"))]).map(|node| node.weight(3));
    let light = of_zone(Node::new("none").weight(0));
    assert_eq!(
        told(with_heavy.chain([light]).collect(), 3),
        [None; 2],
        "who has none is not there"
    );
    let drains = Node::new("a").zone("z").state(NodeState::Draining);
    let others = ["b", "c"].map(|name| Node::new(name).zone(name));
    let drained = [drains, Node::new("d").zone("z")].into_iter().chain(others).collect();
    assert_eq!(told(drained, 3), [Some(133), None], "a planner empties it, hashes do not");
}

#[test]
fn listeners_hear_of_a_zone_that_carries_too_much_when_that_arises_and_when_it_gets_worse() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let builder = ShardMap::builder("m").slot_bits(8).nodes(zoned(&[2, 2])).replicas(2);
    let shards = map(builder.on_event(move |event| {
        if let Turn::ZoneSkewed(skew) = &event.turn {
            listener.lock().push(skew.percent);
        }
    }));
    for weight in [4, 4, 7, 4, 1] {
        shards.update(|t| t.set_weight("z0-0", weight)).expect("it is there");
        let percent = (100.0 * shards.snapshot().gauges["zone_skew"]).round() as u32;
        assert_eq!(percent, shards.zone_skew().map_or(100, |skew| skew.percent));
    }
    assert_eq!(*told.lock(), [175, 250], "once for each that is worse than before");
    assert_eq!(shards.zone_skew(), None);
}

#[test]
fn a_state_is_seen_in_what_was_looked_up_before_and_moves_nothing() {
    let shards = map(ShardMap::builder("m").nodes(nodes(3)).replicas(2));
    let owner = shards.lookup(b"key");
    let name = owner.name().to_owned();
    assert_eq!(owner.state(), NodeState::Active);

    let update = shards.update(|t| t.set_state(&name, NodeState::Down)).expect("it is there");

    assert_eq!(owner.state(), NodeState::Down);
    assert_eq!((update.owners_moved, update.copies_moved), (0, 0));
    assert!(std::ptr::eq(owner, shards.lookup(b"key")));
    let up = shards.replicas(b"key").into_iter().find(|member| member.state().is_active());
    assert!(up.is_some_and(|up| up.name() != name));
}
