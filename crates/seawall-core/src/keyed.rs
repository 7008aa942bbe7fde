//! One value for each key, of which there can only be so many: what keyed handles are made of.
//!
//! For patterns, not for their users. Not public API: hidden from the docs, free to change in any
//! release.
//!
//! Keys are spread over shards by a hash with a random seed. A look-up takes its shard's read lock for
//! as long as a hash map's `get`; a key that is new takes the write lock once.
//!
//! # How many there can be
//!
//! At most `max_keys`, whatever keys come in. A new key for which there is no room takes the place of
//! another in its shard: a hand goes round the shard and looks at eight, and the one goes that is
//! worth least (at rest before all others, then the one that was asked for longest ago). So a flood of
//! random keys costs eight looks a key, and throws out the flood's own before what is in use.
//!
//! What is at rest is for the pattern to say: a value that a fresh one could stand in for, and that is
//! in nobody's hands. The map holds a clone of each value and knows nothing else of it.

use std::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use indexmap::IndexMap;

use crate::{
    CachePadded, ConfigError, Nanos,
    sync::{
        RwLock, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

/// How many entries of a full shard are looked at to find the one that goes.
const LOOKS: usize = 8;

/// What the builder of a keyed handle sets.
#[derive(Clone, Copy, Debug)]
pub struct KeyedConfig {
    /// How many keys may have a value at once.
    pub max_keys: usize,
    /// After how long without being asked for a value at rest may go.
    pub idle_after: Duration,
}

impl Default for KeyedConfig {
    fn default() -> Self {
        Self { max_keys: 10_000, idle_after: Duration::from_secs(600) }
    }
}

impl KeyedConfig {
    /// A map of values of which those go first that are at rest; no key has one yet.
    ///
    /// # Errors
    ///
    /// `max_keys` must be from 1 to 16 million.
    pub fn build<K, V>(self, is_at_rest: fn(&V) -> bool) -> Result<KeyedMap<K, V>, ConfigError> {
        const MOST: usize = 1 << 24;
        if !(1..=MOST).contains(&self.max_keys) {
            return Err(ConfigError::new("max_keys", self.max_keys, "from 1 to 16777216"));
        }
        // As few shards as can be where keys are few, so that each has a choice whom to throw out.
        let shards = (self.max_keys / 64).next_power_of_two().clamp(1, 64);
        let empty = || {
            let entries = IndexMap::with_hasher(RandomState::new());
            CachePadded::new(RwLock::new(Shard { entries, hand: 0 }))
        };
        Ok(KeyedMap {
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| empty()).collect(),
            keys_a_shard: self.max_keys.div_ceil(shards),
            idle_after: self.idle_after,
            is_at_rest,
            evicted: Stat::default(),
        })
    }
}

/// The values of many keys, each made when its key is first asked for: made by [`KeyedConfig::build`].
pub struct KeyedMap<K, V> {
    hasher: RandomState,
    shards: Box<[Locked<K, V>]>,
    keys_a_shard: usize,
    idle_after: Duration,
    is_at_rest: fn(&V) -> bool,
    evicted: Stat,
}

type Locked<K, V> = CachePadded<RwLock<Shard<K, V>>>;

struct Shard<K, V> {
    entries: IndexMap<K, Entry<V>, RandomState>,
    hand: usize,
}

struct Entry<V> {
    value: V,
    /// When it was last asked for.
    used: AtomicU64,
}

impl<K, V> KeyedMap<K, V> {
    /// How many keys have a value now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().entries.len()).sum()
    }

    /// Whether no key has a value now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys can have a value at once: what was set, rounded up so that each shard has as many.
    #[must_use]
    pub const fn max_keys(&self) -> usize {
        self.keys_a_shard * self.shards.len()
    }

    /// How many values were thrown out, to make room or for being idle.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.get()
    }

    /// Looks at each key and its value, a shard at a time, under the shard's lock: no value of the
    /// shard can be made or thrown out meanwhile, and to ask for another key in between may block for
    /// ever.
    pub fn for_each(&self, mut look: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            shard.read().entries.iter().for_each(|(key, entry)| look(key, &entry.value));
        }
    }

    /// Throws out the values that are at rest and were not asked for within the idle time.
    pub fn evict_idle(&self, now: Nanos) {
        let is_idle = |_: &K, entry: &mut Entry<V>| {
            entry.idle(now) >= self.idle_after && (self.is_at_rest)(&entry.value)
        };
        for shard in &self.shards {
            // Collected, so that they are dropped outside the lock.
            let gone: Vec<_> = shard.write().entries.extract_if(.., is_idle).collect();
            self.evicted.add(gone.len() as u64);
        }
    }
}

impl<K: Hash + Eq, V: Clone> KeyedMap<K, V> {
    /// The value of `key`, made now if it has none: by one caller, under the shard's lock.
    pub fn get_or_make<Q>(&self, key: &Q, now: Nanos, make: impl FnOnce() -> V) -> V
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let shard = self.shard(key);
        if let Some(entry) = shard.read().entries.get(key) {
            entry.used.store(now.0, Relaxed); // a hint for eviction
            return entry.value.clone();
        }
        let gone; // declared before the lock is taken, so that it is dropped after it is given back
        let mut shard = shard.write();
        if let Some(entry) = shard.entries.get(key) {
            return entry.value.clone(); // another was first
        }
        let value = make();
        let entry = Entry { value: value.clone(), used: AtomicU64::new(now.0) };
        if shard.entries.len() >= self.keys_a_shard {
            gone = shard.make_room(now, self.is_at_rest);
            self.evicted.add(u64::from(gone.is_some()));
        }
        shard.entries.insert(key.to_owned(), entry);
        value
    }

    /// The value of `key`, if it has one. This is not to ask for it: it ages as before.
    pub fn peek<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shard(key).read().entries.get(key).map(|entry| entry.value.clone())
    }

    /// Forgets the value of `key`, and says whether it had one.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let gone = self.shard(key).write().entries.swap_remove(key); // dropped outside the lock
        gone.is_some()
    }
}

impl<K, V> KeyedMap<K, V> {
    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<Shard<K, V>> {
        // The top bits: the maps use the lower ones.
        let hash = self.hasher.hash_one(key) >> 32;
        &self.shards[hash as usize & (self.shards.len() - 1)]
    }
}

impl<K, V> Shard<K, V> {
    /// Throws out the value that is worth least of the next few.
    fn make_room(&mut self, now: Nanos, is_at_rest: fn(&V) -> bool) -> Option<(K, Entry<V>)> {
        let size = self.entries.len();
        let looks = (0..LOOKS.min(size)).map(|look| (self.hand + look) % size);
        let worth_least = looks.max_by_key(|&index| {
            let entry = &self.entries[index];
            (is_at_rest(&entry.value), entry.idle(now))
        });
        self.hand = (self.hand + LOOKS) % size.max(1);
        self.entries.swap_remove_index(worth_least?)
    }
}

impl<V> Entry<V> {
    fn idle(&self, now: Nanos) -> Duration {
        now.since(Nanos(self.used.load(Relaxed)))
    }
}

/// Keys are not shown: they may be somebody's.
impl<K, V> fmt::Debug for KeyedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedMap").field("keys", &self.len()).finish_non_exhaustive()
    }
}
