//! How much more than its share a node may carry, and where a call goes that finds its nodes full.

use seawall_core::ConfigError;

/// The most that the bound may be, in times of a share: above that it bounds nothing.
const MOST: f64 = 100.0;

/// A bound on the calls in flight of each node: how many times its share it may have.
///
/// A node's share is what it weighs of all that is active; its bound is that share of the calls in flight, times
/// [`factor`](Self::factor), rounded up, and never below one call. The bounds together are always more than the
/// calls, so that there is a node with a place left for each.
///
/// | | [`for_caches`](Self::for_caches) | [`for_latency`](Self::for_latency) |
/// |---|---|---|
/// | factor | 1.5 | 1.25 |
/// | whoever finds all of the key's nodes full goes to | the next of all nodes | nobody: it is refused |
/// | tuned for | keys that stay where they are: the hottest go to a few more nodes, and are kept there | an even load; the data is where it is |
///
/// # Examples
///
/// How do I keep one hot key from drowning its cache server?
///
/// ```
/// # use seawall_shard::{Node, Read, ShardMap, route::BoundedLoad};
/// let caches = ShardMap::builder("thumbnails")
///     .nodes(["cache-a", "cache-b", "cache-c"].map(Node::new))
///     .bounded_load(BoundedLoad::for_caches())
///     .build()?;
///
/// let calls: Vec<_> = (0..30).map(|_| caches.route(b"logo.png", Read::Primary)).collect();
/// let owner = caches.lookup(b"logo.png").name();
/// let at_owner = calls.iter().flatten().filter(|call| call.name() == owner);
/// assert_eq!(at_owner.count(), 15, "of 30 calls a third is 10, and half as much again is 15");
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedLoad {
    factor: f64,
    overflow: Overflow,
}

/// Where a call goes that finds all of its key's nodes at their bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Nowhere: it is refused, as [`Overloaded`](seawall_core::Reason::Overloaded). For nodes that own data,
    /// where no other node could answer.
    Refuse,
    /// To the next node that has a place, in an order of all nodes that is the key's own: so the overflow of a
    /// key goes to the same few nodes again, and those of two keys to different ones. For caches, and for
    /// whatever else any node can do.
    AnyNode,
}

impl BoundedLoad {
    /// Half as much again as a share, and over to other nodes.
    #[must_use]
    pub const fn for_caches() -> Self {
        Self { factor: 1.5, overflow: Overflow::AnyNode }
    }

    /// A quarter more than a share, among the key's own nodes.
    #[must_use]
    pub const fn for_latency() -> Self {
        Self { factor: 1.25, overflow: Overflow::Refuse }
    }

    /// How many times its share a node may carry: above 1, and at most 100.
    ///
    /// Closer to 1 is more even, and sends more calls elsewhere than where their keys are.
    #[must_use]
    pub const fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Where a call goes that finds its nodes full.
    #[must_use]
    pub const fn overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// The factor in parts per million, and where calls go.
    ///
    /// # Errors
    ///
    /// A factor that is not above 1, or bounds nothing.
    pub(crate) fn check(self) -> Result<(u64, Overflow), ConfigError> {
        let parts = (self.factor * 1e6).round();
        if !(parts > 1e6 && parts <= MOST * 1e6) {
            let rule = "above 1 (by a millionth at least), and at most 100";
            return Err(ConfigError::new("bounded_load.factor", self.factor, rule));
        }
        Ok((parts as u64, self.overflow))
    }
}
