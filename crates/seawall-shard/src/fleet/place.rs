//! What all placements have in common: a key goes in, a position comes out.

use std::sync::Arc;

/// Something that says where a key belongs, by position.
///
/// For code that shall not care which placement a fleet has agreed on. A node's position is that in the
/// order in which the nodes were given, whatever the placement does inside; a bucket's is its number. Each
/// placement hashes the key as its own page says.
///
/// # Examples
///
/// How do I pick one of my connections by whatever placement the configuration names?
///
/// ```
/// # use seawall_shard::fleet::{JumpBack, Place, RingHash};
/// struct Pool<T> {
///     connections: Vec<T>,
///     place: Box<dyn Place + Send + Sync>,
/// }
///
/// impl<T> Pool<T> {
///     fn pick(&self, key: &[u8]) -> Option<&T> {
///         self.connections.get(self.place.place(key))
///     }
/// }
///
/// let ring = RingHash::envoy().node("10.0.0.1:80", 1).node("10.0.0.2:80", 1).build()?;
/// let by_ring = Pool { connections: vec!["one", "two"], place: Box::new(ring) };
/// let by_number = Pool { connections: vec!["one", "two"], place: Box::new(JumpBack::new(2)?) };
/// assert!(by_ring.pick(b"user:42").is_some() && by_number.pick(b"user:42").is_some());
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
pub trait Place {
    /// The position at which the key with these bytes belongs.
    fn place(&self, key: &[u8]) -> usize;

    /// What no position reaches: as many places as a caller needs to keep.
    fn span(&self) -> usize;
}

impl<P: Place + ?Sized> Place for &P {
    fn place(&self, key: &[u8]) -> usize {
        (**self).place(key)
    }

    fn span(&self) -> usize {
        (**self).span()
    }
}

impl<P: Place + ?Sized> Place for Box<P> {
    fn place(&self, key: &[u8]) -> usize {
        (**self).place(key)
    }

    fn span(&self) -> usize {
        (**self).span()
    }
}

impl<P: Place + ?Sized> Place for Arc<P> {
    fn place(&self, key: &[u8]) -> usize {
        (**self).place(key)
    }

    fn span(&self) -> usize {
        (**self).span()
    }
}
