//! What the clones of a cache share.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Chance, Clock, Error, Listeners, Name, Nanos, Observe, Reason, Rejection, Snapshot,
};

use super::{Event, Turn, hearing::Hearing, level::Level, stats::Stats, tasks::Tasks};
use crate::{
    Entry, LoadError, Store,
    flight::{Flights, Loads, Place},
    freshness::{Lifetime, Policy, Verdict},
    tags::{Mark, Tagged, Tags},
};

/// What a call gets.
pub(super) type Answer<V, E> = Result<V, Error<LoadError<E>>>;

/// What a load brings to all who wait for it.
pub(super) type Outcome<V, E> = Answer<Landed<V>, E>;

/// A value or that there is none; and what it belongs to.
#[derive(Clone)]
pub(super) struct Landed<V> {
    pub(super) value: Option<V>,
    pub(super) tagged: Tagged,
}

impl<V> Landed<V> {
    pub(super) fn into_answer<E>(self) -> Answer<V, E> {
        self.value.ok_or(Error::Inner(LoadError::Absent))
    }
}

pub(super) struct Shared<K, V, E, S> {
    pub(super) store: S,
    pub(super) flights: Flights<K, Outcome<V, E>>,
    pub(super) tags: Tags,
    pub(super) policy: Policy,
    pub(super) clock: Clock,
    pub(super) chance: Chance,
    pub(super) stats: Arc<Stats>,
    /// All loads, those in the background included.
    pub(super) cap: Loads,
    /// Those in the background.
    pub(super) refreshes: Loads,
    pub(super) soft_timeout: Option<Duration>,
    pub(super) load_timeout: Option<Duration>,
    pub(super) weigher: Option<Weigher<K, V>>,
    pub(super) tasks: Tasks,
    pub(super) hearing: Hearing,
    pub(super) level: Option<Arc<Level<K, V>>>,
    pub(super) listeners: Listeners<Event>,
    pub(super) name: Name,
    pub(super) limits: Limits,
}

/// A moment before a load, a look or a call, and what was known by then: what is invalidated from there on,
/// it may not know.
#[derive(Clone, Copy)]
pub(super) struct Since {
    pub(super) at: Nanos,
    pub(super) mark: Mark,
    pub(super) stretch: u32,
}

pub(super) type Weigher<K, V> = Arc<dyn Fn(&K, &V) -> u32 + Send + Sync>;

/// For snapshots.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) max_weight: u64,
    pub(super) max_loads: Option<usize>,
    pub(super) max_refreshes: usize,
}

impl<K, V, E, S> Shared<K, V, E, S> {
    pub(super) fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        turn.trace(&self.name);
        self.listeners.tell(|| Event { name: self.name.clone(), turn });
    }

    /// Read before what it is the beginning of.
    pub(super) fn since(&self) -> Since {
        let (mark, stretch) = (self.tags.mark(), self.hearing.stretch());
        Since { at: self.clock.now(), mark, stretch }
    }

    /// What an entry is: nothing, where a tag of it was invalidated, or it may have been without our knowing.
    #[inline]
    pub(super) fn verdict(
        &self,
        entry: &Entry<V>,
        beta: f64,
        draw: impl FnOnce() -> f64,
    ) -> Verdict {
        if !self.tags.are_valid(&entry.tagged) {
            return Verdict::Expired;
        }
        if !self.hearing.is_now(entry.life.stretch) {
            return self.verdict_of_another_stretch(&entry.life);
        }
        let now = if entry.life.is_eternal() { Nanos::ZERO } else { self.clock.now() };
        entry.life.judge(now, beta, draw)
    }

    /// Apart, so that a hit has no room to make for it.
    #[cold]
    #[inline(never)]
    fn verdict_of_another_stretch(&self, life: &Lifetime) -> Verdict {
        self.hearing
            .trust(life)
            .map_or(Verdict::Expired, |life| life.judge(self.clock.now(), 0.0, || 1.0))
    }

    /// A slot to load, or a place in the line for one.
    pub(super) fn enter(&self) -> Result<Place, Rejection> {
        self.cap.enter().map_err(|bound| {
            self.stats.refused.add(1);
            Rejection::new(Reason::Overloaded, self.name.clone()).with_bound(bound)
        })
    }

    /// A number above 0 and up to 1.
    pub(super) fn share(&self) -> f64 {
        const ONE: u64 = 1 << 53;
        self.chance.uniform(1, ONE) as f64 / ONE as f64
    }

    pub(super) fn draw(&self, low: u64, high: u64) -> u64 {
        self.chance.uniform(low, high)
    }

    pub(super) fn weigh(&self, key: &K, value: &V) -> u32 {
        self.weigher.as_ref().map_or(1, |weigh| weigh(key, value))
    }
}

impl<K, V, E, S: Store<K, Entry<V>>> Shared<K, V, E, S> {
    pub(super) fn snapshot(&self) -> Snapshot {
        let counts = self.flights.counts();
        let in_flight = self.flights.in_flight();
        let (refreshing, _) = self.refreshes.standing().unwrap_or_default();
        let standing = self.cap.standing();
        let state = match (in_flight, standing) {
            (0, _) => "idle",
            (_, Some((_, 1..))) => "full",
            _ => "loading",
        };
        let mut snapshot = Snapshot::new("cache", self.name.as_str(), state)
            .gauge("entries", self.store.len() as f64)
            .gauge("weight", self.store.weight() as f64)
            .gauge("in_flight", in_flight as f64)
            .gauge("following", self.flights.following() as f64)
            .gauge("refreshing", refreshing as f64)
            .counter("joins", counts.joined.get())
            .counter("loads_handed_over", counts.handed_over.get())
            .counter("loads_panicked", counts.panicked.get())
            .counter("loads_poisoned", counts.poisoned.get())
            .limit("max_weight", self.limits.max_weight as f64)
            .limit("max_refreshes", self.limits.max_refreshes as f64);
        if let (Some((loading, queueing)), Some(max)) = (standing, self.limits.max_loads) {
            snapshot = snapshot
                .gauge("loading", loading as f64)
                .gauge("queueing", queueing as f64)
                .limit("max_loads", max as f64);
        }
        snapshot = self.stats.write(snapshot);
        match &self.level {
            Some(level) => level
                .write(snapshot)
                .gauge("l2_listening", f64::from(u8::from(!self.hearing.is_deaf()))),
            None => snapshot,
        }
    }
}

impl<K, V, E, S> Observe for Shared<K, V, E, S>
where
    K: Send + Sync,
    V: Send + Sync,
    E: Send + Sync,
    S: Store<K, Entry<V>>,
{
    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }
}

impl<K, V, E, S> Drop for Shared<K, V, E, S> {
    fn drop(&mut self) {
        if let Some(level) = &self.level {
            level.close();
        }
    }
}
