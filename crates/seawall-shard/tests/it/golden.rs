//! Placements as they were when they were first released: no change of the code, of a dependency, of a
//! feature or of the platform may change one.
//!
//! Where one does, keys of a running system are looked for at nodes that do not have them. A new algorithm
//! gets a new name, or a new format; the file is never brought up to date.

use std::fmt::Write as _;

use seawall_shard::{Node, ShardMap, ShardMapBuilder};

use crate::support::map;

const GOLDEN: &str = include_str!("golden/placements.txt");

const KEYS: [&str; 6] = ["", "a", "foobar", "user:42", "user:43", "The quick brown fox"];

fn fleet() -> impl Iterator<Item = Node> {
    (0..12).map(|at| {
        let node = Node::new(format!("db-{at}")).weight(1 + at % 4 * at % 7);
        if at == 5 { node } else { node.zone(format!("eu-{}", at % 3)) }
    })
}

fn maps() -> [(&'static str, ShardMapBuilder); 6] {
    let new = || ShardMap::builder("golden").nodes(fleet());
    [
        ("rendezvous", new()),
        ("rendezvous, 3 replicas", new().replicas(3)),
        ("rendezvous, 4 replicas, 2^12 slots, seed 7", new().replicas(4).slot_bits(12).seed(7)),
        ("explicit, 16384 slots", new().explicit(16_384)),
        ("explicit, 1024 slots, 3 replicas", new().explicit(1_024).replicas(3)),
        ("one node", ShardMap::builder("golden").node(Node::new("alone"))),
    ]
}

fn written() -> String {
    let mut text = String::new();
    for (title, builder) in maps() {
        let shards = map(builder);
        write_all(&mut text, title, &shards);
        shards
            .update(|topology| {
                let _ = topology.remove("db-3"); // where it is
                topology.add(Node::new("db-x").weight(3).zone("eu-9"))
            })
            .expect("it is new");
        write_all(&mut text, &format!("{title}, db-3 left and db-x joined"), &shards);
    }
    text
}

fn write_all(text: &mut String, title: &str, shards: &ShardMap) {
    let _ = writeln!(text, "{title}: {:016x}", shards.fingerprint());
    for key in KEYS {
        let names: Vec<_> = shards.replicas(key).iter().map(|each| each.name()).collect();
        let _ = writeln!(text, "  {key:?} in {}: {}", shards.slot_of(key), names.join(" "));
    }
}

#[test]
fn placements_are_what_they_were() {
    let written = written();
    for (was, is) in GOLDEN.lines().zip(written.lines()) {
        assert_eq!(was, is);
    }
    assert_eq!(GOLDEN, written);
}
