//! A bulk get: what is there is answered, and one batch loads what nobody loads.
//!
//! The order of claims, loads and waits, and why two batches can't lock each other up, is that of
//! [`bulk`](crate::flight).

use std::{
    any::Any, collections::HashMap, future::poll_fn, hash::Hash, pin::pin, sync::Arc, task::Poll,
};

use seawall_core::{Error, Nanos, Reason, Rejection};

use super::{
    Turn,
    find::Found,
    miss::into_outcome,
    refresh::Background,
    shared::{Answer, Outcome, Shared},
    timer::Timer,
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Landing, Leader, Led, Slot, guard},
    tags::Mark,
};

/// What ended a batch.
enum Ended<R> {
    Loaded(R),
    TimedOut,
    Panicked(Box<dyn Any + Send>),
}

/// A load of many keys that has begun.
struct Batch<K, V, E, L> {
    // In this order: nobody joins what is cancelled.
    led: Led<K, Outcome<V, E>>,
    load: L,
    slot: Slot,
    mark: Mark,
    began: Nanos,
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// The values of `keys`, in their order.
    pub(super) async fn many<F, L, A, R>(
        self: &Arc<Self>,
        keys: Vec<K>,
        mut begin: F,
    ) -> Vec<Answer<V, E>>
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>> + Send + 'static,
        A: IntoIterator<Item = (K, R)> + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let came = self.tags.mark();
        let mut aged = Vec::new();
        let look = |(index, key)| self.at_once(key, |seen| aged.push((index, seen)));
        let mut answers: Vec<_> = keys.iter().enumerate().map(look).collect();
        if let Some(task) = self.refresh_many(&keys, aged, &mut begin) {
            task.await;
        }
        let mut open: Vec<usize> =
            (0..keys.len()).filter(|&index| answers[index].is_none()).collect();

