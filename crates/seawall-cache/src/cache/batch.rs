//! One load for many keys, from its turn to its publications.

use std::{any::Any, collections::HashMap, future::poll_fn, hash::Hash, pin::pin, task::Poll};

use seawall_core::{Error, Nanos, Reason, Rejection};

use super::{
    Turn,
    ask::{Asked, For, Looked, Right},
    keep::Made,
    shared::{Outcome, Shared, Since},
    timer::Timer,
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Leader, Led, Slot, guard},
    l2::{Ask, Fill},
};

/// What a batch is to load: whose place among the keys, and by what right.
pub(super) type Loads<K, V, E> = Vec<(usize, Leader<K, Outcome<V, E>>, Right<K, V>)>;

/// What ended a batch.
enum Ended<R> {
    Loaded(R),
    TimedOut,
    Panicked(Box<dyn Any + Send>),
}

/// A load of many keys that has begun.
pub(super) struct Batch<K, V, E, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    // In this order: nobody joins what is cancelled.
    led: Led<K, Outcome<V, E>>,
    rights: Vec<Right<K, V>>,
    load: L,
    slot: Slot,
    since: Since,
}

/// What became of keys, by their places.
type Outcomes<V, E> = Vec<(usize, Outcome<V, E>)>;

/// What it brought, and what of it goes to the second level.
type Flown<K, V, E> = (Vec<Arrived<K, V, E>>, Vec<Fill<K, V>>);

/// What it brought for a key.
struct Arrived<K, V, E> {
    own: usize,
    leader: Leader<K, Outcome<V, E>>,
    made: Made<V>,
    doubtful: bool,
    /// Whether the second level is to be filled with it.
    fills: bool,
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Loads all of it in one batch, and ends each flight by itself.
    pub(super) async fn load_batch<F, L, A, R>(
        &self,
        loads: Loads<K, V, E>,
        begin: &mut F,
        outcomes: &mut Vec<(usize, Outcome<V, E>)>,
    ) where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>>,
        A: IntoIterator<Item = (K, R)>,
        R: Into<Loaded<V>>,
    {
        if loads.is_empty() {
            return;
        }
        let mut place = match self.enter() {
            Ok(place) => place,
            Err(refused) => {
                outcomes.extend(loads.into_iter().map(|(own, leader, right)| {
                    drop(right);
                    (own, leader.settle(Err(refused.clone().into())))
                }));
                return;
            }
        };
        let slot = poll_fn(|cx| place.poll(cx)).await;
        let batch = self.begin(loads, slot, begin);
        outcomes.extend(self.fly(batch).await);
    }

    /// Begins the load of all that is led.
    pub(super) fn begin<L>(
        &self,
        loads: Loads<K, V, E>,
        slot: Slot,
        begin: &mut impl FnMut(Vec<K>) -> L,
    ) -> Batch<K, V, E, L> {
        let (mut led, mut rights) = (Led::default(), Vec::new());
        for (own, leader, right) in loads {
            led.push(own, leader);
            rights.push(right);
        }
        let since = self.since();
        self.stats.loads.add(1);
        let keys = led.leaders.iter().map(|leader| leader.key().clone()).collect();
        match guard(&mut led.leaders, || begin(keys)) {
            Ok(load) => Batch { led, rights, load, slot, since },
            Err(panic) => {
                drop(slot);
                self.panicked(panic)
            }
        }
    }

    /// Asks the second level, if there is one, for what is to be loaded anew: what was renewed elsewhere lands,
    /// the rest is given back with the right to load it.
    pub(super) async fn ask_anew(
        &self,
        mut led: Led<K, Outcome<V, E>>,
        seens: Vec<Nanos>,
    ) -> Loads<K, V, E> {
        let Some(level) = &self.level else {
            return led.into_iter().map(|(own, leader)| (own, leader, Right::OWN)).collect();
        };
        let since = self.since();
        let keys: Vec<K> = led.leaders.iter().map(|leader| leader.key().clone()).collect();
        let looks = {
            let mut look = pin!(level.look(&keys, Ask::Renewal));
            poll_fn(|cx| match guard(&mut led.leaders, || look.as_mut().poll(cx)) {
                Ok(polled) => polled,
                Err(panic) => self.panicked(panic),
            })
            .await
        };
        let mut looks = looks.ok().map(Vec::into_iter);
        let mut loads = Vec::new();
        for ((own, leader), seen) in led.into_iter().zip(seens) {
            let look = looks.as_mut().and_then(Iterator::next);
            let right = match look.filter(|_| !level.is_owed(leader.key())) {
                None => self.without(level, leader.key()),
                Some(look) => {
                    let wants = For::Later(seen, Ask::Renewal);
                    match self.judge_look(level, &leader, look, since, wants) {
                        Looked::Over(Asked::Record { record, since, rests, .. }) => {
                            drop(self.land_record(leader, record, since, rests));
                            continue;
                        }
                        Looked::Over(Asked::Load(right)) => right,
                        Looked::Busy => Right { lease: None, doubtful: false },
                    }
                }
            };
            loads.push((own, leader, right));
        }
        loads
    }

