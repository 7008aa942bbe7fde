//! A bulk get: what is there is answered, and one batch loads what nobody loads.
//!
//! The order of claims, loads and waits, and why two batches can't lock each other up, is that of
//! [`bulk`](crate::flight).

use std::{any::Any, collections::HashMap, future::poll_fn, hash::Hash, pin::pin, task::Poll};

use seawall_core::{Error, Reason, Rejection};

use super::{
    Turn,
    find::Found,
    miss::into_outcome,
    shared::{Answer, Outcome, Shared},
    timer::Timer,
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Landing, Leader, Led, guard},
};

/// What ended a batch.
enum Ended<R> {
    Loaded(R),
    TimedOut,
    Panicked(Box<dyn Any + Send>),
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: Store<K, Entry<V>>,
{
    /// The values of `keys`, in their order.
    pub(super) async fn many<F, L, A, R>(&self, keys: Vec<K>, mut begin: F) -> Vec<Answer<V, E>>
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>>,
        A: IntoIterator<Item = (K, R)>,
        R: Into<Loaded<V>>,
    {
        let came = self.tags.mark();
        let mut answers: Vec<_> = keys.iter().map(|key| self.at_once(key)).collect();
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

    /// What can be answered without a load. What is stale is not: the batch is made anyway.
    fn at_once(&self, key: &K) -> Option<Answer<V, E>> {
        let found = match self.find(key, V::clone) {
            Found::Stale(value, _) => Found::Spare(value),
            found => found,
        };
        self.count(&found);
        match found {
            Found::Absent => Some(Err(Error::Inner(LoadError::Absent))),
            found => found.at_once().map(Ok),
        }
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
        let mark = self.tags.mark();
        let began = self.clock.now();
        self.stats.loads.add(1);
        let keys = rest.leaders.iter().map(|leader| leader.key().clone()).collect();
        let load = match guard(&mut rest.leaders, || begin(keys)) {
            Ok(load) => load,
            Err(panic) => {
                drop(slot);
                self.panicked(panic)
            }
        };
        let mut load = pin!(load);
        let mut led = rest; // after the load, to be dropped before it: nobody joins what is cancelled
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
