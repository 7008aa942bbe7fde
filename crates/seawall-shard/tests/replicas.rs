//! Who has a key beside its owner: distinct nodes, spread over zones.

#![cfg(not(seawall_loom))]

mod support;

use std::collections::BTreeSet;

use seawall_shard::{Member, Node, NodeState, ShardMap, ShardMapBuilder};

use self::support::{keys, map, nodes};

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

/// With as many replicas as zones, each zone has everything: a node of a small zone has more.
#[test]
fn unequal_zones_load_the_nodes_of_the_smaller_ones() {
    let shards = map(ShardMap::builder("m").nodes(zoned(&[50, 30, 20])).replicas(3));
    let mut small = 0.0;
    for key in keys(100_000) {
        let in_small = |each: &&Member| each.zone() == Some("zone-2");
        small += shards.replicas(&key).iter().filter(in_small).count() as f64;
    }
    let ratio = small / 20.0 / (300_000.0 / 100.0);
    assert!(
        (1.6..1.75).contains(&ratio),
        "{ratio}, and 1/3 of the copies on 1/5 of the nodes is 1.67"
    );
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
