//! Where keys are: balance, weights, what a change moves, and what makes no difference.

use proptest::prelude::*;
use seawall_shard::{Node, ShardMap, ShardMapBuilder, Topology};

use crate::support::{keys_owned, map, nodes, owned, slots};

type NewBuilder = fn() -> ShardMapBuilder;

const PLACEMENTS: [(&str, NewBuilder); 2] = [
    ("rendezvous", || ShardMap::builder("rendezvous")),
    ("explicit", || ShardMap::builder("explicit").explicit(16_384)),
];

fn max_over_mean(counts: impl Iterator<Item = f64> + Clone) -> f64 {
    let (sum, len) = counts.clone().fold((0.0, 0.0), |(sum, len), count| (sum + count, len + 1.0));
    counts.fold(0.0, f64::max) / (sum / len)
}

/// The bound is 1 + 5 sqrt(n / slots) plus what a million keys scatter by; the figures of the README are
/// those of these fleets.
#[test]
fn a_rendezvous_map_is_even_by_the_number_of_its_slots() {
    for (count, bits, at_most) in [(10, 16, 1.06), (100, 16, 1.195), (1_000, 18, 1.31)] {
        let shards = map(ShardMap::builder("even").slot_bits(bits).nodes(nodes(count)));
        let keys = keys_owned(&shards);
        let ratio = max_over_mean(keys.values().map(|&count| count as f64));
        eprintln!("{count} nodes, 2^{bits} slots: fullest / mean {ratio:.3}");
        assert_eq!(keys.len(), count);
        assert!(ratio <= at_most, "{count} nodes: {ratio}");
    }
}

#[test]
fn an_explicit_map_is_even_to_one_slot() {
    for count in [1, 2, 3, 10, 100, 1_000] {
        let shards = map(ShardMap::builder("even").explicit(16_384).nodes(nodes(count)));
        let owned = owned(&shards);
        let (least, most) = (owned.values().min(), owned.values().max());
        let (Some(least), Some(most)) = (least, most) else { panic!("nobody owns a slot") };
        assert!(owned.len() == count && most - least <= 1, "{count} nodes: from {least} to {most}");
    }
}

#[test]
fn weights_are_respected() {
    for (name, builder) in PLACEMENTS {
        let weighted = [1, 2, 3, 4].map(|weight| Node::new(format!("w{weight}")).weight(weight));
        let shards = map(builder().nodes(weighted).node(Node::new("none").weight(0)));
        let keys = keys_owned(&shards);
        assert!(!keys.contains_key("none"), "{name}: a weight of 0 owns nothing");
        for weight in 1..=4_u32 {
            let share = keys[format!("w{weight}").as_str()] as f64 / 1e6;
            let ideal = f64::from(weight) / 10.0;
            // Four deviations of 65 536 slots that are thrown, and more than a slot of 16 384.
            assert!((share - ideal).abs() < 0.008, "{name}: {share} and {ideal}");
        }
    }
}

#[test]
fn large_weights_are_shares_as_well() {
    let light = (0..9).map(|at| Node::new(format!("light-{at}")).weight(1_000));
    let shards = map(ShardMap::builder("m").nodes(light).node(Node::new("heavy").weight(9_000)));
    let share = keys_owned(&shards)["heavy"] as f64 / 1e6;
    assert!((share - 0.5).abs() < 0.01, "{share}");
}

/// Adding one to n moves at most 1 / (n + 1) and five deviations of the slots, and nothing between those
/// who were there; an explicit map moves what it must to the slot.
#[test]
fn a_node_that_joins_takes_its_share_and_nothing_else_moves() {
    for (placement, builder) in PLACEMENTS {
        for count in [1, 2, 10, 100, 1_000] {
            let shards = map(builder().nodes(nodes(count)));
            let before = slots(&shards);

            let update =
                shards.update(|topology| topology.add(Node::new("new"))).expect("it is new");

            let after = slots(&shards);
            let moved = before.iter().zip(&after).filter(|(old, new)| old[0] != new[0]);
            assert!(moved.clone().all(|(_, new)| new[0] == "new"), "{placement}, {count} nodes");
            let (moved, all) = (moved.count(), before.len() as f64);
            assert_eq!(update.owners_moved, moved);
            let ideal = all / (count + 1) as f64;
            let slack = if placement == "explicit" { 1.0 } else { 5.0 * ideal.sqrt() };
            assert!(
                moved as f64 <= ideal + slack,
                "{placement}, {count} nodes: {moved} of {ideal}"
            );
        }
    }
}

