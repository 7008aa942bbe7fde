//! What two replicas cost more than the owner alone.
//!
//! A [`Replicas`](seawall_shard::Replicas) is the word that was read: who asks for one of the three nodes has
//! that one resolved. So there are two figures: of the word, which is all that somebody pays who goes to the
//! owner and keeps the others for later, and of all three nodes.

use std::{hint::black_box, ptr};

use criterion::Criterion;
use seawall_benches::group::{Group, Threads};
use seawall_shard::{Member, ShardMap};

use crate::{
    lookup::{of_hashes, of_keys},
    peers,
    settings::{self, COPIES, SIZES},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for nodes in SIZES {
        given(criterion, nodes);
    }
    // At more of them hashring copies for milliseconds.
    for nodes in [10, 100] {
        bytes(criterion, nodes);
    }
}

fn given(criterion: &mut Criterion, nodes: usize) {
    let name = format!("shard/owner and two replicas, hash given, {nodes} nodes");
    let mut group = Group::new(criterion, &name, Threads::One);
    let ours = settings::copied(nodes);
    group.case_each("floor: lookup", || of_hashes(|hash| ptr::from_ref(ours.lookup(&hash))));
    group.case_each("floor: lookup, its name", || {
        of_hashes(|hash| ours.lookup(&hash).name().as_ptr())
    });
    group.case_each("seawall, the word", || of_hashes(|hash| word(&ours, hash)));
    group.case_each("seawall, all three", || of_hashes(|hash| three(&ours, hash)));
    group.case_each("seawall, all three names", || {
        of_hashes(|hash| three(&ours, hash).map(|node| node.map(Member::name)))
    });
}

fn bytes(criterion: &mut Criterion, nodes: usize) {
    let name = format!("shard/owner and two replicas, key of 16 bytes, {nodes} nodes");
    let mut group = Group::new(criterion, &name, Threads::One);
    let ours = settings::copied(nodes);
    group.case_each("seawall", || {
        of_keys(|key| {
            let found = ours.replicas(key);
            [Some(found.owner()), found.get(1), found.get(2)].map(|node| node.map(ptr::from_ref))
        })
    });

    let ring = peers::hashring(nodes);
    group.case_each("hashring", || of_keys(|key| ring.get_with_replicas(key, COPIES - 1)));
    let ring = peers::consistent_hash(nodes);
    group.case_each("consistent_hash", || {
        of_keys(|key| {
            let mut nodes = ring.calc_candidates(key).map(ptr::from_ref);
            [nodes.next(), nodes.next(), nodes.next()]
        })
    });
    let ring = peers::mpchash(nodes);
    group.case_each("mpchash", || of_keys(|key| black_box(ring.replicas(key, COPIES)).len()));
}

/// The word alone.
#[inline]
pub(crate) fn word(map: &ShardMap, hash: u64) -> seawall_shard::Replicas<'_> {
    map.replicas(&hash)
}

/// All three of them.
#[inline]
pub(crate) fn three(map: &ShardMap, hash: u64) -> [Option<&Member>; COPIES] {
    let found = map.replicas(&hash);
    [found.get(0), found.get(1), found.get(2)]
}
