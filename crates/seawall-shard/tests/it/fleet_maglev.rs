//! Maglev: tables of others, and what is even about them.

use std::collections::BTreeMap;

use crate::fleet_support::tally;
use proptest::prelude::*;
use seawall_shard::fleet::Maglev;
use xxhash_rust::xxh64::xxh64;

fn paper(walks: &[(&str, u32, u32)]) -> String {
    let builder = walks.iter().fold(Maglev::paper(7), |builder, (name, offset, step)| {
        builder.node(*name, *offset, *step)
    });
    builder.build().expect("a table").table().collect::<Vec<_>>().join(" ")
}

fn envoy(nodes: usize, places: u32) -> Maglev {
    let builder =
        (0..nodes).fold(Maglev::envoy(), |builder, node| builder.node(node.to_string(), 1));
    builder.table(places).build().expect("a table")
}

/// The most and the fewest places of a node.
fn extremes(table: &Maglev) -> (u64, u64) {
    let counts = tally(table.table());
    let counts = || table.nodes().map(|node| counts.get(node).copied().unwrap_or(0));
    (counts().max().expect("a node"), counts().min().expect("a node"))
}

/// Table 1 of the paper (NSDI 2016).
#[test]
fn the_table_is_that_of_the_paper() {
    assert_eq!(paper(&[("0", 3, 4), ("1", 0, 2), ("2", 3, 1)]), "1 0 1 0 2 2 0");
    assert_eq!(paper(&[("0", 3, 4), ("2", 3, 1)]), "0 0 0 0 2 2 2");
}

/// The test of go-maglev (dgryski): the same walks, and the second node dead.
#[test]
fn the_table_is_that_of_go_maglev() {
    assert_eq!(paper(&[("0", 2, 4), ("1", 0, 5), ("2", 1, 2)]), "1 2 0 2 0 1 0");
    assert_eq!(paper(&[("0", 2, 4), ("2", 1, 2)]), "0 2 0 2 0 2 0");
}

/// The tables of Envoy's own test (`maglev_lb_test.cc`), by address and by host name.
#[test]
fn the_table_is_that_of_envoy() {
    for (prefix, expected) in [("127.0.0.1:", [2, 4, 0, 1, 5, 0, 3]), ("", [2, 5, 0, 3, 4, 1, 0])] {
        for order in [[0, 1, 2, 3, 4, 5], [5, 3, 1, 0, 2, 4]] {
            let builder = order.iter().fold(Maglev::envoy().table(7), |builder, node| {
                builder.node(format!("{prefix}{}", 90 + node), 1)
            });
            let table = builder.build().expect("a table");

            let expected = expected.map(|node| format!("{prefix}{}", 90 + node));
            assert_eq!(table.table().collect::<Vec<_>>(), expected);
            for hash in 0..21 {
                assert_eq!(table.at(hash), expected[hash as usize % 7]);
            }
        }
    }
}

/// Weighted hosts in Envoy's own test.
#[test]
fn a_node_has_places_by_its_weight() {
    let table = Maglev::envoy().node("127.0.0.1:90", 1).node("127.0.0.1:91", 2).build();
    let table = table.expect("a table");

    assert_eq!(extremes(&table), (43_691, 21_846));
    assert_eq!(tally(table.table())["127.0.0.1:90"], 21_846);
}

#[test]
fn no_node_has_more_than_one_place_more_than_another() {
    for nodes in [1, 2, 3, 10, 100, 1_000] {
        let (most, fewest) = extremes(&envoy(nodes, 65_537));
        assert!(most - fewest <= 1, "{nodes}: {most} and {fewest}");
    }
    assert_eq!(extremes(&envoy(1_009, 1_009)), (1, 1)); // as many nodes as places
    assert_eq!(extremes(&envoy(65_535, 65_537)), (2, 1));
}

/// More than its own, and how much more: the price of an even table.
#[test]
fn a_node_that_leaves_moves_some_keys_of_others() {
    for (nodes, places, most) in
        [(10, 65_537, 1.06), (100, 65_537, 1.8), (1_000, 65_537, 8.0), (100, 655_373, 1.25)]
    {
        let before = envoy(nodes, places);
        let after = envoy(nodes - 1, places); // without the last one

        let moved =
            before.table().zip(after.table()).filter(|(before, after)| before != after).count();

        let times = moved as f64 * nodes as f64 / f64::from(places);
        assert!((1.0..=most).contains(&times), "{nodes} of {places}: {times} times its share");
    }
}

/// Envoy's procedure (`maglev_lb.cc`) without what makes it fast: walks by product and modulo.
fn slowly(nodes: &BTreeMap<String, u32>, places: u64) -> Vec<&str> {
    let total: f64 = nodes.values().map(|weight| f64::from(*weight)).sum();
    let share = |name: &str| f64::from(nodes[name]) / total;
    let largest = nodes.keys().map(|name| share(name)).fold(0.0, f64::max);
    let mut walks: Vec<_> = nodes.keys().map(|name| (name.as_str(), 0, 0.0)).collect();
    let mut table = vec![None; places as usize];
    for round in 1.. {
        for (name, next, target) in &mut walks {
            if table.iter().all(Option::is_some) {
                return table.into_iter().flatten().collect();
            }
            if f64::from(round) * share(name) < *target {
                continue;
            }
            *target += largest;
            let offset = xxh64(name.as_bytes(), 0) % places;
            let skip = xxh64(name.as_bytes(), 1) % (places - 1) + 1;
            let place = loop {
                let place = (offset + skip * *next) % places;
                *next += 1;
                if table[place as usize].is_none() {
                    break place as usize;
                }
            };
            table[place] = Some(*name);
        }
    }
    unreachable!("a table fills")
}

proptest! {
    #[test]
    fn the_table_is_that_of_the_slow_procedure(
        nodes in prop::collection::btree_map("[a-z]{1,6}", 1_u32..7, 1..12),
        places in prop::sample::select(vec![13_u32, 31, 61, 127]),
    ) {
        let builder = nodes.iter().fold(Maglev::envoy().table(places), |builder, (name, weight)| {
            builder.node(name.as_str(), *weight)
        });
        let table = builder.build().expect("a table");

        prop_assert_eq!(table.table().collect::<Vec<_>>(), slowly(&nodes, places.into()));
    }

    #[test]
    fn the_order_in_which_nodes_are_given_does_not_matter(
        nodes in prop::collection::btree_map("[a-z]{1,6}", 1_u32..50, 1..30).prop_flat_map(|nodes| {
            let nodes: Vec<_> = nodes.into_iter().collect();
            (Just(nodes.clone()), Just(nodes).prop_shuffle())
        }),
    ) {
        let build = |nodes: &[(String, u32)]| {
            let builder = nodes.iter().fold(Maglev::envoy().table(251), |builder, (name, weight)| {
                builder.node(name.as_str(), *weight)
            });
            builder.build().expect("a table")
        };
        let (one, other) = (build(&nodes.0), build(&nodes.1));

        prop_assert!(one.table().eq(other.table()));
    }

    #[test]
    fn the_papers_table_is_even_for_all_walks(
        walks in prop::collection::vec((0_u32..251, 1_u32..251), 1..251),
    ) {
        let builder = walks.iter().enumerate().fold(Maglev::paper(251), |builder, (node, walk)| {
            builder.node(node.to_string(), walk.0, walk.1)
        });
        let (most, fewest) = extremes(&builder.build().expect("a table"));

        prop_assert!(most - fewest <= 1 && fewest >= 1);
    }
}
