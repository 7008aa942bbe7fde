//! Fleets, keys and counts that several tests need.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;

use seawall_shard::{Node, ShardMap, ShardMapBuilder};

/// `db-000`, `db-001`, …
pub(crate) fn nodes(count: usize) -> impl Iterator<Item = Node> {
    (0..count).map(|at| Node::new(format!("db-{at:03}")))
}

pub(crate) fn map(builder: ShardMapBuilder) -> ShardMap {
    builder.build().expect("it is sound")
}

/// The numbers of SplitMix64 from 0: keys that are hashed already.
pub(crate) fn keys(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|at| seawall_core::mix(seawall_core::GOLDEN.wrapping_mul(at)))
}

/// The names of each slot's nodes, the owner's first.
pub(crate) fn slots(map: &ShardMap) -> Vec<Vec<String>> {
    let slots = (0..map.slots()).filter_map(|slot| map.replicas_of_slot(slot));
    slots.map(|slot| slot.iter().map(|member| member.name().to_owned()).collect()).collect()
}

/// How many slots each node owns.
pub(crate) fn owned(map: &ShardMap) -> BTreeMap<String, usize> {
    let mut owned = BTreeMap::new();
    for mut slot in slots(map) {
        *owned.entry(slot.swap_remove(0)).or_default() += 1;
    }
    owned
}

/// How many keys of a million each node owns.
pub(crate) fn keys_owned(map: &ShardMap) -> BTreeMap<&str, u64> {
    let mut owned = BTreeMap::new();
    for key in keys(1_000_000) {
        *owned.entry(map.lookup(&key).name()).or_default() += 1;
    }
    owned
}
