//! Who is asked, in which order: the promises of `Candidates`, held to a slow and obvious form.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seawall_shard::{Candidates, Node, NodeState, Read, ShardMap};

use crate::support::{keys, map, nodes};

fn names(candidates: Candidates<'_>) -> Vec<String> {
    candidates.map(|member| member.name().to_owned()).collect()
}

fn states(map: &ShardMap, states: &[(&str, NodeState)]) {
    map.update(|topology| {
        states.iter().try_for_each(|&(name, state)| topology.set_state(name, state))
    })
    .expect("they are there");
}

/// Three nodes in three zones, who all have each key; asked from `eu-2`.
fn three() -> ShardMap {
    let node = |at| Node::new(format!("db-{at}")).zone(format!("eu-{at}"));
    map(ShardMap::builder("m").nodes((1..=3).map(node)).replicas(3).zone("eu-2").read_seed(7))
}

#[test]
fn a_read_of_the_primary_asks_the_owner_alone() {
    let shards = map(ShardMap::builder("m").nodes(nodes(5)).replicas(3));
    for key in keys(100) {
        assert_eq!(names(shards.candidates(&key, Read::Primary)), [shards.lookup(&key).name()]);
    }
}

#[test]
fn an_owner_that_drains_is_asked_and_one_that_is_down_is_not() {
    let shards = three();
    let owner = shards.lookup(b"k").name();

    states(&shards, &[(owner, NodeState::Draining)]);
    assert_eq!(names(shards.candidates(b"k", Read::Primary)), [owner]);

    states(&shards, &[(owner, NodeState::Down)]);
    assert_eq!(names(shards.candidates(b"k", Read::Primary)), [""; 0]);
}

#[test]
fn who_is_near_comes_first_and_the_owner_before_the_others() {
    let shards = three();
    for key in keys(100) {
        let found = names(shards.candidates(&key, Read::Nearest));

        let all = shards.replicas(&key);
        let far = all.iter().map(|node| node.name()).filter(|name| *name != "db-2");
        assert_eq!(found, ["db-2"].into_iter().chain(far).collect::<Vec<_>>());
    }
}

#[test]
fn without_a_zone_of_ones_own_the_nearest_are_in_the_order_of_the_slot() {
    let shards = map(ShardMap::builder("m").nodes(nodes(5)).replicas(4));
    for key in keys(100) {
        let all: Vec<_> = shards.replicas(&key).iter().map(|node| node.name()).collect();
        assert_eq!(names(shards.candidates(&key, Read::Nearest)), all);
    }
}

#[test]
fn who_drains_is_passed_over_though_it_is_near() {
    let shards = three();
    states(&shards, &[("db-2", NodeState::Draining)]);
    for read in [Read::Nearest, Read::Any] {
        let found = names(shards.candidates(b"k", read));
        assert_eq!((found.len(), found[2].as_str()), (3, "db-2"), "{read:?}");
    }
}

#[test]
fn where_all_are_down_nobody_is_asked() {
    let shards = three();
    states(&shards, &["db-1", "db-2", "db-3"].map(|name| (name, NodeState::Down)));
    for read in [Read::Primary, Read::Nearest, Read::Any] {
        assert_eq!(shards.candidates(b"k", read).first().map(|node| node.name()), None, "{read:?}");
    }
}

/// Also with one of four down: an order that only began elsewhere would give its neighbour a double share.
#[test]
fn any_shares_reads_evenly_among_those_that_are_up() {
    let shards = map(ShardMap::builder("m").nodes(nodes(4)).replicas(4).read_seed(1));
    for down in [None, Some("db-001")] {
        states(&shards, &down.map(|name| (name, NodeState::Down)).into_iter().collect::<Vec<_>>());
        let mut asked = BTreeMap::new();
        for _ in 0..12_000 {
            let first = shards.candidates(b"k", Read::Any).first().expect("some are up");
            *asked.entry(first.name()).or_insert(0_i32) += 1;
        }
        let up = 4 - down.iter().len() as i32;
        assert_eq!(asked.len() as i32, up);
        let even = 12_000 / up;
        assert!(asked.values().all(|count| (count - even).abs() < 300), "{asked:?}"); // six sigma
    }
}

#[test]
fn any_draws_the_same_for_the_same_seed() {
    let draw = || {
        let shards = map(ShardMap::builder("m").nodes(nodes(4)).replicas(4).read_seed(9));
        (0..50).map(|_| names(shards.candidates(b"k", Read::Any))).collect::<Vec<_>>()
    };
    assert_eq!(draw(), draw());
}

#[test]
fn a_zone_without_a_name_is_refused() {
    let refused = ShardMap::builder("m").nodes(nodes(2)).zone("").build().map(drop);
    assert_eq!(refused.expect_err("it has no name").field(), "zone");
}

fn any_state() -> impl Strategy<Value = NodeState> {
    prop_oneof![Just(NodeState::Active), Just(NodeState::Draining), Just(NodeState::Down)]
}

proptest! {
    #[test]
    fn candidates_are_those_that_are_up_in_the_order_of_preference(
        members in prop::collection::vec((0..3_u8, any_state()), 1..8),
        replicas in 1..=4_u32,
        key: u64,
    ) {
        let described = (0..).zip(&members).map(|(at, &(zone, state))| {
            Node::new(format!("db-{at}")).zone(format!("eu-{zone}")).state(state)
        });
        let builder = ShardMap::builder("m").nodes(described).replicas(replicas).slot_bits(8);
        let shards = map(builder.zone("eu-0"));

        let mut expected: Vec<_> = shards.replicas(&key).iter().collect();
        expected.retain(|node| node.state() != NodeState::Down);
        expected.sort_by_key(|node| (node.state() != NodeState::Active, node.zone() != Some("eu-0")));
        let expected: Vec<_> = expected.iter().map(|node| node.name().to_owned()).collect();
        prop_assert_eq!(names(shards.candidates(&key, Read::Nearest)), &*expected);

        let mut any = names(shards.candidates(&key, Read::Any));
        any.sort();
        let mut sorted = expected;
        sorted.sort();
        prop_assert_eq!(any, sorted);
    }
}
