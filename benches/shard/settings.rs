//! What ours are set to, and which keys are looked up; [`peers`](crate::peers) are set the same, as far as
//! they can be.
//!
//! All nodes weigh the same, in no zone, and are called `node-0`, `node-1` and so on. Ours have 2^16 slots
//! whatever the number of nodes, as they have where nothing is set, unless a case says `2^18`.

use seawall_shard::{Node, ShardMap, ShardMapBuilder};

/// How many nodes there are.
pub(crate) const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
/// How many nodes have a key, where replicas are looked up.
pub(crate) const COPIES: usize = 3;

/// The name of a node.
pub(crate) fn name(node: usize) -> String {
    format!("node-{node}")
}

/// Names of so many nodes.
pub(crate) fn names(nodes: usize) -> impl Iterator<Item = String> {
    (0..nodes).map(name)
}

/// A map of so many nodes that is not built yet.
pub(crate) fn builder(nodes: usize) -> ShardMapBuilder {
    ShardMap::builder("bench").nodes(names(nodes).map(Node::new))
}

/// A map of so many nodes, each key at its owner alone.
pub(crate) fn map(nodes: usize) -> ShardMap {
    builder(nodes).build().expect(ALLOWED)
}

/// The same, where a key has two replicas besides.
pub(crate) fn copied(nodes: usize) -> ShardMap {
    builder(nodes).replicas(COPIES as u32).build().expect(ALLOWED)
}

/// Hashes of keys: one after the other all over the sixty-four bits, for a multiplication each.
///
/// A list of hashes would take the table's place in the caches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashes(u64);

impl Hashes {
    pub(crate) const fn new() -> Self {
        Self(42)
    }

    #[inline]
    pub(crate) const fn next(&mut self) -> u64 {
        // Knuth's generator of full period (MMIX): its upper bits, which choose a slot, are its good ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// Sixteen bytes, as a UUID has.
    #[inline]
    pub(crate) const fn next_bytes(&mut self) -> [u8; 16] {
        (((self.next() as u128) << 64) | 0x5EA_0A11).to_le_bytes()
    }
}

pub(crate) const ALLOWED: &str = "the settings of the benches are allowed";
