//! One load, from its turn to its publication. Who polls it may change: it begins in its caller's task,
//! and may go on in one of its own.

use std::{
    any::Any,
    future::poll_fn,
    hash::Hash,
    panic::resume_unwind,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use seawall_core::{Error, Nanos, Reason, Rejection};

use super::{
    Turn,
    shared::{Landed, Outcome, Shared},
    timer::Timer,
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Leader, Place},
    tags::{Mark, Tagged},
};

/// A load under way.
pub(super) type Course<V, E> = Pin<Box<dyn Future<Output = Outcome<V, E>> + Send>>;

enum Ended<R> {
    Loaded(R),
    TimedOut,
    Panicked(Box<dyn Any + Send>),
}

/// Waits for its turn, loads, and ends the flight: publishes where it is still the registered one.
///
/// # Panics
///
/// Where the load does; those who follow know by then.
pub(super) async fn load<K, V, E, S, F, L, R>(
    shared: Arc<Shared<K, V, E, S>>,
    mut leader: Leader<K, Outcome<V, E>>,
    mut place: Place,
    begin: F,
) -> Outcome<V, E>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: Store<K, Entry<V>>,
    F: FnOnce() -> L,
    L: Future<Output = Result<R, E>>,
    R: Into<Loaded<V>>,
{
    let slot = poll_fn(|cx| place.poll(cx)).await;
    let mark = shared.tags.mark(); // before the load: what is invalidated from here on, it may not know
    let began = shared.clock.now();
    shared.stats.loads.add(1);
    let load = match leader.guard(begin) {
        Ok(load) => load,
        Err(panic) => {
            drop(slot);
            shared.panicked(panic)
        }
    };
    let mut load = pin!(load);
    let mut leader = leader; // after the load, to be dropped before it: nobody joins what is cancelled
    let mut timer = Timer::after(shared.load_timeout);

    let ended = poll_fn(|cx| match leader.poll_load(load.as_mut(), cx) {
        Ok(Poll::Ready(loaded)) => Poll::Ready(Ended::Loaded(loaded)),
        Ok(Poll::Pending) => timer.poll(cx).map(|()| Ended::TimedOut),
        Err(panic) => Poll::Ready(Ended::Panicked(panic)),
    })
    .await;

    drop(slot); // free before anybody is told
    shared.stats.took(shared.clock.now().since(began));
    match ended {
        Ended::Loaded(Ok(loaded)) => shared.land(leader, loaded, began, mark),
        Ended::Loaded(Err(error)) => {
            shared.stats.failed.add(1);
            shared.hush(leader.key());
            let outcome = leader.settle(Err(Error::Inner(LoadError::failed(error))));
            shared.tell(Turn::LoadFailed);
            outcome
        }
        Ended::TimedOut => {
            shared.stats.timed_out.add(1);
            shared.hush(leader.key());
            let refused = Rejection::new(Reason::Timeout, shared.name.clone());
            let outcome = leader.settle(Err(refused.into()));
            shared.tell(Turn::LoadTimedOut);
            outcome
        }
        Ended::Panicked(panic) => {
            shared.hush(leader.key());
            shared.panicked(panic)
        }
    }
}

impl<K, V, E, S> Shared<K, V, E, S> {
    pub(super) fn panicked(&self, panic: Box<dyn Any + Send>) -> ! {
        self.tell(Turn::LoadPanicked);
        resume_unwind(panic)
    }
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: Store<K, Entry<V>>,
{
    /// The source is left alone for a while, where there is something to answer with meanwhile.
    pub(super) fn hush(&self, key: &K) {
        let until = self.clock.now() + self.policy.pause;
        self.store.with(key, |entry| entry.life.hush(until));
    }

    /// A load that began at `began`, after `mark`, gave a value, or that there is none.
    pub(super) fn land(
        &self,
        mut leader: Leader<K, Outcome<V, E>>,
        loaded: impl Into<Loaded<V>>,
        began: Nanos,
        mark: Mark,
    ) -> Outcome<V, E> {
        let key = leader.key().clone();
        // The user's own: the conversion, the weigher, the clone.
        let made = leader.guard(|| {
            let loaded = loaded.into();
            let landed =
                Landed { value: loaded.value.clone(), tagged: Tagged::new(mark, loaded.tags) };
            let entry = self.entry(&key, landed.clone(), loaded.said, began);
            (landed, entry)
        });
        let (landed, entry) = match made {
            Ok(made) => made,
            Err(panic) => self.panicked(panic),
        };
        leader.publish(Ok(landed), |_, _| self.put(key, entry)).0
    }

    /// What is to be kept of it, and its weight; nothing, where it would not live.
    pub(super) fn entry(
        &self,
        key: &K,
        landed: Landed<V>,
        said: crate::freshness::Overrides,
        began: Nanos,
    ) -> Option<(Entry<V>, u32)> {
        let Landed { value, tagged } = landed;
        let draw = |low, high| self.draw(low, high);
        let (life, weight) = match &value {
            Some(value) => {
                let life = self.policy.lifetime(began, self.clock.now(), said, draw);
                (life, self.weigh(key, value))
            }
            None => (self.policy.lifetime_of_absence(began, said, draw), 1),
        };
        let lives = life.fresh_until > began && self.tags.are_valid(&tagged);
        lives.then_some((Entry { value, life, tagged }, weight))
    }

    /// Under the lock of the flight table.
    pub(super) fn put(&self, key: K, entry: Option<(Entry<V>, u32)>) {
        match entry {
            Some((entry, weight)) => self.store.insert(key, entry, weight),
            None => drop(self.store.remove(&key)), // the former one is no longer true
        }
    }
}
