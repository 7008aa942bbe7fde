//! How long it takes a node to join a hundred.
//!
//! It leaves again before the next time, which is not timed. What a look-up finds meanwhile stands in the
//! pages of the types: ours go on, those of the peers wait, as a change takes a peer exclusively.

use std::{hint::black_box, time::Duration};

use criterion::Criterion;
use seawall_benches::{
    bursts::{self, Burst},
    group::{Group, Threads},
};
use seawall_shard::{Node, ShardMap};

use crate::{
    peers::{self, newcomer, points},
    settings::{self, ALLOWED, builder},
};

/// How many nodes are there before.
const NODES: usize = 100;

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "shard/a node joins 100", Threads::One);
    ours(&mut group, "seawall", &settings::map(NODES));
    ours(&mut group, "seawall, two replicas", &settings::copied(NODES));
    let explicit = builder(NODES).explicit(1 << 14).build().expect(ALLOWED);
    ours(&mut group, "seawall, explicit, 2^14 slots", &explicit);

    let mut ring = peers::hashring(NODES);
    timed(
        &mut group,
        "hashring",
        &mut ring,
        |ring| ring.batch_add(points(NODES).collect()),
        |ring| {
            points(NODES).for_each(|point| _ = ring.remove(&point));
        },
    );
    timed(
        &mut group,
        "consistent_hash, built anew",
        &mut (),
        |()| drop(black_box(peers::consistent_hash(NODES + 1))),
        |()| {},
    );
    let mut ring = peers::mpchash(NODES);
    timed(
        &mut group,
        "mpchash",
        &mut ring,
        |ring| ring.add(newcomer()),
        |ring| ring.remove(&newcomer()),
    );
    let mut anchor = peers::anchorhash_of_bytes(NODES);
    timed(
        &mut group,
        "anchorhash",
        &mut anchor,
        |anchor| anchor.add_resource(newcomer()).expect("there is room"),
        |anchor| anchor.remove_resource(&newcomer()).expect("it is there"),
    );
}

fn ours(group: &mut Group<'_>, name: &str, map: &ShardMap) {
    timed(group, name, &mut &*map, |map| join(map), |map| leave(map));
}

/// One more.
pub(crate) fn join(map: &ShardMap) {
    let update = map.update(|topology| topology.add(Node::new(newcomer())));
    assert!(update.expect("it is new").owners_moved > 0);
}

/// One less.
pub(crate) fn leave(map: &ShardMap) {
    map.update(|topology| topology.remove(&newcomer()).map(drop)).expect("it is there");
}

/// Times what `join` does, and not what `leave` does.
fn timed<T>(
    group: &mut Group<'_>,
    name: &str,
    to: &mut T,
    join: impl Fn(&mut T),
    leave: impl Fn(&mut T),
) {
    group.case_timed(name, |wanted| {
        let each = (0..wanted).map(|_| {
            let burst = Burst::run(1, &mut || join(to));
            leave(to);
            burst.length()
        });
        bursts::of_median(each.collect::<Vec<Duration>>(), 1, wanted)
    });
}
