//! What a plan says, against what an update does.

use proptest::prelude::*;
use seawall_shard::{Node, NodeState, Plan, Role, ShardMap, Topology};

use crate::support::{map, nodes, slots};

fn lane(role: Role) -> usize {
    match role {
        Role::Owner => 0,
        Role::Replica(place) => place.into(),
        _ => unreachable!("there are no others"),
    }
}

/// Whether the plan says what happened, slot by slot, and says it as shortly as can be.
fn agrees(plan: &Plan, before: &[Vec<String>], after: &[Vec<String>]) -> Result<(), TestCaseError> {
    let bits = before.len().trailing_zeros();
    let mut told = before.to_vec();
    told.iter_mut().for_each(|slot| slot.resize(4, String::new()));
    for each in plan.moves() {
        let (first, last) = (*each.slots.start(), *each.slots.end());
        prop_assert_eq!(*each.hashes.start(), u64::from(first) << (64 - bits));
        let end = (u128::from(last) + 1) << (64 - bits);
        prop_assert_eq!(u128::from(*each.hashes.end()) + 1, end);
        for slot in each.slots.clone() {
            let slot = slot as usize;
            let to = each.to.as_deref().unwrap_or_default();
            prop_assert_eq!(&told[slot][lane(each.role)], each.from.as_deref().unwrap_or_default());
            prop_assert_eq!(
                each.copies,
                !to.is_empty() && !before[slot].iter().any(|name| name == to)
            );
            told[slot][lane(each.role)] = to.to_owned();
        }
    }
    told.iter_mut().for_each(|slot| slot.retain(|name| !name.is_empty()));
    prop_assert_eq!(&told, after);

    for pair in plan.moves().windows(2) {
        let [a, b] = pair else { unreachable!("windows of two") };
        let follows = a.role == b.role && a.slots.end() + 1 == *b.slots.start();
        prop_assert!((a.role, *a.slots.end()) < (b.role, *b.slots.start()), "sorted and disjoint");
        prop_assert!(
            !follows || (&a.from, &a.to, a.copies) != (&b.from, &b.to, b.copies),
            "merged"
        );
    }
    let owners = before.iter().zip(after).filter(|(old, new)| old[0] != new[0]).count();
    let new_to = |a: &[String], b: &[String]| b.iter().filter(|name| !a.contains(name)).count();
    let copies = before.iter().zip(after).map(|(old, new)| new_to(old, new)).sum::<usize>();
    let drops = before.iter().zip(after).map(|(old, new)| new_to(new, old)).sum::<usize>();
    let stats = plan.stats();
    prop_assert_eq!((stats.slots, stats.owners_moved), (before.len(), owners));
    prop_assert_eq!((stats.copies_moved, stats.copies_dropped), (copies, drops));
    Ok(())
}

fn topology() -> impl Strategy<Value = Topology> {
    let node = (0..6_u32, 0..4_u32, 0..6_u8);
    prop::collection::btree_map(0..15_u32, node, 1..10).prop_map(|nodes| {
        let mut topology = Topology::new();
        for (name, (weight, zone, state)) in nodes {
            let state = if state == 0 { NodeState::Draining } else { NodeState::Active };
            let node = Node::new(format!("n{name}")).weight(weight).state(state);
            let node = if zone == 0 { node } else { node.zone(format!("z{zone}")) };
            topology.add(node).expect("it is new");
        }
        topology
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_what_an_update_does(
        before in topology(),
        after in topology(),
        replicas in 1..=4_u32,
        explicit in any::<bool>(),
    ) {
        let builder = ShardMap::builder("m").slot_bits(8).replicas(replicas).nodes(before.nodes().to_vec());
        let builder = if explicit { builder.explicit(256) } else { builder };
        let Ok(shards) = builder.build() else { return Ok(()) };
        let Ok(plan) = shards.plan(&after) else { return Ok(()) };
        let before = slots(&shards);

        let update = shards.update(|topology| { *topology = after.clone(); Ok(()) });

        let update = update.expect("it could be planned");
        agrees(&plan, &before, &slots(&shards))?;
        prop_assert_eq!(update.owners_moved, plan.stats().owners_moved);
        prop_assert_eq!(update.copies_moved, plan.stats().copies_moved);
        prop_assert!(shards.plan(&after).expect("it is the same").is_empty());
    }
}

#[test]
fn a_plan_moves_nothing() {
    let shards = map(ShardMap::builder("m").nodes(nodes(3)));
    let before = (slots(&shards), shards.fingerprint(), shards.epoch(), shards.topology());
    let mut topology = shards.topology();
    topology.remove("db-001").expect("it is there");
    topology.add(Node::new("new")).expect("it is new");

    let plan = shards.plan(&topology).expect("it can be");

    assert!(!plan.is_empty());
    assert_eq!((slots(&shards), shards.fingerprint(), shards.epoch(), shards.topology()), before);
}

#[test]
fn one_that_takes_over_everything_is_one_move_over_all_hashes() {
    let shards = map(ShardMap::builder("m").node(Node::new("old")));
    let mut topology = Topology::new();
    topology.add(Node::new("new")).expect("it is new");

    let plan = shards.plan(&topology).expect("it can be");

    let [only] = plan.moves() else { panic!("one move: {plan:?}") };
    assert_eq!((only.slots.clone(), only.hashes.clone()), (0..=65_535, 0..=u64::MAX));
    assert_eq!(
        (only.from.as_deref(), only.to.as_deref(), only.copies),
        (Some("old"), Some("new"), true)
    );
}

#[test]
fn a_drain_is_a_plan_that_leaves_the_node_with_nothing() {
    let shards = map(ShardMap::builder("m").explicit(1_024).nodes(nodes(4)).replicas(2));
    let update = shards.update(|topology| topology.set_state("db-002", NodeState::Draining));
    assert_eq!(update.expect("it is there").owners_moved, 256);
    assert!(slots(&shards).iter().flatten().all(|name| name != "db-002"));
}

#[test]
fn what_cannot_be_a_topology_cannot_be_planned() {
    let shards = map(ShardMap::builder("m").nodes(nodes(3)));
    let error = shards.plan(&Topology::new()).expect_err("there are no nodes");
    assert_eq!(error.field(), "nodes");
}
