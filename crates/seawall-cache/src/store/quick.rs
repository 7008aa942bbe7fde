//! The second store: quick_cache, and what it lacks.
//!
//! A look of it takes a read lock of a shard, and clones: so the entry lies in an `Arc`, and the look is
//! made outside the lock.

use std::{cell::RefCell, fmt, hash::Hash, sync::Arc};

use equivalent::Equivalent;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync::Cache};

use super::{Cause, Store};

type Inner<K, E> = Cache<K, Node<E>, Weigh, DefaultHashBuilder, Gather>;
type Listener<K, E> = Box<dyn Fn(&K, &E, Cause) + Send + Sync>;

/// A store that is made of [`quick_cache`]: shards under read-write locks, S3-FIFO.
///
/// Its shards share the room evenly: an entry that weighs more than a shard may hold is refused. An
/// entry that is replaced is not told of. A step of a sweep is the whole store, a shard at a time, under
/// its lock.
pub struct QuickStore<K, E> {
    inner: Inner<K, E>,
    listener: Option<Listener<K, E>>,
}

struct Node<E> {
    entry: Arc<E>,
    weight: u32,
}

impl<E> Clone for Node<E> {
    fn clone(&self) -> Self {
        Self { entry: self.entry.clone(), weight: self.weight }
    }
}

#[derive(Clone)]
struct Weigh;

impl<K, E> Weighter<K, Node<E>> for Weigh {
    fn weight(&self, _: &K, node: &Node<E>) -> u64 {
        u64::from(node.weight)
    }
}

/// Keeps what was evicted until no lock is held.
#[derive(Clone)]
struct Gather;

impl<K, E> Lifecycle<K, Node<E>> for Gather {
    type RequestState = Vec<(K, Node<E>)>;

    fn on_evict(&self, gone: &mut Self::RequestState, key: K, node: Node<E>) {
        gone.push((key, node));
    }
}

impl<K: Hash + Eq, E> QuickStore<K, E> {
    /// A store for about so many entries, which together may weigh `max_weight`.
    #[must_use]
    pub fn new(entries: usize, max_weight: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(max_weight)
            .build()
            .expect("both that it asks for are there");
        let inner = Cache::with_options(options, Weigh, DefaultHashBuilder::default(), Gather);
        Self { inner, listener: None }
    }

    /// Tells `listener` of each entry that is no longer in, and why. It must not come back to the store.
    #[must_use]
    pub fn on_removal(mut self, listener: impl Fn(&K, &E, Cause) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    fn tell(&self, key: &K, entry: &E, cause: Cause) {
        if let Some(listener) = &self.listener {
            listener(key, entry, cause);
        }
    }
}

impl<K, E> Store<K, E> for QuickStore<K, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    fn with<Q, R>(&self, key: &Q, look: impl FnOnce(&E) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.inner.get(key).map(|node| look(&node.entry))
    }

    fn insert(&self, key: K, entry: E, weight: u32) {
        let node = Node { entry: Arc::new(entry), weight };
        let own = Arc::as_ptr(&node.entry);
        let mut gone = Vec::new();
        self.inner.insert_with_lifecycle(key, node, &mut gone);
        for (key, node) in gone {
            let refused = std::ptr::eq(Arc::as_ptr(&node.entry), own);
            self.tell(&key, &node.entry, if refused { Cause::Refused } else { Cause::Evicted });
        }
    }

    fn remove<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let gone = self.inner.remove(key);
        gone.inspect(|(key, node)| self.tell(key, &node.entry, Cause::Removed)).is_some()
    }

    fn retain_step(&self, cursor: &mut u64, keep: impl FnMut(&K, &E) -> bool) {
        *cursor = cursor.wrapping_add(1);
        let keep = RefCell::new(keep);
        self.inner.retain(|key, node| {
            let kept = (*keep.borrow_mut())(key, &node.entry);
            if !kept {
                self.tell(key, &node.entry, Cause::Expired);
            }
            kept
        });
    }

    /// One step looks at all.
    fn steps_round(&self) -> u64 {
        1
    }

    fn clear(&self) {
        for (key, node) in self.inner.drain() {
            self.tell(&key, &node.entry, Cause::Removed);
        }
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn weight(&self) -> u64 {
        self.inner.weight()
    }
}

impl<K: Hash + Eq, E> fmt::Debug for QuickStore<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuickStore")
            .field("entries", &self.inner.len())
            .field("weight", &self.inner.weight())
            .field("max_weight", &self.inner.capacity())
            .finish_non_exhaustive()
    }
}
