//! What it costs to find the owner of a key: with its hash given, and with the hash of its bytes to be made.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Acquire},
};

use criterion::Criterion;
use maglev::ConsistentHasher as _;
use seawall_benches::group::{Group, Threads};

use crate::{
    peers::{self, FEW, GivenHash},
    settings::{self, Hashes, SIZES},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for nodes in SIZES {
        given(criterion, nodes);
        bytes(criterion, nodes);
    }
}

fn given(criterion: &mut Criterion, nodes: usize) {
    let name = format!("shard/lookup, hash given, {nodes} nodes");
    let mut group = Group::new(criterion, &name, Threads::One);
    group.case_each("floor: one load", || of_hashes(|hash| hash));
    let words = floor();
    group.case_each("floor: one atomic load", || of_hashes(|hash| read(&words, hash)));
    let ours = settings::map(nodes);
    group.case_each("seawall, slot", || of_hashes(|hash| ours.slot_of(&hash)));
    group.case_each("seawall", || of_hashes(|hash| std::ptr::from_ref(ours.lookup(&hash))));
    group.case_each("seawall, its name", || of_hashes(|hash| ours.lookup(&hash).name().as_ptr()));

    let ring = peers::hashring_given(nodes);
    group.case_each("hashring", || of_hashes(|hash| ring.get(&hash).map(std::ptr::from_ref)));
    let anchor = peers::anchorhash::<u64, GivenHash>(nodes);
    group.case_each("anchorhash", || {
        of_hashes(|hash| anchor.get_resource(hash).map(std::ptr::from_ref))
    });
    group.case_each("jump-consistent-hash", || {
        of_hashes(|hash| jump_consistent_hash::hash(hash, black_box(nodes)))
    });
}

fn bytes(criterion: &mut Criterion, nodes: usize) {
    let name = format!("shard/lookup, key of 16 bytes, {nodes} nodes");
    let mut group = Group::new(criterion, &name, Threads::One);
    group.case_each("floor: XXH3", || of_keys(|key| seawall_shard::hash(key)));
    let ours = settings::map(nodes);
    group.case_each("seawall", || of_keys(|key| std::ptr::from_ref(ours.lookup(key))));

    let ring = peers::hashring(nodes);
    group.case_each("hashring", || of_keys(|key| ring.get(key).map(std::ptr::from_ref)));
    let ring = peers::consistent_hash(nodes);
    group.case_each("consistent_hash", || {
        of_keys(|key| ring.calc_candidates(key).next().map(std::ptr::from_ref))
    });
    let ring = peers::mpchash(nodes);
    group.case_each("mpchash", || {
        of_keys(|key| ring.node(key).map(|token| std::ptr::from_ref(token.node())))
    });
    let anchor = peers::anchorhash_of_bytes(nodes);
    group.case_each("anchorhash", || {
        of_keys(|key| anchor.get_resource(*key).map(std::ptr::from_ref))
    });
    if nodes <= FEW {
        let table = peers::maglev(nodes);
        group.case_each("maglev", || of_keys(|key| table.get(key).map(std::ptr::from_ref)));
        let ring = peers::hash_ring(nodes);
        group.case_each("hash_ring", || {
            of_keys(|key| {
                let key = String::from_utf8_lossy(key).into_owned();
                ring.get_node(key).map(std::ptr::from_ref)
            })
        });
    }
}

/// As many words as ours have slots.
pub(crate) fn floor() -> Vec<AtomicU64> {
    (0..1 << 16).map(AtomicU64::new).collect()
}

/// The least that a table can do.
#[inline]
pub(crate) fn read(words: &[AtomicU64], hash: u64) -> u64 {
    words[(hash >> 48) as usize].load(Acquire)
}

/// A call that looks up another hash each time; what it finds is where it is, and not read.
pub(crate) fn of_hashes<R>(find: impl Fn(u64) -> R) -> impl FnMut() {
    let mut hashes = Hashes::new();
    move || {
        black_box(find(hashes.next()));
    }
}

/// The same with a key of sixteen bytes.
pub(crate) fn of_keys<R>(find: impl Fn(&[u8; 16]) -> R) -> impl FnMut() {
    let mut hashes = Hashes::new();
    move || {
        black_box(find(black_box(&hashes.next_bytes())));
    }
}
