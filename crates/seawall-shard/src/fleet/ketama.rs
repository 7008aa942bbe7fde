//! Ketama: the ring of memcached's clients, point by point.
//!
//! # How it decides
//!
//! The MD5 of `label-0`, `label-1`, ... gives a node four points each, little-endian words of 32 bits; forty
//! such groups make the 160 points of a node of average weight. A key belongs to the node of the first point
//! not below the key's hash, around the circle. The clients agree so far and no further:
//!
//! | form | a node's label | groups of four points | equal points: who answers | a key's hash |
//! |---|---|---|---|---|
//! | [`libketama`] | its name | `floor(f32(f64(share) * 40 * n))` | not said; here the first given | MD5 |
//! | [`libmemcached`] | its name, without a port of 11211 | `floor(share * 160 / 4 * n + 1e-10)` in `f32` | the first given | MD5 |
//! | [`libmemcached_spy`] | `/` and its name | as above | the first given | MD5 |
//! | [`libmemcached_unweighted`] | its name, without a port of 11211 | a hundred *points*, one for each label, by the key's hash | the first given | Jenkins' one-at-a-time |
//! | [`twemproxy`] | its label, or its name without a port of 11211 | as libmemcached | not said; here the first given | FNV-1a, cut to 32 bits |
//! | [`spymemcached`] | its name | 40 | the last given | MD5 |
//!
//! A `share` is a weight divided by all weights, rounded to an `f32`, and `n` is how many nodes there are.
//!
//! [`libketama`]: Ketama::libketama
//! [`libmemcached`]: Ketama::libmemcached
//! [`libmemcached_spy`]: Ketama::libmemcached_spy
//! [`libmemcached_unweighted`]: Ketama::libmemcached_unweighted
//! [`twemproxy`]: Ketama::twemproxy
//! [`spymemcached`]: Ketama::spymemcached
//!
//! # What it promises
//!
//! 1. The ring is that of the client it is named after, as compiled for x86-64, in all versions of this
//!    crate: its labels, roundings and ties.
//! 2. In the forms without weights, and in no other, a node that comes or goes moves its own keys alone.
//!
//! # Known faults, kept
//!
//! Who shares a fleet must share its faults; none of these is mended here.
//!
//! - *Weights are not consistent.* A node's points follow from its share, and shares change for all when one
//!   node comes or goes. Taking out the node of weight 100 from libketama's sample of eight moves 11.6% of
//!   the keys, of which only 3.3% were its own.
//! - *Roundings lose a group.* With equal weights and 25, 47, 50, 55, ... nodes (103 of the counts to 1000)
//!   libmemcached and twemproxy give each node 156 points, not 160, so that the 25th node moves 6.5% of the
//!   keys where 4% are enough; libketama does so for 11 counts (61, 122, 237, ...). The two differ for 92.
//! - *A light node may get nothing*: less than 1/40 of the average weight is no group of points.
//! - *FNV-1a spreads badly.* Keys that differ in their last letter alone lie close together on twemproxy's
//!   ring, and mostly on one node.

mod builder;
mod form;
mod hash;

use std::fmt;

use self::form::Form;
pub use self::{builder::KetamaBuilder, hash::KetamaHash};
use super::{place::Place, points::Points};

/// A ring as memcached's clients build it, for a fleet that they use as well.
///
/// # Examples
///
/// How do I share a fleet of memcached servers with clients on libmemcached (PHP, pylibmc)?
///
/// ```
/// # use seawall_shard::fleet::Ketama;
/// let ring = Ketama::libmemcached() // `KETAMA_WEIGHTED`
///     .node("10.0.1.1:11211", 600)
///     .node("10.0.1.2:11211", 300)
///     .build()?;
/// let server = ring.lookup(b"user:42");
/// assert!(server.starts_with("10.0.1."));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
///
/// How do I check that two clients see the same ring?
///
/// ```
/// # use seawall_shard::fleet::Ketama;
/// let ring = Ketama::libketama().node("127.0.0.1:11211", 600).node("127.0.0.1:11212", 400).build()?;
/// assert_eq!(ring.points().len(), 320);
/// assert_eq!(ring.hash(b"test"), 3_446_378_249);
/// assert_eq!(ring.lookup(b"test"), "127.0.0.1:11211");
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Ketama {
    form: Form,
    keys: KetamaHash,
    nodes: Box<[Box<str>]>,
    points: Points<u32>,
}

impl Ketama {
    /// As libketama does, the original by Last.fm.
    #[must_use]
    pub fn libketama() -> KetamaBuilder {
        KetamaBuilder::new(Form::Libketama)
    }

    /// As libmemcached does with `KETAMA_WEIGHTED` (PHP's `OPT_LIBKETAMA_COMPATIBLE`).
    #[must_use]
    pub fn libmemcached() -> KetamaBuilder {
        KetamaBuilder::new(Form::Libmemcached)
    }

    /// As libmemcached does with `KETAMA` alone; weights must be equal.
    ///
    /// Its [key hash](KetamaBuilder::key_hash) is that of the points too.
    #[must_use]
    pub fn libmemcached_unweighted() -> KetamaBuilder {
        KetamaBuilder::new(Form::LibmemcachedUnweighted)
    }

    /// As libmemcached does with `KETAMA_WEIGHTED` and the distribution `CONSISTENT_KETAMA_SPY`.
    #[must_use]
    pub fn libmemcached_spy() -> KetamaBuilder {
        KetamaBuilder::new(Form::LibmemcachedSpy)
    }

    /// As twemproxy (nutcracker) does with `distribution: ketama`.
    ///
    /// The [key hash](KetamaBuilder::key_hash) is that of its setting `hash`, and FNV-1a where it has none.
    #[must_use]
    pub fn twemproxy() -> KetamaBuilder {
        KetamaBuilder::new(Form::Twemproxy)
    }

    /// As spymemcached does with its `KetamaConnectionFactory`; weights must be equal.
    ///
    /// A node that it knows by a host name is named `host/ip:port` there.
    #[must_use]
    pub fn spymemcached() -> KetamaBuilder {
        KetamaBuilder::new(Form::Spymemcached)
    }

    /// The node to which the key with these bytes belongs.
    #[inline]
    #[must_use]
    pub fn lookup(&self, key: &[u8]) -> &str {
        self.at(self.hash(key))
    }

    /// The node to which a key with this hash belongs, where the other side hashes in a way of its own.
    #[inline]
    #[must_use]
    pub fn at(&self, hash: u32) -> &str {
        &self.nodes[self.points.owner(hash)]
    }

    /// The key's hash: its place on the circle.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> u32 {
        self.keys.of(key)
    }

    /// The nodes, in the order in which they were given.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.nodes.iter().map(AsRef::as_ref)
    }

    /// All points in their order and whose they are, to compare with another side's.
    #[must_use]
    pub fn points(&self) -> impl ExactSizeIterator<Item = (u32, &str)> {
        self.points.iter().map(|(point, owner)| (point, &*self.nodes[owner]))
    }
}

impl Place for Ketama {
    fn place(&self, key: &[u8]) -> usize {
        self.points.owner(self.hash(key))
    }

    fn span(&self) -> usize {
        self.nodes.len()
    }
}

impl fmt::Debug for Ketama {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ketama")
            .field("form", &self.form)
            .field("keys", &self.keys)
            .field("nodes", &self.nodes)
            .field("points", &self.points)
            .finish()
    }
}
