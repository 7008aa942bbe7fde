//! The placements that are shared with others, with the hash given that each of them takes.

use std::hint::black_box;

use criterion::Criterion;
use seawall_benches::group::{Group, Threads};
use seawall_shard::fleet::{Jump, JumpBack, Ketama, Maglev, Memento, RingHash};

use crate::{
    lookup::of_hashes,
    settings::{ALLOWED, names},
};

/// One number in so many is missing, where some are.
const MISSING: usize = 10;

pub(crate) fn all(criterion: &mut Criterion) {
    for nodes in [10, 100, 1_000] {
        let name = format!("shard/fleet, hash given, {nodes} nodes");
        let mut group = Group::new(criterion, &name, Threads::One);
        let (ring, table) = (ketama(nodes), maglev(nodes));
        group.case_each("seawall, ketama", || {
            of_hashes(|hash| ring.at((hash >> 32) as u32).as_ptr())
        });
        group.case_each("seawall, maglev", || of_hashes(|hash| table.at(hash).as_ptr()));
        let ring = ring_hash(nodes);
        group.case_each("seawall, ring_hash", || of_hashes(|hash| ring.at(hash).as_ptr()));

        let jump = Jump::new(nodes as u32).expect(ALLOWED);
        group.case_each("seawall, jump", || of_hashes(|hash| black_box(&jump).lookup(hash)));
        let jump = JumpBack::new(nodes as u32).expect(ALLOWED);
        group.case_each("seawall, jump-back", || of_hashes(|hash| black_box(&jump).lookup(hash)));
        let memento = memento(nodes);
        group.case_each("seawall, memento, a tenth missing", || {
            of_hashes(|hash| black_box(&memento).lookup(hash))
        });
        group.case_each("jump-consistent-hash", || {
            of_hashes(|hash| jump_consistent_hash::hash(hash, black_box(nodes)))
        });
    }
}

/// In the form of libketama, 160 points a node.
pub(crate) fn ketama(nodes: usize) -> Ketama {
    let builder = names(nodes).fold(Ketama::libketama(), |builder, name| builder.node(name, 1));
    builder.build().expect(ALLOWED)
}

/// In Envoy's form, 65 537 places.
pub(crate) fn maglev(nodes: usize) -> Maglev {
    let builder = names(nodes).fold(Maglev::envoy(), |builder, name| builder.node(name, 1));
    builder.build().expect(ALLOWED)
}

/// In Envoy's form, 100 points a node.
pub(crate) fn ring_hash(nodes: usize) -> RingHash {
    let builder = names(nodes).fold(RingHash::envoy(), |builder, name| builder.node(name, 1));
    builder.min_size(100 * nodes as u32).build().expect(ALLOWED)
}

/// With a tenth of its buckets missing, here and there.
pub(crate) fn memento(nodes: usize) -> Memento {
    let mut memento = Memento::new(nodes as u32).expect(ALLOWED);
    for bucket in (0..nodes as u32).step_by(MISSING) {
        memento.remove(bucket).expect("it is there");
    }
    memento
}
