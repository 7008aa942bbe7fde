//! Our own store: a look takes no lock, allocates nothing and waits for nobody.
//!
//! A table of sets; a key's hash says which set is its own, and there it has sixteen slots to be in.
//! What a set does it does alone, so that writers of different sets don't meet.
//!
//! ```text
//!   hash   63 ────── 32 │ 31 ── 24 │ 23 ── 8 │ 7 ─ 0
//!          which set    │          │ ghost   │ tag      (of a hash with a random seed)
//! ```
//!
//! | file | question |
//! |---|---|
//! | [`slot`] | how is an entry replaced that somebody looks at? |
//! | [`tags`] | where in its set is a key? |
//! | [`queues`] | who goes when the set is full? |
//! | [`ways`] | how are these one set? |
//! | [`budget`] | who may come in when the store is full? |
//!
//! # What it promises
//!
//! 1. A look sees an entry that was put in for its key: whole, and dropped only after the look is over.
//! 2. A look that begins after an entry was removed or replaced does not see it.
//! 3. An entry that stays is found by every look.
//! 4. What can be seen never weighs more than the store may hold, however many write at once.
//! 5. Each entry is dropped once, and its end is told once: by the thread that brought it about, while
//!    it holds no lock of ours.
//! 6. A look takes no lock and allocates nothing, but for the first of a thread.
//!
//! # What it does not
//!
//! * Keep writers of one set from each other: they share its lock.
//! * Drop an entry at once when it has gone. Whoever comes by does; a look that takes long delays that.
//! * Fill to the last place. A set can be full before the table is, although that has a third more slots
//!   than the entries it is made for: of a hundred keys, all new, some two push another one out.

mod budget;
mod queues;
mod slot;
mod tags;
#[cfg(test)]
mod tests;
mod ways;

use std::{
    fmt,
    hash::{BuildHasher, Hash},
};

use equivalent::Equivalent;
use foldhash::quality::RandomState;
use seawall_core::sync::unmodelled::{AtomicU32, Ordering::Relaxed};

use self::{
    budget::Budget,
    queues::Ghost,
    slot::{Pin, pin},
    tags::{Tag, WAYS},
    ways::{Gone, Node, Put, Set},
};
use super::{Cause, Store};

type Listener<K, E> = Box<dyn Fn(&K, &E, Cause) + Send + Sync>;

/// A store whose looks take no lock, allocate nothing and wait for nobody: sets of sixteen, S3-FIFO.
///
/// Of as many keys as it is made for, two in a hundred find their set full, and another goes early for
/// them.
///
/// What is taken out is dropped a little later, when nobody can still be looking at it, by whichever
/// thread comes by, in a look or a write of any store: so what an entry does when it is dropped must not
/// call a store or a cache. A look that takes long delays that, for all; it should not wait for anything.
///
/// # Examples
///
/// How do I keep a hundred entries, of any weight?
///
/// ```
/// use seawall_cache::{SetStore, Store};
///
/// let names = SetStore::new(100, 100);
/// names.insert(7, "seven".to_owned(), 1);
///
/// assert_eq!(names.with(&7, |name: &String| name.len()), Some(5));
/// assert_eq!(names.with(&8, |name| name.len()), None);
/// ```
pub struct SetStore<K, E> {
    sets: Box<[Set<K, E>]>,
    hasher: RandomState,
    budget: Budget,
    /// The set that is asked next for room.
    hand: AtomicU32,
    listener: Option<Listener<K, E>>,
}

impl<K, E> SetStore<K, E> {
    /// A store for so many entries, which together may weigh `max_weight`; where each weighs 1, give
    /// the same number twice.
    ///
    /// Memory for the table, 16 bytes an entry, is taken at once. Where entries are lighter than
    /// thought, so that more of them could be held, some more are, by a third at most.
    #[must_use]
    pub fn new(entries: usize, max_weight: u64) -> Self {
        let slots = entries.saturating_add(entries / 3);
        let sets = slots.div_ceil(WAYS).clamp(1, u32::MAX as usize);
        Self {
            sets: (0..sets).map(|_| Set::empty()).collect(),
            hasher: RandomState::default(),
            budget: Budget::new(max_weight),
            hand: AtomicU32::new(0),
            listener: None,
        }
    }