        while !open.is_empty() {
            let mut again = Vec::new();
            let mut claims = self.flights.claim(open.iter().map(|&index| &keys[index]));
            claims
                .drop_own(|own| answers[open[own]] = Some(Err(Error::Inner(LoadError::Recursive))));
            while !claims.is_over() {
                let led = claims.take_led();
                if !led.leaders.is_empty() {
                    for (own, outcome) in self.load_led(led, &mut begin).await {
                        let index = open[own];
                        answers[index] = Some(self.answer(&keys[index], outcome));
                    }
                }
                let mut landed = |own: usize, landing| {
                    let index = open[own];
                    match landing {
                        Landing::Landed(outcome) if !self.may_get(came, &outcome) => {
                            again.push(index);
                        }
                        landing => {
                            let outcome = into_outcome(landing);
                            answers[index] = Some(self.answer(&keys[index], outcome));
                        }
                    }
                };
                poll_fn(|cx| claims.poll_landings(cx, &mut landed)).await;
            }
            open = again;
        }
        answers.into_iter().map(|answer| answer.expect("every key is over")).collect()
    }

    /// What can be answered without a load; `aged` is told of what is to be loaded anew all the same.
    fn at_once(&self, key: &K, aged: impl FnOnce(Nanos)) -> Option<Answer<V, E>> {
        let found = self.find(key, V::clone);
        self.count(&found);
        match found {
            Found::Absent => Some(Err(Error::Inner(LoadError::Absent))),
            Found::Early(value, seen) | Found::Stale(value, seen) => {
                aged(seen);
                Some(Ok(value))
            }
            found => found.at_once().map(Ok),
        }
    }

    /// Loads anew what was fresh until then, by one batch that nobody waits for; given out where nobody
    /// takes a task. What another one loads already is left to that one.
    fn refresh_many<F, L, A, R>(
        self: &Arc<Self>,
        keys: &[K],
        aged: Vec<(usize, Nanos)>,
        begin: &mut F,
    ) -> Option<Background>
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>> + Send + 'static,
        A: IntoIterator<Item = (K, R)> + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let mut led = Led::default();
        for (index, seen) in aged {
            let Some(leader) = self.flights.try_lead(&keys[index]) else { continue };
            match self.published(leader.key(), Some(seen)) {
                Some(landed) => drop(leader.settle(Ok(landed))),
                None => led.push(index, leader),
            }
        }
        if led.leaders.is_empty() {
            return None;
        }
        let (Some(place), Some(slot)) = (self.refreshes.try_enter(), self.cap.try_enter()) else {
            drop(led); // who has joined meanwhile loads for itself
            self.refused();
            return None;
        };
        self.stats.refreshes.add(1);
        let batch = self.begin(led, slot, begin);
        let shared = self.clone();
        let work = async move { drop(shared.fly(batch).await) };
        self.give(Background::of(work, place))
    }

    /// Loads all that is led in one batch, and ends each flight by itself.
    async fn load_led<F, L, A, R>(
        &self,
        led: Led<K, Outcome<V, E>>,
        begin: &mut F,
    ) -> Vec<(usize, Outcome<V, E>)>
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>>,
        A: IntoIterator<Item = (K, R)>,
        R: Into<Loaded<V>>,
    {
        let mut outcomes = Vec::new();
        let mut rest = Led::default();
        for (own, leader) in led {
            // It may have been published between the look and the claim.
            match self.published(leader.key(), None) {
                Some(landed) => outcomes.push((own, leader.settle(Ok(landed)))),
                None => rest.push(own, leader),
            }
        }
        if rest.leaders.is_empty() {
            return outcomes;
        }
        let mut place = match self.enter() {
            Ok(place) => place,
            Err(refused) => {
                let refuse = |(own, leader): (_, Leader<_, Outcome<V, E>>)| {
                    (own, leader.settle(Err(refused.clone().into())))
                };
                outcomes.extend(rest.into_iter().map(refuse));
                return outcomes;
            }
        };
        let slot = poll_fn(|cx| place.poll(cx)).await;
        let batch = self.begin(rest, slot, begin);
        outcomes.extend(self.fly(batch).await);
        outcomes
    }

    /// Begins the load of all that is led.
    fn begin<L>(
        &self,
        mut led: Led<K, Outcome<V, E>>,
        slot: Slot,
        begin: &mut impl FnMut(Vec<K>) -> L,
    ) -> Batch<K, V, E, L> {
        let mark = self.tags.mark();
        let began = self.clock.now();
        self.stats.loads.add(1);
        let keys = led.leaders.iter().map(|leader| leader.key().clone()).collect();
        match guard(&mut led.leaders, || begin(keys)) {
            Ok(load) => Batch { led, load, slot, mark, began },
            Err(panic) => {
                drop(slot);
                self.panicked(panic)
            }
        }
    }

    /// Loads, and ends each flight by itself.
    async fn fly<L, A, R>(&self, batch: Batch<K, V, E, L>) -> Vec<(usize, Outcome<V, E>)>
    where
        L: Future<Output = Result<A, E>>,
        A: IntoIterator<Item = (K, R)>,
        R: Into<Loaded<V>>,
    {
        let Batch { led, load, slot, mark, began } = batch;
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
        self.stats.took(self.clock.now().since(began));
        let (error, turn) = match ended {
            Ended::Loaded(Ok(loaded)) => {
                let mut values: HashMap<K, R> = loaded.into_iter().collect();
                outcomes.extend(led.into_iter().map(|(own, leader)| {
                    let value = values.remove(leader.key());
                    let loaded = value.map_or_else(Loaded::absent, Into::into);
                    (own, self.land(leader, loaded, began, mark))
                }));
                return outcomes;
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
        outcomes.extend(led.into_iter().map(|(own, leader)| {
            self.hush(leader.key());
            (own, leader.settle(Err(error.clone())))
        }));
        self.tell(turn);
        outcomes
    }
}