#[test]
fn a_node_that_leaves_takes_nobody_with_it() {
    for (placement, builder) in PLACEMENTS {
        let shards = map(builder().nodes(nodes(20)).replicas(3));
        let before = slots(&shards);
        let share = owned(&shards)["db-007"];

        let update =
            shards.update(|topology| topology.remove("db-007").map(drop)).expect("it is there");

        let after = slots(&shards);
        assert_eq!(update.owners_moved, share, "{placement}");
        for (old, new) in before.iter().zip(&after) {
            assert!(old[0] == "db-007" || old[0] == new[0], "{placement}: {old:?}, {new:?}");
            if placement == "rendezvous" {
                let stayed = old.iter().filter(|name| *name != "db-007");
                assert!(
                    stayed.eq(new.iter().take(3 - usize::from(old.contains(&"db-007".into()))))
                );
            }
        }
    }
}

#[test]
fn a_weight_that_changes_moves_keys_to_its_node_or_from_it() {
    let shards = map(ShardMap::builder("m").nodes(nodes(10)));
    let before = slots(&shards);
    shards.update(|topology| topology.set_weight("db-003", 3)).expect("it can");
    let heavier = slots(&shards);
    shards.update(|topology| topology.set_weight("db-003", 2)).expect("it can");
    let lighter = slots(&shards);

    let mut moved = before.iter().zip(&heavier).filter(|(old, new)| old != new);
    assert!(moved.all(|(_, new)| new[0] == "db-003"));
    let mut moved = heavier.iter().zip(&lighter).filter(|(old, new)| old != new);
    assert!(moved.all(|(old, _)| old[0] == "db-003"));
    let fresh = nodes(10).map(|n| if n.name == "db-003" { n.weight(2) } else { n });
    assert_eq!(lighter, slots(&map(ShardMap::builder("f").nodes(fresh))));
}

#[test]
fn another_seed_is_another_placement_of_the_same_nodes() {
    let [a, b] = [0, 1].map(|seed| map(ShardMap::builder("m").seed(seed).nodes(nodes(10))));
    let same = slots(&a).iter().zip(slots(&b)).filter(|(a, b)| **a == *b).count();
    let share = same as f64 / f64::from(a.slots());
    assert!((share - 0.1).abs() < 0.01, "{share} of the slots have the same owner");
}

fn topology() -> impl Strategy<Value = Vec<Node>> {
    let node = (0..30_u32, 0..4_u32, 0..4_u32);
    prop::collection::btree_map(0..40_u32, node, 1..15).prop_map(|nodes| {
        let node = |(name, (weight, zone, _)): (u32, (u32, u32, u32))| {
            let node = Node::new(format!("n{name}")).weight(weight + u32::from(name % 5 == 0));
            if zone == 0 { node } else { node.zone(format!("z{zone}")) }
        };
        nodes.into_iter().map(node).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However the nodes came, and whatever was there before, a rendezvous map is the same.
    #[test]
    fn the_order_makes_no_difference(
        first in topology(),
        last in topology().prop_flat_map(|nodes| Just(nodes).prop_shuffle()),
        replicas in 1..=4_u32,
    ) {
        let new = || ShardMap::builder("m").slot_bits(8).replicas(replicas);
        let Ok(fresh) = new().nodes(last.clone()).build() else { return Ok(()) };
        let Ok(changed) = new().nodes(first).build() else { return Ok(()) };

        let mut topology = Topology::new();
        last.into_iter().for_each(|node| topology.add(node).expect("it is new"));
        changed.update(|present| { *present = topology; Ok(()) }).expect("a map was built of it");

        prop_assert_eq!(slots(&fresh), slots(&changed));
        prop_assert_eq!(fresh.fingerprint(), changed.fingerprint());
    }
}
