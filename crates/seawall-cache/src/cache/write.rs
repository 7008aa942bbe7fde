//! What comes from outside: writes and invalidations. Each poisons the flight of its key and changes the
//! store in one step, so that no load that began before can publish after it.

use std::{borrow::Borrow, future::poll_fn, hash::Hash, panic::resume_unwind, pin::pin, sync::Arc};

use seawall_core::Rejection;

use super::shared::{Landed, Outcome, Shared};
use crate::{Entry, Loaded, Store, WriteQueue, flight::Leader, freshness::Verdict, tags::Tagged};

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: Store<K, Entry<V>>,
{
    pub(super) fn insert(&self, key: &K, loaded: Loaded<V>) {
        let Loaded { value, said, tags } = loaded;
        let tagged = Tagged::new(self.tags.mark(), tags);
        let entry = self.entry(key, Landed { value, tagged }, said, self.clock.now());
        let own = key.clone();
        self.flights.poison(key, || self.put(own, entry));
    }

    /// The queue's order is the cache's: both take the value under one lock.
    pub(super) fn write_behind<W: WriteQueue<K, V> + ?Sized>(
        &self,
        key: &K,
        loaded: Loaded<V>,
        queue: &W,
    ) -> Result<(), Rejection> {
        let Loaded { value, said, tags } = loaded;
        let tagged = Tagged::new(self.tags.mark(), tags);
        let queued = value.clone(); // before the lock
        let entry = self.entry(key, Landed { value, tagged }, said, self.clock.now());
        let own = key.clone();
        self.flights.poison(key, || {
            queue.offer(key, queued.as_ref())?;
            self.put(own, entry);
            Ok(())
        })
    }

    pub(super) fn invalidate<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.flights.poison(key, || self.store.remove(key))
    }

    pub(super) fn update<Q>(&self, key: &Q, change: impl FnOnce(&V) -> V) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let own = key.to_owned();
        self.flights.poison(key, || {
            // Read and written under one lock: of two updates none is lost.
            let now = self.clock.now();
            let changed = self.store.with(key, |entry| {
                let value = entry.value.as_ref()?;
                let lives = entry.life.judge(now, 0.0, || 1.0) != Verdict::Expired
                    && self.tags.are_valid(&entry.tagged);
                lives.then(|| {
                    let value = Some(change(value));
                    Entry { value, life: entry.life.same(), tagged: entry.tagged.clone() }
                })
            });
            let Some(entry) = changed.flatten() else { return false };
            let weight = entry.value.as_ref().map_or(1, |value| self.weigh(&own, value));
            self.store.insert(own, entry, weight);
            true
        })
    }

    pub(super) fn clear(&self) {
        self.flights.poison_all();
        self.store.clear(); // after it: what is published in between goes, or was loaded after the call
    }

    pub(super) async fn write_through<T, W, F>(
        self: &Arc<Self>,
        key: K,
        loaded: Loaded<V>,
        write: impl FnOnce() -> F,
    ) -> Result<T, W>
    where
        F: Future<Output = Result<T, W>>,
    {
        // Declared in this order: dropped unfinished, the flight goes first, and then the key's entry,
        // for nobody knows what of the write has happened.
        let mut doubt = Doubt { shared: self, key: Some(key) };
        let key = doubt.key.clone().expect("until the write is over");
        self.flights.poison(&key, || ());
        let mark = self.tags.mark();
        let began = self.clock.now();
        let mut write = pin!(write());
        // While the write runs, whoever misses waits for it. Where another one leads, it is in doubt.
        let mut leader: Option<Leader<K, Outcome<V, E>>> = self.flights.try_lead(&key);
        let written = poll_fn(|cx| match &mut leader {
            None => write.as_mut().poll(cx),
            Some(leader) => match leader.poll_load(write.as_mut(), cx) {
                Ok(polled) => polled,
                Err(panic) => resume_unwind(panic),
            },
        })
        .await?;
        if let Some(leader) = leader {
            let Loaded { value, said, tags } = loaded;
            let landed = Landed { value, tagged: Tagged::new(mark, tags) };
            let entry = self.entry(&key, landed.clone(), said, began);
            let (_, stored) = leader.publish(Ok(landed), |_, _| self.put(key, entry));
            if stored {
                doubt.key = None;
            }
        }
        Ok(written)
    }

    pub(super) fn sweep(&self, cursor: &mut u64) {
        let now = self.clock.now();
        self.store.retain_step(cursor, |_, entry| {
            entry.life.judge(now, 0.0, || 1.0) != Verdict::Expired
                && self.tags.are_valid(&entry.tagged)
        });
    }
}

/// A write whose outcome is not known, until it is: ends the key's entry when it is dropped.
struct Doubt<'a, K: Hash + Eq + Clone, V: Clone, E, S: Store<K, Entry<V>>> {
    shared: &'a Shared<K, V, E, S>,
    key: Option<K>,
}

impl<K: Hash + Eq + Clone, V: Clone, E, S: Store<K, Entry<V>>> Drop for Doubt<'_, K, V, E, S> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.shared.invalidate(&key);
        }
    }
}