    /// Tells `listener` of each entry that is no longer in, and why.
    #[must_use]
    pub fn on_removal(mut self, listener: impl Fn(&K, &E, Cause) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    fn tell(&self, node: &Node<K, E>, cause: Cause) {
        if let Some(listener) = &self.listener {
            listener(&node.key, &node.entry, cause);
        }
    }
}

impl<K, E> Store<K, E> for SetStore<K, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    #[inline]
    fn with<Q, R>(&self, key: &Q, look: impl FnOnce(&E) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let pin = pin(); // first, so that the hash need not be kept across it
        let (set, tag) = self.home(self.hasher.hash_one(key));
        let node = set.find(tag, |other| key.equivalent(other), &pin)?;
        Some(look(&node.entry))
    }

    fn insert(&self, key: K, entry: E, weight: u32) {
        let hash = self.hasher.hash_one(&key);
        let (set, tag) = self.home(hash);
        let pin = pin();
        let mut node = Box::new(Node { key, entry, weight, ghost: Ghost::of(hash) });
        if u64::from(weight) > self.budget.limit() {
            self.remove_as(&node.key, Cause::Replaced);
            return self.tell(&node, Cause::Refused);
        }
        loop {
            let (gone, rest) = match set.put(node, tag, &self.budget, &pin) {
                Put::Done(gone) => (gone, None),
                Put::NoRoom(node, gone) => (gone, Some(node)),
            };
            let made_room = gone.is_some();
            match &gone {
                Some(Gone::Former(former)) => self.tell(former, Cause::Replaced),
                Some(Gone::Other(other)) => self.tell(other, Cause::Evicted),
                None => {}
            }
            drop(gone);
            match rest {
                None => return,
                Some(back) if made_room || self.evict_elsewhere(&pin) => node = back,
                // Others have reserved all there is.
                Some(back) => return self.tell(&back, Cause::Refused),
            }
        }
    }

    fn remove<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.remove_as(key, Cause::Removed)
    }

    /// Looks at the entries of one set, sixteen at most. It takes no lock where all are kept, and to look is
    /// not a use.
    fn retain_step(&self, cursor: &mut u64, mut keep: impl FnMut(&K, &E) -> bool) {
        let set = &self.sets[(*cursor % self.sets.len() as u64) as usize];
        *cursor = cursor.wrapping_add(1);
        let pin = pin();
        for (slot, node) in set.nodes(&pin) {
            if !keep(&node.key, &node.entry)
                && let Some(gone) = set.take_from(slot, node, &self.budget, &pin)
            {
                self.tell(&gone, Cause::Expired);
            }
        }
    }

    fn steps_round(&self) -> u64 {
        self.sets.len() as u64
    }

    fn clear(&self) {
        for set in &self.sets {
            let pin = pin(); // anew, so that what is gone can be freed on the way
            for (slot, node) in set.nodes(&pin) {
                if let Some(gone) = set.take_from(slot, node, &self.budget, &pin) {
                    self.tell(&gone, Cause::Removed);
                }
            }
        }
    }

    fn len(&self) -> usize {
        self.budget.entries()
    }

    fn weight(&self) -> u64 {
        self.budget.weight()
    }
}

impl<K, E> SetStore<K, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    fn remove_as<Q>(&self, key: &Q, cause: Cause) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (set, tag) = self.home(self.hasher.hash_one(key));
        let pin = pin();
        let gone = set.take(tag, |other| key.equivalent(other), &self.budget, &pin);
        gone.inspect(|gone| self.tell(gone, cause)).is_some()
    }

    /// Takes an entry out of the next set that has one: whether there was any.
    #[cold]
    fn evict_elsewhere(&self, pin: &Pin) -> bool {
        let evicted = (0..self.sets.len()).find_map(|_| {
            let next = self.hand.fetch_add(1, Relaxed) as usize % self.sets.len();
            self.sets[next].evict(&self.budget, pin)
        });
        evicted.inspect(|gone| self.tell(gone, Cause::Evicted)).is_some()
    }

    /// The set of a key, and its tag there.
    #[inline]
    fn home(&self, hash: u64) -> (&Set<K, E>, Tag) {
        // The upper half as a fraction of one, of any number of sets.
        let set = ((hash >> 32) * self.sets.len() as u64) >> 32;
        (&self.sets[set as usize], Tag::of(hash))
    }
}

impl<K, E> fmt::Debug for SetStore<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetStore")
            .field("entries", &self.budget.entries())
            .field("weight", &self.budget.weight())
            .field("max_weight", &self.budget.limit())
            .finish_non_exhaustive()
    }
}
