//! What a look-up costs: no allocation, in the map and in each placement of a fleet.

#![cfg(not(seawall_loom))]

mod support;

use std::hint::black_box;

use seawall_shard::{
    Node, ShardMap,
    fleet::{Jump, JumpBack, Maglev, Memento, Place, RingHash, RingHashBuilder},
};
use seawall_test::{CountingAllocator, allocations};

use self::support::{map, nodes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();

/// Looked up by bytes, by text and by hash.
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

#[test]
fn a_look_up_in_an_explicit_map_allocates_nothing() {
    let shards = map(ShardMap::builder("m").nodes(nodes(10)).explicit(1024).replicas(2));

    let (found, count) = allocations(|| {
        let slot = shards.slot_of(b"user:42");
        let of_slot = shards.replicas_of_slot(slot).map(|found| found.owner().name());
        let found = shards.replicas(b"user:42");
        let second = found.get(1).map(|node| (node.zone(), node.state(), node.weight()));
        black_box((of_slot, found.into_iter().len(), second, shards.lookup(b"user:42").name()))
    });

    assert_eq!((count, found.0, found.1), (0, Some(found.3), 2));
}

/// One that has come after an update, or in a table that follows another, is found as the others are.
#[test]
fn a_look_up_of_a_newcomer_allocates_nothing() {
    let shards = map(ShardMap::builder("m").nodes(nodes(2)).slot_bits(8));
    for name in 0..40 {
        let name = format!("db-new-{name}"); // more than there are cells: the table is followed
        shards.update(|topology| topology.add(Node::new(name.clone()))).expect("it is new");

        let (found, count) = allocations(|| {
            let names = (0..256_u64).map(|top| shards.lookup(&(top << 56)).name());
            black_box(names.filter(|found| *found == name).count())
        });

        assert!(count == 0 && found > 0, "{name}: {found} slots, {count} allocations");
        shards.update(|topology| topology.remove(&name).map(drop)).expect("it was added");
    }
}

#[test]
fn a_look_up_in_a_fleet_allocates_nothing() {
    let names = || (0..50).map(|at| format!("10.0.0.{at}:80"));
    let ring = |ring| names().fold(ring, |ring: RingHashBuilder, name| ring.node(name, 1));
    costs_nothing("envoy", &ring(RingHash::envoy()).build().expect("it is sound"));
    costs_nothing("grpc", &ring(RingHash::grpc()).build().expect("it is sound"));
    let maglev = names().fold(Maglev::envoy(), |table, name| table.node(name, 1));
    costs_nothing("maglev", &maglev.build().expect("it is sound"));
    let paper = (0..)
        .zip(names())
        .fold(Maglev::paper(251), |table, (at, name)| table.node(name, at, at + 1));
    costs_nothing("maglev, of the paper", &paper.build().expect("it is sound"));

    costs_nothing("jump", &Jump::new(50).expect("it is sound"));
    costs_nothing("jump-back", &JumpBack::new(50).expect("it is sound"));
    let mut memento = Memento::new(50).expect("it is sound");
    costs_nothing("memento", &memento);
    (0..40).for_each(|bucket| memento.remove(bucket).expect("it is there"));
    costs_nothing("memento, with most of them missing", &memento);
}

#[cfg(feature = "ketama")]
#[test]
fn a_look_up_in_a_ketama_ring_allocates_nothing() {
    use seawall_shard::fleet::{Ketama, KetamaHash};

    for form in [
        Ketama::libketama,
        Ketama::libmemcached,
        Ketama::libmemcached_spy,
        Ketama::libmemcached_unweighted,
        Ketama::spymemcached,
    ] {
        let ring = (0..50).fold(form(), |ring, at| ring.node(format!("10.0.0.{at}:11211"), 1));
        costs_nothing("ketama", &ring.build().expect("it is sound"));
    }
    for hash in [KetamaHash::Md5, KetamaHash::Fnv1a64] {
        let ring = Ketama::twemproxy().key_hash(hash).node("a", 1).node("b", 2);
        costs_nothing("twemproxy", &ring.build().expect("it is sound"));
    }
}

/// Keys of many lengths: a hash may take its long ones another way than its short ones.
fn costs_nothing(name: &str, placement: &impl Place) {
    let keys: Vec<_> = (0..600).step_by(7).map(|length| vec![b'k'; length]).collect();

    let (places, count) = allocations(|| {
        let places = keys.iter().map(|key| placement.place(key));
        black_box(places.fold((0, 0), |(sum, most), place| (sum + place, place.max(most))))
    });

    assert_eq!(count, 0, "{name}");
    assert!(places.1 < placement.span(), "{name}");
}
