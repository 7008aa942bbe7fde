//! What a look-up costs: no allocation.

#![cfg(not(seawall_loom))]

mod support;

use std::hint::black_box;

use seawall_shard::{Node, ShardMap};
use seawall_test::{CountingAllocator, allocations};

use self::support::{map, nodes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();

#[test]
fn a_look_up_allocates_nothing() {
    let shards = map(ShardMap::builder("m").nodes(nodes(10)).replicas(3));
    for joins in 0..2 {
        let (found, count) = allocations(|| {
            let owner = shards.lookup(b"user:42").name();
            let replicas =
                shards.replicas("user:43").iter().map(|each| each.name().len()).sum::<usize>();
            black_box((owner, replicas, shards.slot_of(&42_u64), shards.epoch()))
        });
        assert_eq!((count, found.1), (0, 18), "after {joins} joins");
        shards.update(|topology| topology.add(Node::new("db-new"))).expect("it is new");
        shards.update(|topology| topology.remove("db-new").map(drop)).expect("it was added");
    }
}
