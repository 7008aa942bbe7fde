//! How many bytes a table takes, and how many that is a node: what is held once it is built is counted by
//! the allocator. What building takes for a while is not in it.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use crate::{
    fleet,
    peers::{self, FEW},
    settings::{self, ALLOWED, SIZES, builder},
};

pub(crate) fn all() {
    println!("\n| nodes | case | bytes | a node |\n| ---: | --- | ---: | ---: |");
    for nodes in SIZES {
        report("seawall", nodes, settings::map);
        report("seawall, two replicas", nodes, settings::copied);
        report("seawall, explicit, 2^14 slots", nodes, |nodes| {
            builder(nodes).explicit(1 << 14).build().expect(ALLOWED)
        });
        report("seawall, ketama", nodes, fleet::ketama);
        report("seawall, maglev", nodes, fleet::maglev);
        report("seawall, ring_hash", nodes, fleet::ring_hash);
        report("seawall, memento, a tenth missing", nodes, fleet::memento);
        report("hashring", nodes, peers::hashring);
        report("consistent_hash", nodes, peers::consistent_hash);
        report("mpchash", nodes, peers::mpchash);
        report("anchorhash", nodes, peers::anchorhash_of_bytes);
        if nodes <= FEW {
            report("maglev", nodes, peers::maglev);
            report("hash_ring", nodes, peers::hash_ring);
        }
    }
}

fn report<T>(name: &str, nodes: usize, build: impl Fn(usize) -> T) {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let built = build(nodes);
    let change = region.change();
    drop(built);
    let held = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    println!("| {nodes} | {name} | {held} | {} |", held / nodes);
}
