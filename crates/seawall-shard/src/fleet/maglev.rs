//! Maglev: a table in which every node has the same number of places, to within one.
//!
//! # How it decides
//!
//! Each node walks through the table in a permutation of its own, from an offset and with a step (which meets
//! every place, since the table's size is a prime). Nodes take turns: each takes the first place of its walk
//! that is free, until none is (D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
//! Balancer", NSDI 2016). A key belongs to whoever has the place at its hash modulo the table's size.
//!
//! Two forms: Envoy's, where XXH64 of a node's name makes its offset and its step, nodes take turns in the
//! order of their names, and a lighter node sits out turns; and the paper's, where the caller gives offsets
//! and steps, as the fleet's other clients make them, and the order.
//!
//! # What it promises
//!
//! 1. The table is that of Envoy's `maglev` policy, or of the paper, in all versions of this crate.
//! 2. With equal weights no node has more than one place more than another.
//! 3. Envoy's form does not depend on the order in which nodes were given.
//!
//! It does *not* promise that keys stay where they were: when a node comes or goes, some of the others'
//! places change hands as well (the page of [`fleet`](super) has figures).

mod builder;
mod table;

use std::fmt;

use xxhash_rust::xxh64::xxh64;

pub use self::builder::{MaglevBuilder, MaglevPaperBuilder};
use super::{members::Members, place::Place};
use crate::ShardKey;

/// A table that is shared evenly, to the place.
///
/// Take it where Envoy or another Maglev routes to the same fleet, or where no node may have a hundredth
/// more than another and it matters less that a few more keys move than must.
///
/// # Examples
///
/// How do I reach the same backend as the Envoy in front of me?
///
/// ```
/// # use seawall_shard::fleet::Maglev;
/// // A cluster with `lb_policy: MAGLEV`, whose routes hash one header.
/// let table = Maglev::envoy().node("10.0.0.1:8080", 1).node("10.0.0.2:8080", 2).build()?;
/// let backend = table.lookup(b"user:42"); // the header's value
/// assert!(table.nodes().any(|node| node == backend));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
///
/// How do I share a table with a balancer that hashes in its own way?
///
/// ```
/// # use seawall_shard::fleet::Maglev;
/// let table = Maglev::paper(7)
///     .node("B0", 3, 4) // offset and step, by that balancer's two hashes
///     .node("B1", 0, 2)
///     .node("B2", 3, 1)
///     .build()?;
/// let owners: Vec<_> = (0..7).map(|place| table.at(place)).collect();
/// assert_eq!(owners, ["B1", "B0", "B1", "B0", "B2", "B2", "B0"]); // the paper's own example
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Maglev {
    nodes: Box<[Box<str>]>,
    table: Box<[u16]>,
    keys: Keys,
}

/// How a key's bytes become its hash.
#[derive(Clone, Copy, Debug)]
enum Keys {
    /// Envoy's XXH64.
    Xxh64,
    /// XXH3, this crate's own: the paper leaves it open.
    Xxh3,
}

impl Maglev {
    /// As Envoy does, with a table of 65537 places.
    #[must_use]
    pub fn envoy() -> MaglevBuilder {
        MaglevBuilder::new()
    }

    /// As the paper does, with a table of `size` places: offsets and steps are given.
    #[must_use]
    pub fn paper(size: u32) -> MaglevPaperBuilder {
        MaglevPaperBuilder::new(size)
    }

    /// The node to which the key with these bytes belongs.
    #[inline]
    #[must_use]
    pub fn lookup(&self, key: &[u8]) -> &str {
        self.at(self.hash(key))
    }

    /// The node to which a key with this hash belongs.
    #[inline]
    #[must_use]
    pub fn at(&self, hash: u64) -> &str {
        &self.nodes[self.owner(hash)]
    }

    /// The key's hash: XXH64 with seed 0 in Envoy's form, as it makes it of one header's value, and
    /// [`hash`](crate::hash) in the paper's.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> u64 {
        match self.keys {
            Keys::Xxh64 => xxh64(key, 0),
            Keys::Xxh3 => key.shard_hash(),
        }
    }

    /// The nodes, in the order in which they were given.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.nodes.iter().map(AsRef::as_ref)
    }

    /// Who has each place of the table, to compare with another side's.
    #[must_use]
    pub fn table(&self) -> impl ExactSizeIterator<Item = &str> {
        self.table.iter().map(|node| &*self.nodes[usize::from(*node)])
    }

    #[inline]
    fn owner(&self, hash: u64) -> usize {
        // Modulo, where the top bits would be cheaper: it is what the others do.
        self.table[(hash % self.table.len() as u64) as usize].into()
    }

    fn new(nodes: Members, table: Box<[u16]>, keys: Keys) -> Self {
        Self { nodes: nodes.into_names(), table, keys }
    }
}

impl Place for Maglev {
    fn place(&self, key: &[u8]) -> usize {
        self.owner(self.hash(key))
    }

    fn span(&self) -> usize {
        self.nodes.len()
    }
}

impl fmt::Debug for Maglev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maglev")
            .field("nodes", &self.nodes)
            .field("places", &self.table.len())
            .field("keys", &self.keys)
            .finish()
    }
}
