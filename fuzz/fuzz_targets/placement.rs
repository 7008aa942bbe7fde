//! Placements from a file: no text makes reading or building panic; what is read is written and read back
//! as the same; a map that is built names nodes of the file, and is built again from its own spec; and a
//! change does what its plan said.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_shard::{Node, NodeState, PlacementSpec, ShardMap, Topology};

/// The table of a larger one is filled in the same way, and takes more of the fuzzer's seconds.
const MOST_BITS: u32 = 10;

/// What is looked up: the ends of the hashes, and some of their inside.
const HASHES: [u64; 5] = [0, 1, 0x7fff_ffff_ffff_ffff, 0x9e37_79b9_7f4a_7c15, u64::MAX];

fuzz_target!(|text: &str| {
    let Ok(spec) = toml::from_str::<PlacementSpec>(text) else {
        return;
    };
    let written = toml::to_string(&spec).expect("what was read can be written");
    let again: PlacementSpec = toml::from_str(&written).expect("what was written can be read");
    assert_eq!(again, spec, "{text:?} was written as {written:?}");
    assert_eq!(again.fingerprint(), spec.fingerprint());
    if (MOST_BITS + 1..=22).contains(&spec.slot_bits) || spec.nodes.len() > 64 {
        return;
    }

    let Ok(map) = ShardMap::builder("fuzz").spec(spec.clone()).build() else {
        return;
    };
    for hash in HASHES {
        let owner = map.lookup(&hash).name();
        let node = spec.nodes.iter().find(|node| *node.name == *owner);
        assert!(node.is_some_and(|node| node.weight > 0), "{owner} in {text:?}");
        let mut found: Vec<_> = map.replicas(&hash).iter().map(|node| node.name()).collect();
        assert!((1..=spec.replicas as usize).contains(&found.len()), "{found:?} in {text:?}");
        found.sort_unstable();
        assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "{found:?} in {text:?}");
    }
    assert_eq!(built(&map.spec()).fingerprint(), map.fingerprint(), "{text:?}");

    let first = spec.nodes[0].name.to_string();
    for change in [
        |topology: &mut Topology, _: &str| topology.add(Node::new("one more")),
        |topology: &mut Topology, name: &str| topology.set_state(name, NodeState::Draining),
        |topology: &mut Topology, name: &str| topology.set_zone(name, "elsewhere"),
        |topology: &mut Topology, name: &str| topology.remove(name).map(drop),
    ] {
        let mut next = map.topology();
        if change(&mut next, &first).is_err() {
            continue;
        }
        let Ok(plan) = map.plan(&next) else {
            continue; // nobody with a weight is left
        };
        let update = map.update(|topology| Ok(*topology = next)).expect("it was planned");
        assert_eq!(update.owners_moved, plan.stats().owners_moved, "{text:?}");
        assert_eq!(update.copies_moved, plan.stats().copies_moved, "{text:?}");
        assert_eq!(built(&map.spec()).fingerprint(), map.fingerprint(), "{text:?}");
    }
});

fn built(spec: &PlacementSpec) -> ShardMap {
    ShardMap::builder("again").spec(spec.clone()).build().expect("a map's own spec is sound")
}