    /// Loads, and ends each flight by itself.
    pub(super) async fn fly<L, A, R>(&self, batch: Batch<K, V, E, L>) -> Vec<(usize, Outcome<V, E>)>
    where
        L: Future<Output = Result<A, E>>,
        A: IntoIterator<Item = (K, R)>,
        R: Into<Loaded<V>>,
    {
        let Batch { led, rights, load, slot, since } = batch;
        let mut outcomes = Vec::new();
        let mut load = pin!(load);
        let mut led = led; // after the load, to be dropped before it: nobody joins what is cancelled
        let mut timer = Timer::after(self.load_timeout);

        let ended = poll_fn(|cx| match guard(&mut led.leaders, || load.as_mut().poll(cx)) {
            Ok(Poll::Ready(loaded)) => Poll::Ready(Ended::Loaded(loaded)),
            Ok(Poll::Pending) => timer.poll(cx).map(|()| Ended::TimedOut),
            Err(panic) => Poll::Ready(Ended::Panicked(panic)),
        })
        .await;

        drop(slot); // free before anybody is told
        self.stats.took(self.clock.now().since(since.at));
        let (made, fills) = match self.batch_ended(led, rights, ended, since) {
            Ok(arrived) => arrived,
            Err(outcomes) => return outcomes,
        };
        self.publish_batch(made, fills, since, &mut outcomes).await;
        outcomes
    }

    /// What is made of a batch that gave something; the ends of its flights, where it did not.
    fn batch_ended<A, R>(
        &self,
        led: Led<K, Outcome<V, E>>,
        rights: Vec<Right<K, V>>,
        ended: Ended<Result<A, E>>,
        since: Since,
    ) -> Result<Flown<K, V, E>, Outcomes<V, E>>
    where
        A: IntoIterator<Item = (K, R)>,
        R: Into<Loaded<V>>,
    {
        let (error, turn) = match ended {
            Ended::Loaded(Ok(loaded)) => {
                let mut values: HashMap<K, R> = loaded.into_iter().collect();
                let (mut made, mut fills) = (Vec::new(), Vec::new());
                for ((own, mut leader), right) in led.into_iter().zip(rights) {
                    let value = values.remove(leader.key());
                    let loaded = || value.map_or_else(Loaded::absent, Into::into);
                    let Right { lease, doubtful } = right;
                    let (new, fill) = self.loaded(&mut leader, loaded, since, lease);
                    let fills_it = fill.is_some();
                    made.push(Arrived { own, leader, made: new, doubtful, fills: fills_it });
                    fills.extend(fill);
                }
                return Ok((made, fills));
            }
            Ended::Loaded(Err(error)) => {
                self.stats.failed.add(1);
                (Error::Inner(LoadError::failed(error)), Turn::LoadFailed)
            }
            Ended::TimedOut => {
                self.stats.timed_out.add(1);
                let refused = Rejection::new(Reason::Timeout, self.name.clone());
                (refused.into(), Turn::LoadTimedOut)
            }
            Ended::Panicked(panic) => self.panicked(panic),
        };
        let settle = |(own, leader): (_, Leader<K, Outcome<V, E>>)| {
            self.hush(leader.key());
            (own, leader.settle(Err(error.clone())))
        };
        let outcomes = led.into_iter().map(settle).collect();
        self.tell(turn);
        Err(outcomes)
    }

    /// Fills the second level by one call, and ends each flight.
    async fn publish_batch(
        &self,
        made: Vec<Arrived<K, V, E>>,
        fills: Vec<Fill<K, V>>,
        since: Since,
        outcomes: &mut Vec<(usize, Outcome<V, E>)>,
    ) {
        let mut filled = self.fill_all(&fills).await.into_iter();
        outcomes.extend(made.into_iter().map(|arrived| {
            let Arrived { own, leader, made, doubtful, fills } = arrived;
            let doubtful = doubtful || fills && filled.next() != Some(true);
            (own, self.publish(leader, made, since, doubtful))
        }));
    }
}
