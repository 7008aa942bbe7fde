//! What a look-up costs: no allocation, in the map and in each placement of a fleet.

use std::{hint::black_box, time::Duration};

use seawall_shard::{
    Node, Read, ShardMap,
    fleet::{Jump, JumpBack, Maglev, Memento, Place, RingHash, RingHashBuilder},
    migration::{MigrationSpec, Phase, Stretch},
    route::{BoundedLoad, Fresh, Overflow, Token},
};
use seawall_test::allocations;

use crate::support::{keys, map, nodes};

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

/// With a bound and without one, to the owner, to a replica, and on the detour of a cache.
#[test]
fn a_place_at_a_node_costs_no_allocation() {
    let builder = || ShardMap::builder("m").nodes(nodes(10)).replicas(3).zone("eu-1");
    let bound = BoundedLoad::for_latency().overflow(Overflow::AnyNode);
    for shards in [map(builder()), map(builder().bounded_load(bound))] {
        let held: Vec<_> = (0..5).map(|_| shards.route(b"user:42", Read::Primary)).collect();
        for read in [Read::Primary, Read::Nearest, Read::Any] {
            let (found, count) = allocations(|| {
                let candidates = shards.candidates(b"user:42", read);
                let reserved = candidates.clone().filter_map(|node| shards.reserve(node)).count();
                let leases = [(); 8].map(|()| shards.route(b"user:42", read));
                black_box((reserved, leases.iter().flatten().count()))
            });
            assert_eq!((count, found.1), (0, 8), "{read:?}");
        }
        drop(held);
    }
    let (refused, count) = allocations(|| {
        let shards = &map(builder()); // the map itself does: the count is not blind
        shards.route(b"user:42", Read::Primary).is_err()
    });
    assert!(!refused && count > 0);
}

#[test]
fn a_fresh_read_costs_no_allocation() {
    let shards = map(ShardMap::builder("m").nodes(nodes(3)).replicas(3).slot_bits(8));
    let behind = Fresh::after(Token::new(6)).and_within(Duration::from_secs(60));
    let fresh = Fresh::after(Token::new(5)).and_within(Duration::from_secs(60));
    for node in nodes(3) {
        shards.report_applied(&node.name, Token::new(5));
        shards.report_lag(&node.name, Duration::ZERO);
    }
    let (routed, count) = allocations(|| {
        let reads = [fresh, behind].map(|fresh| shards.try_route_fresh(b"k", Read::Any, fresh));
        reads.iter().filter(|read| read.is_ok()).count()
    });
    assert_eq!((routed, count), (2, 0), "by a replica, and by the primary");
}

#[test]
fn a_route_allocates_nothing_while_its_slot_moves() {
    let shards = map(ShardMap::builder("m").nodes(nodes(2)));
    let mut next = shards.topology();
    next.add(Node::new("db-new")).expect("it is new");
    let spec = shards.migrate(&next).expect("it is sound").spec().expect("it is not over");
    shards.follow(&spec).expect("it is the same");
    let moved = keys(1_000).find(|key| next_owner_is_new(&spec, *key)).expect("a third moves");
    let slot = shards.slot_of(&moved);
    for (epoch, phase) in (1..).zip([Phase::CatchUp, Phase::HandOff, Phase::DualRead]) {
        let to = Stretch { slots: 1, legs: 0, back: false, phase: Some(phase), cursor: None };
        let mut step = spec.clone();
        step.epoch = epoch;
        step.slots = around(slot, shards.slots(), to);
        shards.follow(&step).expect("it is the next one");
        let (phases, count) = allocations(|| {
            let (write, read) = (shards.write_route(&moved), shards.read_route(&moved));
            black_box((write.owner(), write.forward(), read.first(), read.fallback()));
            black_box(write.replicas().iter().count());
            (write.phase(), read.phase(), shards.lookup(&moved).name().len())
        });
        assert_eq!(count, 0);
        assert_eq!((phases.0, phases.1), (Some(phase), Some(phase)));
    }
}

fn next_owner_is_new(spec: &MigrationSpec, key: u64) -> bool {
    let next = ShardMap::builder("next").nodes(spec.to.clone()).build();
    next.expect("it is sound").lookup(&key).name() == "db-new"
}

/// One slot is there, all others rest.
fn around(slot: u32, slots: u32, to: Stretch) -> Vec<Stretch> {
    let rest = |slots| Stretch { slots, legs: 0, back: false, phase: None, cursor: None };
    let all = [rest(slot), to, rest(slots - slot - 1)];
    all.into_iter().filter(|stretch| stretch.slots > 0).collect()
}
