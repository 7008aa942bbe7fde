//! Our store and its peers, as one trait: numbers by numbers, of a capacity in entries.
//!
//! | peer | what is not equal |
//! |---|---|
//! | quick_cache 0.7 | S3-FIFO in shards, each under a lock that readers share. Its capacity is split among the shards: a shard of a full cache holds its share and no more. |
//! | moka 0.12 | TinyLFU. Reads and writes are noted in a log, which callers work off; what went in is evicted some time later. |
//! | foyer 0.22 | S3-FIFO as the algorithm of its choice; others do worse on these traces. Gives out a counted handle, not a copy. |
//!
//! A value is a number that is copied: with one that is cloned by counting, all of a hot key's readers
//! write to one count, whatever the store does, and what is measured is that.

use std::hash::RandomState;

use seawall_cache::{SetStore, Store as _};

pub(crate) type Ours = SetStore<u64, u64>;
pub(crate) type Quick = quick_cache::sync::Cache<u64, u64>;
pub(crate) type Moka = moka::sync::Cache<u64, u64, RandomState>;
pub(crate) type Foyer = foyer::Cache<u64, u64>;

pub(crate) trait Store: Sync {
    const NAME: &str;

    fn with_capacity(entries: usize) -> Self;

    fn find(&self, key: u64) -> Option<u64>;

    fn put(&self, key: u64, value: u64);

    /// Works off what was put off.
    fn settle(&self) {}

    /// Holds the keys from 0 to `keys`, as far as it does.
    fn filled(capacity: usize, keys: u64) -> Self
    where
        Self: Sized,
    {
        let store = Self::with_capacity(capacity);
        (0..keys).for_each(|key| store.put(key, key));
        store.settle();
        store
    }
}

impl Store for Ours {
    const NAME: &str = "seawall";

    fn with_capacity(entries: usize) -> Self {
        Self::new(entries, entries as u64)
    }

    #[inline]
    fn find(&self, key: u64) -> Option<u64> {
        self.with(&key, |value| *value)
    }

    fn put(&self, key: u64, value: u64) {
        self.insert(key, value, 1);
    }
}

impl Store for Quick {
    const NAME: &str = "quick_cache";

    fn with_capacity(entries: usize) -> Self {
        Self::new(entries)
    }

    #[inline]
    fn find(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}

impl Store for Moka {
    const NAME: &str = "moka";

    fn with_capacity(entries: usize) -> Self {
        Self::new(entries as u64)
    }

    #[inline]
    fn find(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }

    fn settle(&self) {
        self.run_pending_tasks();
    }
}

impl Store for Foyer {
    const NAME: &str = "foyer";

    fn with_capacity(entries: usize) -> Self {
        foyer::CacheBuilder::new(entries)
            .with_eviction_config(foyer::S3FifoConfig::default())
            .build()
    }

    #[inline]
    fn find(&self, key: u64) -> Option<u64> {
        self.get(&key).map(|entry| *entry.value())
    }

    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}
