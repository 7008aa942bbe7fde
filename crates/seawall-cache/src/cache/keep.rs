//! What is kept, of a load and of what the second level had, and for how long.

use std::{hash::Hash, panic::resume_unwind};

use seawall_core::Nanos;

use super::{
    hearing::is_deaf,
    level::Held,
    shared::{Landed, Outcome, Shared, Since},
};
use crate::{
    Entry, Loaded, Store,
    flight::Leader,
    freshness::{Lifetime, Verdict},
    l2::{Fill, Record, Tag},
    tags::Tagged,
};

/// A load that is over: what it is for those who wait, and what is to be kept of it.
pub(super) struct Made<V> {
    pub(super) landed: Landed<V>,
    pub(super) entry: Option<(Entry<V>, u32)>,
}

impl<V: Clone> Made<V> {
    /// What of it goes to the second level, which counts its life from a moment before `leased`.
    fn record(&self, tags: Vec<Tag>, leased: Nanos) -> Option<Record<V>> {
        let (entry, _) = self.entry.as_ref()?;
        Some(Record { value: entry.value.clone(), life: entry.life.for_record(leased), tags })
    }
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// What is to be kept of it here, and, where there was a lease by the moment `leased`, there.
    pub(super) fn make_both(
        &self,
        key: &K,
        loaded: Loaded<V>,
        since: Since,
        (lease, leased): (Option<Held<K, V>>, Nanos),
    ) -> (Made<V>, Option<Fill<K, V>>) {
        let tags = lease.as_ref().map(|_| loaded.tags.clone());
        let made = self.make(key, loaded, since);
        let record = tags.and_then(|tags| made.record(tags, leased));
        let fill = lease.zip(record).map(|(lease, record)| lease.fill(record));
        (made, fill)
    }

    /// What is to be kept of it, and its weight; nothing, where it would not live.
    pub(super) fn make(&self, key: &K, loaded: Loaded<V>, since: Since) -> Made<V> {
        let Loaded { value, said, tags } = loaded;
        let landed = Landed { value, tagged: Tagged::new(since.mark, tags) };
        let Landed { value, tagged } = landed.clone();
        let draw = |low, high| self.draw(low, high);
        let (life, weight) = match &value {
            Some(value) => {
                let life = self.policy.lifetime(since.at, self.clock.now(), said, draw);
                (life, self.weigh(key, value))
            }
            None => (self.policy.lifetime_of_absence(since.at, said, draw), 1),
        };
        let lives = life.fresh_until > since.at && self.tags.are_valid(&tagged);
        Made { landed, entry: lives.then_some((Entry { value, life, tagged }, weight)) }
    }

    /// Ends a flight by what was made of its load.
    ///
    /// It is `doubtful` where the second level did not take it: refused, for the lease is gone. Somebody may
    /// have invalidated the key, and this instance hears of it in a moment; the load may have taken longer than
    /// the lease; or the second level came back empty.
    pub(super) fn publish(
        &self,
        leader: Leader<K, Outcome<V, E>>,
        made: Made<V>,
        since: Since,
        doubtful: bool,
    ) -> Outcome<V, E> {
        let key = leader.key().clone();
        let Made { landed, entry } = made;
        let entry = entry.map(|(entry, weight)| {
            let life = self.bounded(entry.life, since, doubtful);
            (Entry { life, ..entry }, weight)
        });
        leader.publish(Ok(landed), |_, _| self.put(key, entry)).0
    }

    /// Ends a flight by what the second level had.
    ///
    /// # Panics
    ///
    /// Where the weigher does, or the clone; those who follow know by then.
    pub(super) fn land_record(
        &self,
        mut leader: Leader<K, Outcome<V, E>>,
        record: Record<V>,
        since: Since,
        rests: bool,
    ) -> Outcome<V, E> {
        let key = leader.key().clone();
        let (landed, entry) = match leader.guard(|| self.of_record(&key, record, since, rests)) {
            Ok(made) => made,
            Err(panic) => resume_unwind(panic),
        };
        leader.publish(Ok(landed), |_, _| self.put(key, entry)).0
    }

    /// Keeps what may be answered if the load fails.
    pub(super) fn keep_spare(
        &self,
        leader: &Leader<K, Outcome<V, E>>,
        record: Record<V>,
        since: Since,
    ) {
        let key = leader.key().clone();
        let (_, entry) = self.of_record(&key, record, since, false);
        leader.amid(|_| {
            if let Some((entry, weight)) = entry {
                self.store.insert(key, entry, weight);
            }
        });
    }

    /// What a record is for those who wait, and in the store.
    ///
    /// Where it `rests`, another instance loads it anew, or a task of this one: nobody asks for a while.
    fn of_record(
        &self,
        key: &K,
        record: Record<V>,
        since: Since,
        rests: bool,
    ) -> (Landed<V>, Option<(Entry<V>, u32)>) {
        let Record { value, life, tags } = record;
        let landed = Landed { value, tagged: Tagged::new(since.mark, tags) };
        let life = self.bounded(Lifetime::of_record(&life, since.at), since, false);
        let now = self.clock.now();
        if let (true, Some(level)) = (rests, &self.level) {
            life.hush(now + level.bounds.wait);
        }
        let Landed { value, tagged } = landed.clone();
        let weight = value.as_ref().map_or(1, |value| self.weigh(key, value));
        let lives = life.judge(now, 0.0, || 1.0) != Verdict::Expired;
        (landed, lives.then_some((Entry { value, life, tagged }, weight)))
    }

    /// What this instance may make of a life: less, where it would not hear of an invalidation.
    pub(super) fn bounded(&self, mut life: Lifetime, since: Since, doubtful: bool) -> Lifetime {
        if let (true, Some(level)) = (doubtful || is_deaf(since.stretch), &self.level) {
            life = life.ending(since.at + level.bounds.gutter);
        }
        life.stretch = since.stretch;
        life
    }

    /// Under the lock of the flight table.
    pub(super) fn put(&self, key: K, entry: Option<(Entry<V>, u32)>) {
        match entry {
            Some((entry, weight)) => self.store.insert(key, entry, weight),
            None => drop(self.store.remove(&key)), // the former one is no longer true
        }
    }
}
