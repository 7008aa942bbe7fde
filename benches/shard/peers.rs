//! The peers, set as [`settings`](crate::settings) says where they can be.
//!
//! | peer | what is not equal |
//! |---|---|
//! | hashring 0.3 | A ring. Has no virtual nodes: as its page proposes, 100 are added for each node. To look up replicas it copies the ring; they are neighbours on it, and may be one node. Hashes by SipHash-2-4, or as it is told. |
//! | consistent_hash 0.1 | A ring of 100 virtual nodes each, by SipHash-1-3. Replicas are distinct. Allocates one list a look-up. A ring is never changed: a node that joins builds another. |
//! | hash_ring 0.2 | A ring of 100 virtual nodes each, by XXH64 of a `String`. Goes through the points from the first: left out above 100 nodes. |
//! | mpchash 2 | A ring of one point a node, and 23 probes a key, by XXH3. |
//! | anchorhash 0.2 | No ring: numbered buckets, of which any may leave, as many again kept free. Each client must know in which order nodes came and left. |
//! | jump-consistent-hash 0.1 | No ring: numbers, of which only the last one leaves, and no node is resolved. |
//! | maglev 0.2 | A table, built anew for each change by way of 8 bytes for each node and place: left out above 100 nodes. |

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
};

use anchorhash::AnchorHash;
use consistent_hash::{DefaultHash, StaticHashRing};
use hashring::HashRing;
use maglev::Maglev;
use seawall_core::mix;

use crate::settings::{name, names};

/// How many points a node has on a ring.
pub(crate) const POINTS: usize = 100;
/// The most nodes of those peers that go through all of them, or keep a list for each.
pub(crate) const FEW: usize = 100;

/// A point of a node on a ring. With [`Given`] its hash is a number that was mixed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) node: u32,
    place: u64,
}

impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.place);
    }
}

/// A hasher for what is hashed already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given(u64);

impl Hasher for Given {
    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a hash is one number");
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type GivenHash = BuildHasherDefault<Given>;

/// The points of one node.
pub(crate) fn points(node: usize) -> impl Iterator<Item = Point> {
    let first = mix(node as u64);
    (0..POINTS as u64).map(move |at| Point { node: node as u32, place: mix(first ^ at) })
}

/// hashring, as it is where nothing is set.
pub(crate) fn hashring(nodes: usize) -> HashRing<Point> {
    filled(HashRing::new(), nodes)
}

/// hashring, by a hash that is given.
pub(crate) fn hashring_given(nodes: usize) -> HashRing<Point, GivenHash> {
    filled(HashRing::with_hasher(GivenHash::default()), nodes)
}

fn filled<S: BuildHasher>(mut ring: HashRing<Point, S>, nodes: usize) -> HashRing<Point, S> {
    ring.batch_add((0..nodes).flat_map(points).collect());
    ring
}

/// consistent_hash.
pub(crate) fn consistent_hash(nodes: usize) -> StaticHashRing<'static, String, (), DefaultHash> {
    let nodes = names(nodes).map(|name| consistent_hash::Node::new(name).quantity(POINTS));
    StaticHashRing::new(DefaultHash, nodes)
}

/// hash_ring.
pub(crate) fn hash_ring(nodes: usize) -> hash_ring::HashRing<String> {
    hash_ring::HashRing::new(names(nodes).collect(), POINTS as isize)
}

/// mpchash.
pub(crate) fn mpchash(nodes: usize) -> mpchash::HashRing<String> {
    let ring = mpchash::HashRing::new();
    names(nodes).for_each(|name| ring.add(name));
    ring
}

/// anchorhash of keys `K`, by its own hash or one that is given.
pub(crate) fn anchorhash<K: Hash, S: BuildHasher + Default>(
    nodes: usize,
) -> AnchorHash<K, String, S> {
    let builder = anchorhash::Builder::with_hasher(S::default()).with_resources(names(nodes));
    builder.build(2 * nodes as u16)
}

/// anchorhash, as it is where nothing is set.
pub(crate) fn anchorhash_of_bytes(nodes: usize) -> AnchorHash<[u8; 16], String, RandomState> {
    anchorhash(nodes)
}

/// maglev, with as many places as ours have slots, or nearly.
pub(crate) fn maglev(nodes: usize) -> Maglev<String> {
    Maglev::with_capacity(names(nodes).collect::<Vec<_>>(), 65_537)
}

/// The name of a node that joins.
pub(crate) fn newcomer() -> String {
    name(1_000_000)
}
