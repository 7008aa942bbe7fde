//! `ring_hash`: the ring of Envoy and gRPC, point by point.
//!
//! # How it decides
//!
//! A node has a point for each `name_0`, `name_1`, ... at its XXH64 (seed 0); a key belongs to the node
//! of the first point not below the key's hash, around the circle. How many points a node has follows from
//! the weights: the lightest gets the least whole number that makes the ring [`min_size`] points, the others
//! their share, and all are cut down where that would pass [`max_size`].
//!
//! Shares are not whole. The original keeps a running sum, so that a node may get a point more or less, by
//! the order in which nodes are walked: Envoy in the order given, gRPC by name. Both are done in the same
//! 64-bit floating-point operations here, rounding for rounding.
//!
//! [`min_size`]: RingHashBuilder::min_size
//! [`max_size`]: RingHashBuilder::max_size
//!
//! # What it promises
//!
//! 1. The points are those of Envoy's `ring_hash` policy with `XX_HASH`, or of gRPC's
//!    `ring_hash_experimental`, in all versions of this crate.
//! 2. A node that comes or goes moves its own keys alone, *while the others keep their points*.
//!
//! # Known faults, kept
//!
//! - *Points come and go with the neighbours.* With equal weights each node has `min_size` divided by their
//!   number, rounded up, so that ten have 103 points, eleven have 94, and with the eleventh node nine points
//!   of each other one go: 1.8 times as many keys move as must. Where there are more nodes than points
//!   wanted, each has one, and none of this happens; nor is anything balanced then.
//! - *A rounding adds a point.* `ceil(share * min_size) / share` is not always what it seems to be: 99 nodes
//!   with a `min_size` of 9900 have 101 points each, and one of them 102. So a size that is a multiple of
//!   the nodes is no remedy.
//!
//! A [`min_size`] of a hundred times the nodes that there will ever be makes points and the faults smaller.
//!
//! Where two points are equal the originals do not say who answers; here it is who was walked first.

use std::fmt;

use seawall_core::ConfigError;
use xxhash_rust::xxh64::xxh64;

use super::{members::Members, place::Place, points::Points};

/// The most points that Envoy allows.
const MOST: u32 = 8 << 20;

/// A ring as Envoy and gRPC build it, for a fleet that they route to as well.
///
/// # Examples
///
/// How do I reach the same backend as the Envoy in front of me?
///
/// ```
/// # use seawall_shard::fleet::RingHash;
/// // A cluster with `lb_policy: RING_HASH`, whose routes hash one header.
/// let ring = RingHash::envoy()
///     .node("10.0.0.1:8080", 1) // the address as Envoy prints it
///     .node("10.0.0.2:8080", 1)
///     .build()?;
/// let backend = ring.lookup(b"user:42"); // the header's value
/// assert!(ring.nodes().any(|node| node == backend));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RingHash {
    nodes: Box<[Box<str>]>,
    points: Points<u64>,
}

/// Settings of a [`RingHash`]: from [`envoy`](RingHash::envoy) or [`grpc`](RingHash::grpc).
#[derive(Clone, Debug)]
pub struct RingHashBuilder {
    nodes: Members,
    min_size: u32,
    max_size: u32,
    by_name: bool,
}

impl RingHash {
    /// As Envoy does: nodes in the order given; from 1024 points, to 8388608.
    #[must_use]
    pub fn envoy() -> RingHashBuilder {
        RingHashBuilder {
            nodes: Members::default(),
            min_size: 1024,
            max_size: MOST,
            by_name: false,
        }
    }

    /// As gRPC does: nodes by their names; from 1024 points, to 4096.
    #[must_use]
    pub fn grpc() -> RingHashBuilder {
        RingHashBuilder { max_size: 4096, by_name: true, ..Self::envoy() }
    }

    /// The node to which the key with these bytes belongs.
    #[inline]
    #[must_use]
    pub fn lookup(&self, key: &[u8]) -> &str {
        self.at(self.hash(key))
    }

    /// The node to which a key with this hash belongs, where the other side's hash is made of more than one
    /// value.
    #[inline]
    #[must_use]
    pub fn at(&self, hash: u64) -> &str {
        &self.nodes[self.points.owner(hash)]
    }

    /// The key's hash, as Envoy and gRPC make it of one header's value: XXH64 with seed 0.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> u64 {
        xxh64(key, 0)
    }

    /// The nodes, in the order in which they were given.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.nodes.iter().map(AsRef::as_ref)
    }

    /// All points in their order and whose they are, to compare with another side's.
    #[must_use]
    pub fn points(&self) -> impl ExactSizeIterator<Item = (u64, &str)> {
        self.points.iter().map(|(point, owner)| (point, &*self.nodes[owner]))
    }
}

impl RingHashBuilder {
    /// A node, by the name that the other side hashes (an address with its port, or a host name where that
    /// is set to be used), and its weight.
    #[must_use]
    pub fn node(mut self, name: impl Into<Box<str>>, weight: u32) -> Self {
        self.nodes.push(name, weight);
        self
    }

    /// How many points there shall be at least (`minimum_ring_size`).
    #[must_use]
    pub fn min_size(mut self, points: u32) -> Self {
        self.min_size = points;
        self
    }

    /// How many points there shall be at most (`maximum_ring_size`).
    #[must_use]
    pub fn max_size(mut self, points: u32) -> Self {
        self.max_size = points;
        self
    }

    /// The ring.
    ///
    /// # Errors
    ///
    /// Where there is no node or more than 65535, where one has no name, the name of another or no weight,
    /// where the weights together pass 32 bits, where a size is none or more than 8388608, and where the
    /// least size is more than the most.
    pub fn build(self) -> Result<RingHash, ConfigError> {
        self.nodes.check()?;
        for (field, size) in [("min_size", self.min_size), ("max_size", self.max_size)] {
            if size == 0 || size > MOST {
                return Err(ConfigError::new(field, size, "from 1 to 8388608"));
            }
        }
        if self.min_size > self.max_size {
            let rule = format!("at most `max_size`, which is {}", self.max_size);
            return Err(ConfigError::new("min_size", self.min_size, rule));
        }
        Ok(RingHash { points: Points::new(self.points()), nodes: self.nodes.into_names() })
    }

    fn points(&self) -> Vec<(u64, u16)> {
        let (names, total) = (self.nodes.names(), self.nodes.total() as f64);
        let share = |node: usize| f64::from(self.nodes.weights()[node]) / total;
        let lightest = (0..names.len()).map(share).fold(1.0, f64::min);
        let wanted = (lightest * f64::from(self.min_size)).ceil() / lightest;
        let size = wanted.min(self.max_size.into());

        let mut walk: Vec<usize> = (0..names.len()).collect();
        if self.by_name {
            walk.sort_by_key(|node| &names[*node]);
        }
        let mut points = Vec::with_capacity(size.ceil() as usize);
        let (mut present, mut due) = (0.0, 0.0);
        for node in walk {
            due += size * share(node);
            let mut turn = 0_u32;
            while present < due {
                let text = format!("{}_{turn}", names[node]);
                points.push((xxh64(text.as_bytes(), 0), node as u16));
                turn += 1;
                present += 1.0;
            }
        }
        points
    }
}

impl Place for RingHash {
    fn place(&self, key: &[u8]) -> usize {
        self.points.owner(self.hash(key))
    }

    fn span(&self) -> usize {
        self.nodes.len()
    }
}

impl fmt::Debug for RingHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingHash")
            .field("nodes", &self.nodes)
            .field("points", &self.points)
            .finish()
    }
}
