//! Finds the flight of a key, and is the one place where flights begin and leave.

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
    sync::Arc,
};

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use seawall_core::{
    CachePadded, lanes,
    sync::{Mutex, Stat},
};

use super::{
    Follower, Leader,
    seats::{Flight, Left, Rest, Wake},
};

/// The flights of all keys. Cloning shares them.
pub(crate) struct Flights<K, T>(pub(super) Arc<Table<K, T>>);

pub(super) struct Table<K, T> {
    hasher: RandomState,
    shards: Box<[Shard<K, T>]>,
    pub(super) counts: Counts,
}

type Shard<K, T> = CachePadded<Mutex<HashTable<Arc<Flight<K, T>>>>>;

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Callers who found a flight to follow.
    pub(crate) joined: Stat,
    /// Flights that another caller went on with after their leader was dropped.
    pub(crate) handed_over: Stat,
    pub(crate) panicked: Stat,
    /// Flights that were under way when their key was invalidated.
    pub(crate) poisoned: Stat,
}

/// What a caller is for its key.
pub(crate) enum Entry<K, T> {
    /// It loads.
    Leads(Leader<K, T>),
    /// Another one loads.
    Follows(Follower<K, T>),
}

impl<K, T> Flights<K, T> {
    pub(crate) fn new() -> Self {
        // Misses only: a few for each thread keep two of them apart.
        Self::with_shards(4 * lanes())
    }

    /// `shards` must be a power of two.
    pub(crate) fn with_shards(shards: usize) -> Self {
        debug_assert!(shards.is_power_of_two(), "a shard is found with a mask");
        let shard = || CachePadded::new(Mutex::new(HashTable::new()));
        Self(Arc::new(Table {
            hasher: RandomState::default(),
            shards: (0..shards).map(|_| shard()).collect(),
            counts: Counts::default(),
        }))
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// How many keys have a registered flight now.
    pub(crate) fn in_flight(&self) -> usize {
        self.0.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether no key has a registered flight now.
    #[cfg(any(test, feature = "tower"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.shards.iter().all(|shard| shard.lock().is_empty())
    }

    /// How many follow a registered flight now.
    pub(crate) fn following(&self) -> usize {
        let of_shard = |shard: &Shard<K, T>| -> usize {
            shard.lock().iter().map(|flight| flight.followers()).sum()
        };
        self.0.shards.iter().map(of_shard).sum()
    }

    /// Takes all flights out of the table: none of them publishes.
    ///
    /// Who clears a store calls this first, and clears after it.
    pub(crate) fn poison_all(&self) {
        for shard in &self.0.shards {
            let mut shard = shard.lock();
            let poisoned: Vec<_> = shard.drain().collect();
            // Under the shard's lock: what is vacant must be registered.
            let wakes: Vec<_> = poisoned.iter().map(|flight| flight.poison()).collect();
            drop(shard);
            self.0.counts.poisoned.add(poisoned.len() as u64);
            wakes.into_iter().for_each(Wake::now);
        }
    }
}

impl<K: Hash + Eq, T> Flights<K, T> {
    /// Leads the flight of `key` if it has none, or one that nobody leads; follows it otherwise.
    pub(crate) fn join_or_lead<Q>(&self, key: &Q) -> Entry<K, T>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.board(key, true) {
            Ok(leader) => Entry::Leads(leader),
            Err(follower) => Entry::Follows(follower.expect("whoever does not lead follows")),
        }
    }

    /// Leads the flight of `key`, if nobody does: a refresh of what is there, which nobody need wait for.
    pub(crate) fn try_lead<Q>(&self, key: &Q) -> Option<Leader<K, T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.board(key, false).ok()
    }

    /// Leads the flight of `key`, or, if somebody does and the caller `follows`, is counted in.
    fn board<Q>(&self, key: &Q, follows: bool) -> Result<Leader<K, T>, Option<Follower<K, T>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.0.hasher.hash_one(key);
        let mut shard = self.0.shard(hash).lock();
        let flight = match shard.find(hash, |flight| flight.key.borrow() == key) {
            Some(flight) if flight.board(follows) => {
                self.0.counts.handed_over.add(1);
                flight.clone()
            }
            Some(flight) => {
                self.0.counts.joined.add(u64::from(follows));
                return Err(follows.then(|| Follower::new(self.clone(), flight.clone())));
            }
            None => {
                let flight = Arc::new(Flight::led(key.to_owned(), hash));
                shard.insert_unique(hash, flight.clone(), |flight| flight.hash);
                flight
            }
        };
        drop(shard);
        Ok(Leader::new(self.clone(), flight))
    }

    /// Takes the flight of `key` out of the table, so that it does not publish, and runs `step` under the
    /// same lock: there the store's entry is removed, or written.
    ///
    /// `step` must not come back to the table.
    pub(crate) fn poison<Q, R>(&self, key: &Q, step: impl FnOnce() -> R) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.0.hasher.hash_one(key);
        let gone; // declared before the lock is taken, so that it is dropped after it is given back
        let mut wake = Wake::Nobody;
        let mut shard = self.0.shard(hash).lock();
        if let Ok(found) = shard.find_entry(hash, |flight| flight.key.borrow() == key) {
            (gone, _) = found.remove();
            wake = gone.poison();
            self.0.counts.poisoned.add(1);
        }
        let done = step();
        drop(shard);
        wake.now();
        done
    }
}

impl<K, T> Table<K, T> {
    fn shard(&self, hash: u64) -> &Shard<K, T> {
        // The top half: a table uses the lowest bits and the highest seven.
        &self.shards[(hash >> 32) as usize & (self.shards.len() - 1)]
    }

    /// Takes `flight` out, after `step`, if it is the registered one of its key; both under the lock.
    pub(super) fn retire(&self, flight: &Arc<Flight<K, T>>, step: impl FnOnce(&K)) -> bool {
        let mut shard = self.shard(flight.hash).lock();
        let Ok(found) = shard.find_entry(flight.hash, |other| Arc::ptr_eq(other, flight)) else {
            return false;
        };
        step(&flight.key);
        found.remove(); // the caller has another count of it: nothing is dropped here
        true
    }

    /// Runs `step` under the lock, if `flight` is the registered one of its key.
    pub(super) fn amid(&self, flight: &Arc<Flight<K, T>>, step: impl FnOnce(&K)) {
        let shard = self.shard(flight.hash).lock();
        if shard.find(flight.hash, |other| Arc::ptr_eq(other, flight)).is_some() {
            step(&flight.key);
        }
    }

    /// Somebody left `flight`, by `leave`, which is told whether it is registered.
    pub(super) fn after(
        &self,
        flight: &Arc<Flight<K, T>>,
        leave: impl FnOnce(bool) -> Left<T>,
    ) -> Rest<T> {
        let mut shard = self.shard(flight.hash).lock();
        let found = shard.find_entry(flight.hash, |other| Arc::ptr_eq(other, flight));
        let Left { empty, wake, rest } = leave(found.is_ok());
        if let (true, Ok(found)) = (empty, found) {
            found.remove();
        }
        drop(shard); // before what is the user's own: it could come back here
        wake.now();
        rest
    }
}

impl<K, T> Clone for Flights<K, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
