//! What comes from outside: writes and invalidations. Each poisons the flight of its key and changes the
//! store in one step, so that no load that began before can publish after it.
//!
//! # With a second level
//!
//! ```text
//!  the call            the future
//! ─────┬───────────────────┬──────────────────────────┬───────────────────────────┬──▶
//!   poisons, and        ends it there:             poisons, and                returns
//!   removes             records and leases         removes once more
//! ```
//!
//! The second time is for a reader who missed in between, found in the second level what was about to be ended
//! there, and kept it here. What the second level did not confirm is [owed](super::level::recovery).
//!
//! A value that is put in (`insert`, `write_through`) leads the flight of its key meanwhile: who misses waits,
//! and if another write or invalidation comes in between, here or elsewhere, it is not kept.

use std::{
    borrow::Borrow, collections::HashMap, future::poll_fn, hash::Hash, panic::resume_unwind,
    pin::pin,
};

use seawall_core::Rejection;

use super::{
    NotShared,
    keep::Made,
    level::{Held, recovery::Ends},
    shared::{Outcome, Shared},
};
use crate::{
    Entry, Loaded, Store, WriteQueue,
    flight::Leader,
    freshness::Verdict,
    l2::{Ask, Fill, Look},
};

/// What is done here, and at once.
impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    pub(super) fn insert_here(&self, key: &K, loaded: Loaded<V>) {
        let Made { entry, .. } = self.make(key, loaded, self.since());
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
        let queued = loaded.value.clone(); // before the lock
        let since = self.since();
        let Made { entry, .. } = self.make(key, loaded, since);
        let entry = entry.map(|(entry, weight)| {
            let life = self.bounded(entry.life, since, false);
            (Entry { life, ..entry }, weight)
        });
        let own = key.clone();
        self.flights.poison(key, || {
            queue.offer(key, queued.as_ref())?;
            self.put(own, entry);
            Ok(())
        })?;
        if let Some(level) = &self.level {
            level.owe(Ends::keys(vec![key.clone()])); // nobody waits for it
        }
        Ok(())
    }

    pub(super) fn end_here<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.flights.poison(key, || self.store.remove(key))
    }

    pub(super) fn clear_here(&self) {
        self.flights.poison_all();
        self.store.clear(); // after it: what is published in between goes, or was loaded after the call
    }

    pub(super) fn update_here(&self, key: &K, change: impl FnOnce(&V) -> V) -> bool {
        let own = key.clone();
        self.flights.poison(key, || {
            // Read and written under one lock: of two updates none is lost.
            let changed = self.store.with(key, |entry| {
                let value = entry.value.as_ref()?;
                let lives = self.verdict(entry, 0.0, || 1.0) != Verdict::Expired;
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

    pub(super) fn sweep(&self, cursor: &mut u64) {
        self.store
            .retain_step(cursor, |_, entry| self.verdict(entry, 0.0, || 1.0) != Verdict::Expired);
    }
}

/// What is done here and there.
impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Puts values in, here and in the second level, in the place of whatever is there.
    pub(super) async fn insert_shared(
        &self,
        values: HashMap<K, Loaded<V>>,
        mut doubt: Doubt<'_, K, V, E, S>,
    ) -> Result<(), NotShared> {
        let (mut led, mut elsewhere) = (Vec::new(), Vec::new());
        for (key, loaded) in values {
            match self.flights.try_lead(&key) {
                Some(leader) => led.push((leader, self.since(), loaded)),
                None => elsewhere.push(key), // it may find what is about to be ended there
            }
        }
        doubt.here = Ends::keys(elsewhere);
        let told = doubt.tell().await;
        let keys: Vec<_> = led.iter().map(|(leader, ..)| leader.key().clone()).collect();
        let leases = if told.is_ok() { self.leases(&keys).await } else { Vec::new() };

        let leased = self.clock.now(); // they were given before
        let mut leases = leases.into_iter();
        let (mut fills, mut made) = (Vec::new(), Vec::new());
        for (leader, since, loaded) in led {
            let lease = leases.next().flatten();
            let (new, fill) = self.make_both(leader.key(), loaded, since, (lease, leased));
            made.push((leader, since, new, fill.is_some()));
            fills.extend(fill);
        }
        let mut filled = self.fill_all(&fills).await.into_iter();
        for (leader, since, new, fills) in made {
            let doubtful = told.is_err() || fills && filled.next() != Some(true);
            drop(self.publish(leader, new, since, doubtful));
        }
        told
    }

    /// The right to put in what nobody loads; where somebody does, that is as good.
    async fn leases(&self, keys: &[K]) -> Vec<Option<Held<K, V>>> {
        let Some(level) = self.level.as_ref().filter(|_| !keys.is_empty()) else {
            return Vec::new();
        };
        let lease = |(key, look)| match look {
            Look::Lease(lease) | Look::Stale(_, Some(lease)) => Some(Held::new(level, key, lease)),
            Look::Hit(_) | Look::Stale(_, None) | Look::Busy => None,
        };
        let looks = level.look(keys, Ask::Value).await.unwrap_or_default();
        keys.iter().zip(looks).map(lease).collect()
    }

    /// Which of them were put in, for sure.
    pub(super) async fn fill_all(&self, fills: &[Fill<K, V>]) -> Vec<bool> {
        match &self.level {
            Some(level) if !fills.is_empty() => level.fill(fills).await.unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    pub(super) async fn write_through<T, W, F>(
        &self,
        key: K,
        loaded: Loaded<V>,
        write: impl FnOnce() -> F,
    ) -> Result<T, W>
    where
        F: Future<Output = Result<T, W>>,
    {
        // Declared in this order: dropped unfinished, the flight goes first, and then the key's entry,
        // for nobody knows what of the write has happened.
        let mut doubt = self.doubt(Ends::keys(vec![key.clone()]));
        self.flights.poison(&key, || ());
        let since = self.since();
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
        .await;
        // Whether it went well or not: it may have happened. Not filled: which of two writes the source took
        // last, only the source knows.
        let told = doubt.tell().await;
        let written = written?;
        if let Some(leader) = leader {
            let Made { landed, entry } = self.make(&key, loaded, since);
            let entry = entry.map(|(entry, weight)| {
                let life = self.bounded(entry.life, since, told.is_err());
                (Entry { life, ..entry }, weight)
            });
            let (_, stored) = leader.publish(Ok(landed), |_, _| self.put(key, entry));
            if stored {
                doubt.here = Ends::none();
            }
        }
        Ok(written)
    }
}

/// Something that is ended, until that is over: then, or when it is dropped, what `here` says is ended here once
/// more; and what the second level was not told by then is owed to it.
pub(super) struct Doubt<'a, K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    shared: &'a Shared<K, V, E, S>,
    pub(super) here: Ends<K>,
    there: Ends<K>,
    told: bool,
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    pub(super) fn doubt(&self, ends: Ends<K>) -> Doubt<'_, K, V, E, S> {
        Doubt { shared: self, here: ends.clone(), there: ends, told: false }
    }

    /// The same where there is a second level; nothing where there is none, and all is over.
    pub(super) fn second(&self, ends: impl FnOnce() -> Ends<K>) -> Option<Doubt<'_, K, V, E, S>> {
        self.level.is_some().then(|| self.doubt(ends()))
    }
}

impl<K, V, E, S> Doubt<'_, K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Tells the second level, if there is one.
    pub(super) async fn tell(&mut self) -> Result<(), NotShared> {
        let Some(level) = &self.shared.level else { return Ok(()) };
        let told = level.end(&self.there).await;
        self.told = true; // or owed
        told
    }

    /// Tells it, and is over.
    pub(super) async fn ends(mut self) -> Result<(), NotShared> {
        let told = self.tell().await;
        drop(self); // the second time here, after it
        told
    }
}

impl<K, V, E, S> Drop for Doubt<'_, K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    fn drop(&mut self) {
        let Self { shared, here, there, told } = self;
        if let (Some(level), false) = (&shared.level, *told) {
            level.owe(std::mem::replace(there, Ends::none()));
        }
        for key in &here.keys {
            shared.end_here(key);
        }
        here.tags.iter().for_each(|tag| shared.tags.invalidate(*tag));
        if here.all {
            shared.clear_here();
        }
    }
}
