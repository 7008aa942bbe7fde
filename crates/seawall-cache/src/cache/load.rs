//! One load, from its turn to its publication. Who polls it may change: it begins in its caller's task,
//! and may go on in one of its own.
//!
//! ```text
//!  [asks the second level] ──▶ waits for its turn ──▶ loads ──▶ [fills it] ──▶ publishes
//!          └── it is there ────────────────────────────────────────────────────────▲
//! ```

use std::{
    any::Any,
    future::poll_fn,
    hash::Hash,
    panic::resume_unwind,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use seawall_core::{Error, Reason, Rejection};

use super::{
    Background, Turn,
    ask::{Asked, For, Right},
    keep::Made,
    level::{Held, Level},
    shared::{Outcome, Shared, Since},
    timer::Timer,
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Leader, Place},
    l2::Fill,
};

/// A load under way.
pub(super) type Course<V, E> = Pin<Box<dyn Future<Output = Outcome<V, E>> + Send>>;

enum Ended<R> {
    Loaded(R),
    TimedOut,
    Panicked(Box<dyn Any + Send>),
}

/// Where a load begins.
pub(super) enum Way<K, V> {
    /// It has a place in the line already.
    Turn(Place),
    /// The second level is asked first.
    Ask(Arc<Level<K, V>>, For),
}

/// Loads, by way of the second level where there is one, and ends the flight: publishes where it is still the
/// registered one.
///
/// # Panics
///
/// Where the load does; those who follow know by then.
pub(super) async fn load<K, V, E, S, F, L, R>(
    shared: Arc<Shared<K, V, E, S>>,
    mut leader: Leader<K, Outcome<V, E>>,
    way: Way<K, V>,
    begin: F,
) -> Outcome<V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
    F: FnOnce() -> L + Send + 'static,
    L: Future<Output = Result<R, E>> + Send + 'static,
    R: Into<Loaded<V>> + 'static,
{
    let (level, wants) = match way {
        Way::Turn(place) => return load_by(shared, leader, place, Right::OWN, begin).await,
        Way::Ask(level, wants) => (level, wants),
    };
    let right = match shared.ask(&level, &mut leader, wants).await {
        Asked::Load(right) => right,
        Asked::Record { record, since, rests, lease } => {
            let key = leader.key().clone();
            let outcome = shared.land_record(leader, record, since, rests);
            if let Some(lease) = lease {
                shared.renew(&key, lease, begin);
            }
            return outcome;
        }
    };
    match shared.enter() {
        Ok(place) => load_by(shared, leader, place, right, begin).await,
        Err(refused) => leader.settle(Err(refused.into())),
    }
}

/// Waits for its turn, loads, and ends the flight.
async fn load_by<K, V, E, S, F, L, R>(
    shared: Arc<Shared<K, V, E, S>>,
    mut leader: Leader<K, Outcome<V, E>>,
    mut place: Place,
    right: Right<K, V>,
    begin: F,
) -> Outcome<V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
    F: FnOnce() -> L,
    L: Future<Output = Result<R, E>>,
    R: Into<Loaded<V>>,
{
    let slot = poll_fn(|cx| place.poll(cx)).await;
    let since = shared.since(); // before the load
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
    shared.stats.took(shared.clock.now().since(since.at));
    let (mut leader, made, fill) = match shared.ended(leader, ended, since, right.lease) {
        Ok(made) => made,
        Err(outcome) => return outcome,
    };
    let filled = match fill {
        Some(fill) => shared.fill(&mut leader, fill).await,
        None => true,
    };
    shared.publish(leader, made, since, right.doubtful || !filled)
}

impl<K, V, E, S> Shared<K, V, E, S> {
    pub(super) fn panicked(&self, panic: Box<dyn Any + Send>) -> ! {
        self.tell(Turn::LoadPanicked);
        resume_unwind(panic)
    }
}

/// A load that gave something: its flight, what was made of it, and what of it goes to the second level.
type Flown<K, V, E> = (Leader<K, Outcome<V, E>>, Made<V>, Option<Fill<K, V>>);

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// The source is left alone for a while, where there is something to answer with meanwhile.
    pub(super) fn hush(&self, key: &K) {
        let until = self.clock.now() + self.policy.pause;
        self.store.with(key, |entry| entry.life.hush(until));
    }

    /// What is made of a load that gave something; the end of a flight whose load did not.
    fn ended<R: Into<Loaded<V>>>(
        &self,
        mut leader: Leader<K, Outcome<V, E>>,
        ended: Ended<Result<R, E>>,
        since: Since,
        lease: Option<Held<K, V>>,
    ) -> Result<Flown<K, V, E>, Outcome<V, E>> {
        match ended {
            Ended::Loaded(Ok(loaded)) => {
                let (made, fill) = self.loaded(&mut leader, || loaded.into(), since, lease);
                Ok((leader, made, fill))
            }
            Ended::Loaded(Err(error)) => {
                self.stats.failed.add(1);
                self.hush(leader.key());
                let outcome = leader.settle(Err(Error::Inner(LoadError::failed(error))));
                self.tell(Turn::LoadFailed);
                Err(outcome)
            }
            Ended::TimedOut => {
                self.stats.timed_out.add(1);
                self.hush(leader.key());
                let refused = Rejection::new(Reason::Timeout, self.name.clone());
                let outcome = leader.settle(Err(refused.into()));
                self.tell(Turn::LoadTimedOut);
                Err(outcome)
            }
            Ended::Panicked(panic) => {
                self.hush(leader.key());
                self.panicked(panic)
            }
        }
    }

    /// A load that began at `since` gave a value, or that there is none: what is made of it, and what of it
    /// goes to the second level.
    pub(super) fn loaded(
        &self,
        leader: &mut Leader<K, Outcome<V, E>>,
        loaded: impl FnOnce() -> Loaded<V>,
        since: Since,
        lease: Option<Held<K, V>>,
    ) -> (Made<V>, Option<Fill<K, V>>) {
        let key = leader.key().clone();
        // The user's own: the conversion, the weigher, the clone.
        let made = leader.guard(|| self.make_both(&key, loaded(), since, (lease, since.at)));
        made.unwrap_or_else(|panic| self.panicked(panic))
    }

    /// Puts it in the second level: whether that took it, for sure.
    ///
    /// # Panics
    ///
    /// Where the store does; those who follow know by then.
    async fn fill(&self, leader: &mut Leader<K, Outcome<V, E>>, fill: Fill<K, V>) -> bool {
        let Some(level) = &self.level else { return true };
        let fills = [fill];
        let mut fill = pin!(level.fill(&fills));
        let filled = poll_fn(|cx| match leader.poll_load(fill.as_mut(), cx) {
            Ok(polled) => polled,
            Err(panic) => self.panicked(panic),
        });
        filled.await.is_ok_and(|filled| filled == [true])
    }
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Loads behind a stale answer, under a lease; gives the lease back where that can't be.
    fn renew<F, L, R>(self: &Arc<Self>, key: &K, lease: Held<K, V>, begin: F)
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let Some(leader) = self.flights.try_lead(key) else { return };
        let places = (self.refreshes.try_enter(), self.cap.try_enter());
        let (Some(place), Some(slot), true) = (places.0, places.1, self.tasks.can_spawn()) else {
            drop(leader);
            self.refused();
            return;
        };
        self.stats.refreshes.add(1);
        let right = Right { lease: Some(lease), doubtful: false };
        let course = load_by(self.clone(), leader, Place::from(slot), right, begin);
        self.tasks.spawn(Background::new(Box::pin(course), place));
    }
}
