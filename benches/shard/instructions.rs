//! What a look-up takes in instructions, beside the best peer: the most that ours may is said at each group,
//! and `cargo xtask bench shard --instructions` fails where it is more.
//!
//! The bounds are a little above what ours is, so that it does not become dearer unseen. How long the loads
//! of a look-up take, which wait for each other, is said by the times alone.

use std::ptr;

use seawall_benches::instructions::Instructions;
use seawall_shard::{
    Member,
    fleet::{Jump, JumpBack},
};

use crate::{
    calls, fleet, join,
    lookup::{floor, of_hashes, of_keys, read},
    peers::{self, GivenHash},
    pick,
    replicas::{three, word},
    settings::{self, ALLOWED},
};

pub(crate) fn all(counted: &mut Instructions) {
    lookup(counted, "shard/lookup, hash given, 10 nodes", 10);
    lookup(counted, "shard/lookup, hash given, 1000 nodes", 1_000);
    bytes(counted);
    replicas(counted);
    placements(counted);
    balance(counted);
    joins(counted);
    through(counted);
}

fn lookup(counted: &mut Instructions, group: &'static str, nodes: usize) {
    counted.group(group, 0.38);
    let words = floor();
    counted.case("floor: one atomic load", of_hashes(|hash| read(&words, hash)));
    let ours = settings::map(nodes);
    counted.case("seawall, slot", of_hashes(|hash| ours.slot_of(&hash)));
    counted.case("seawall", of_hashes(|hash| ptr::from_ref(ours.lookup(&hash))));
    counted.case("seawall, its name", of_hashes(|hash| ours.lookup(&hash).name().as_ptr()));
    let ring = peers::hashring_given(nodes);
    counted.case("hashring", of_hashes(|hash| ring.get(&hash).map(ptr::from_ref)));
    let anchor = peers::anchorhash::<u64, GivenHash>(nodes);
    counted.case("anchorhash", of_hashes(|hash| anchor.get_resource(hash).map(ptr::from_ref)));
}

fn bytes(counted: &mut Instructions) {
    counted.group("shard/lookup, key of 16 bytes, 100 nodes", 0.16);
    let ours = settings::map(100);
    counted.case("seawall", of_keys(|key| ptr::from_ref(ours.lookup(key))));
    let ring = peers::hashring(100);
    counted.case("hashring", of_keys(|key| ring.get(key).map(ptr::from_ref)));
    let anchor = peers::anchorhash_of_bytes(100);
    counted.case("anchorhash", of_keys(|key| anchor.get_resource(*key).map(ptr::from_ref)));
    let ring = peers::consistent_hash(100);
    counted.case(
        "consistent_hash",
        of_keys(|key| ring.calc_candidates(key).next().map(ptr::from_ref)),
    );
}

/// A look-up stands for the peer: what more a replica takes is what is bounded.
fn replicas(counted: &mut Instructions) {
    counted.group("shard/owner and two replicas, to a lookup, 100 nodes", 3.1);
    let ours = settings::copied(100);
    counted.case("lookup", of_hashes(|hash| ptr::from_ref(ours.lookup(&hash))));
    counted.case("seawall, the word", of_hashes(|hash| word(&ours, hash)));
    counted.case("seawall, all three", of_hashes(|hash| three(&ours, hash)));
    counted.case(
        "seawall, all three names",
        of_hashes(|hash| three(&ours, hash).map(|node| node.map(Member::name))),
    );
}

fn placements(counted: &mut Instructions) {
    counted.group("shard/fleet, hash given, 100 nodes", 0.9);
    let ring = fleet::ketama(100);
    counted.case("seawall, ketama", of_hashes(|hash| ring.at((hash >> 32) as u32).as_ptr()));
    let table = fleet::maglev(100);
    counted.case("seawall, maglev", of_hashes(|hash| table.at(hash).as_ptr()));
    let ring = fleet::ring_hash(100);
    counted.case("seawall, ring_hash", of_hashes(|hash| ring.at(hash).as_ptr()));
    let jump = Jump::new(100).expect(ALLOWED);
    counted.case("seawall, jump", of_hashes(|hash| jump.lookup(hash)));
    let jump = JumpBack::new(100).expect(ALLOWED);
    counted.case("seawall, jump-back", of_hashes(|hash| jump.lookup(hash)));
    let memento = fleet::memento(100);
    counted.case("seawall, memento, a tenth missing", of_hashes(|hash| memento.lookup(hash)));
    counted.case("jump-consistent-hash", of_hashes(|hash| jump_consistent_hash::hash(hash, 100)));
}

fn balance(counted: &mut Instructions) {
    counted.group("shard/balance among 100", 1.0);
    let ours = pick::balance(100);
    counted.case("seawall, pick and answer", || ours.pick().expect("all are in").success());
}

/// Tower's finds a node by a product: what ours takes more for one that may change is what is bounded.
fn through(counted: &mut Instructions) {
    counted.group("shard/a call to 100 nodes", 10.0);
    counted.case("floor: the bare service", calls::calls(calls::Node));
    counted.case("seawall", calls::calls(calls::sharded(100)));
    counted.case("tower, steer", calls::calls(calls::steer(100)));
}

/// With the leave after it, as the next join needs it.
fn joins(counted: &mut Instructions) {
    let ours = settings::map(100);
    counted.group("shard/a node joins 100, and leaves", f64::INFINITY);
    let mut calls = 0_u32;
    counted.case("seawall, a hundredth of it", || {
        calls += 1;
        if calls.is_multiple_of(100) {
            join::join(&ours);
            join::leave(&ours);
        }
    });
}
