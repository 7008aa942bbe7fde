//! Real threads on real atomics: readers that look up while nodes come and go. What loom's small models leave
//! out, and what ThreadSanitizer is run on.

#![cfg(not(seawall_loom))]

#[path = "it/support/mod.rs"]
mod support;

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use seawall_core::sync::unmodelled::{AtomicBool, Ordering::Relaxed};
use seawall_shard::{Member, Node, ShardMap};

use self::support::{keys, map, nodes};

#[test]
fn readers_see_whole_slots_of_nodes_that_are_or_were_there() {
    let shards = map(ShardMap::builder("m").slot_bits(8).nodes(nodes(4)).replicas(3));
    let done = Arc::new(AtomicBool::new(false));
    let read = |clones: bool| {
        let (shards, done) = (shards.clone(), Arc::clone(&done));
        move || {
            let mut seen = 0_u64;
            while !done.load(Relaxed) {
                let clone = clones.then(|| shards.clone());
                let shards = clone.as_ref().unwrap_or(&shards);
                for key in keys(2_000) {
                    let names: Vec<_> = shards.replicas(&key).iter().map(Member::name).collect();
                    assert!(names.len() == 3, "{names:?}");
                    assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
                    seen += 1;
                }
            }
            seen
        }
    };
    let readers: Vec<JoinHandle<u64>> = (0..3).map(|at| thread::spawn(read(at > 0))).collect();

    // Sixteen cells: a table follows each twelve joins.
    for at in 0..300 {
        shards
            .update(|topology| {
                topology.remove(&format!("db-{at:03}"))?;
                topology.add(Node::new(format!("db-{:03}", at + 4)))
            })
            .expect("there is room for ever");
    }

    done.store(true, Relaxed);
    for reader in readers {
        assert!(reader.join().expect("no look-up panics") > 0);
    }
    assert_eq!(shards.epoch(), 300);
}
