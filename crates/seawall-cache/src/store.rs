//! What a cache keeps its entries in.
//!
//! A store knows keys, entries and weights, and nothing of time: what has expired lies in it until it
//! is asked for, swept or evicted. Which of two writes is last, the cache's flight table decides.

#[cfg(feature = "quick-cache")]
mod quick;
mod set;

use std::hash::Hash;

#[doc(no_inline)]
pub use equivalent::Equivalent;

#[cfg(feature = "quick-cache")]
pub use self::quick::QuickStore;
pub use self::set::SetStore;

/// What a cache keeps its entries in: many threads look and write at once.
///
/// 1. A look that begins after [`insert`](Self::insert), [`remove`](Self::remove) or
///    [`clear`](Self::clear) returned never sees an entry that was in before it.
/// 2. What is in never weighs more than the store was made for, but for what is on its way in.
/// 3. A store that has a listener tells it of each entry that leaves, with the [`Cause`]. Who makes the
///    store gives the listener.
///
/// The cache writes under a lock of its own: a store never calls back into the cache, and neither may
/// what is dropped in it.
pub trait Store<K, E>: Send + Sync + 'static {
    /// Looks at the entry of a key, which counts as a use.
    fn with<Q, R>(&self, key: &Q, look: impl FnOnce(&E) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized;

    /// Puts an entry in, in the place of the key's former one.
    ///
    /// The store may refuse it; the former one is gone then too.
    fn insert(&self, key: K, entry: E, weight: u32);

    /// Takes out the entry of a key: whether there was one.
    fn remove<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized;

    /// Looks at a few further entries, and takes out those that are not to be kept.
    ///
    /// `cursor` says where to go on; one that begins at 0 goes round the store.
    fn retain_step(&self, cursor: &mut u64, keep: impl FnMut(&K, &E) -> bool);

    /// In about how many such steps a cursor goes round.
    fn steps_round(&self) -> u64 {
        1 + self.len() as u64
    }

    /// Takes out all entries. One that is put in meanwhile may stay.
    fn clear(&self);

    /// How many entries are in, about.
    fn len(&self) -> usize;

    /// Whether no entry is in, about.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh together, about.
    fn weight(&self) -> u64;
}

/// Why an entry is no longer in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Another entry of the same key took its place.
    Replaced,
    /// It was removed by its key, or all were.
    Removed,
    /// A sweep found that it is not to be kept.
    Expired,
    /// Others needed its room.
    Evicted,
    /// It did not go in: it alone weighs more than the whole store may hold, or there was no room.
    Refused,
}
