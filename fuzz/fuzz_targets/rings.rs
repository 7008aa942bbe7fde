//! Node lists from a file, a name and a weight a line: no list makes building panic; what was built names
//! nodes of the list, each ring answers with the first point that is not below, and no table has a hole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_shard::fleet::{Ketama, Maglev, RingHash};

/// What is looked up: the ends of the circle, and some of its inside.
const HASHES: [u64; 5] = [0, 1, 0x7fff_ffff_ffff_ffff, 0x9e37_79b9_7f4a_7c15, u64::MAX];

fuzz_target!(|text: &str| {
    let nodes: Vec<(&str, u32)> = text
        .lines()
        .take(64) // a thousand MD5s each are enough
        .map(|line| line.rsplit_once(' ').unwrap_or((line, "1")))
        .map(|(name, weight)| (name, weight.parse().unwrap_or(1)))
        .collect();
    rings(&nodes);
    tables(&nodes);
});

fn rings(nodes: &[(&str, u32)]) {
    for form in [
        Ketama::libketama,
        Ketama::libmemcached,
        Ketama::libmemcached_spy,
        Ketama::libmemcached_unweighted,
        Ketama::spymemcached,
        Ketama::twemproxy,
    ] {
        let builder =
            nodes.iter().fold(form(), |builder, (name, weight)| builder.node(*name, *weight));
        let Ok(ring) = builder.build() else {
            continue;
        };
        let points: Vec<_> = ring.points().collect();
        let around = points.iter().map(|(point, _)| point.wrapping_add(1));
        for hash in HASHES.iter().map(|hash| (hash >> 32) as u32).chain(around) {
            let next = points.iter().find(|(point, _)| *point >= hash).unwrap_or(&points[0]);
            assert_eq!(ring.at(hash), next.1, "{ring:?}");
        }
    }
    for form in [RingHash::envoy, RingHash::grpc] {
        let builder =
            nodes.iter().fold(form(), |builder, (name, weight)| builder.node(*name, *weight));
        let Ok(ring) = builder.max_size(1024).build() else {
            continue;
        };
        let points: Vec<_> = ring.points().collect();
        assert!(points.len() <= 1024 + 2, "{ring:?}"); // the sums round
        let around = points.iter().map(|(point, _)| point.wrapping_add(1));
        for hash in HASHES.into_iter().chain(around) {
            let next = points.iter().find(|(point, _)| *point >= hash).unwrap_or(&points[0]);
            assert_eq!(ring.at(hash), next.1, "{ring:?}");
        }
    }
}

fn tables(nodes: &[(&str, u32)]) {
    let builder =
        nodes.iter().fold(Maglev::envoy(), |builder, (name, weight)| builder.node(*name, *weight));
    if let Ok(table) = builder.table(251).build() {
        assert_eq!(table.table().len(), 251);
        assert!(table.table().all(|name| nodes.iter().any(|(node, _)| *node == name)));
    }
    let builder = nodes.iter().fold(Maglev::paper(251), |builder, (name, number)| {
        builder.node(*name, number % 256, number >> 8 & 0xff)
    });
    if let Ok(table) = builder.build() {
        let places = |node: &&(&str, u32)| table.table().filter(|name| *name == node.0).count();
        let most = nodes.iter().map(|node| places(&node)).max();
        let fewest = nodes.iter().map(|node| places(&node)).min();
        assert!(most <= fewest.map(|fewest| fewest + 1), "{table:?}");
    }
}
