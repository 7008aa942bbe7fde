//! A bulk get: what is there is answered, and one batch loads what nobody loads.
//!
//! The order of claims, loads and waits, and why two batches can't lock each other up, is that of
//! [`bulk`](crate::flight).

use std::{future::poll_fn, hash::Hash, pin::pin, sync::Arc};

use seawall_core::{Error, Nanos};

use super::{
    ask::{Asked, For, Looked, Right, Waits},
    batch::Loads,
    find::Found,
    level::Level,
    miss::into_outcome,
    refresh::Background,
    shared::{Answer, Outcome, Shared},
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Landing, Leader, Led, guard},
    l2::Ask,
};

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
        if let Some(task) = self.refresh_many(&keys, aged, &mut begin).await {
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
    async fn refresh_many<F, L, A, R>(
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
        let (mut led, mut seens) = (Led::default(), Vec::new());
        for (index, seen) in aged {
            let Some(leader) = self.flights.try_lead(&keys[index]) else { continue };
            match self.published(leader.key(), Some(seen)) {
                Some(landed) => drop(leader.settle(Ok(landed))),
                None => {
                    led.push(index, leader);
                    seens.push(seen);
                }
            }
        }
        if led.leaders.is_empty() {
            return None;
        }
        let led = self.ask_anew(led, seens).await; // before the load begins
        if led.is_empty() {
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
        let Some(level) = &self.level else {
            let rest = rest.into_iter().map(|(own, leader)| (own, leader, Right::OWN)).collect();
            self.load_batch(rest, begin, &mut outcomes).await;
            return outcomes;
        };
        let mut waits = Waits::new(level);
        while !rest.leaders.is_empty() {
            let mut loads = Vec::new();
            rest = self.ask_many(level, rest, &mut loads, &mut outcomes).await;
            // What falls to this instance first: another one may wait for it, as this one does for that.
            self.load_batch(loads, begin, &mut outcomes).await;
            if !rest.leaders.is_empty() && !waits.again().await {
                let right = || Right { lease: None, doubtful: false };
                let loads = rest.into_iter().map(|(own, leader)| (own, leader, right())).collect();
                self.load_batch(loads, begin, &mut outcomes).await;
                return outcomes;
            }
        }
        outcomes
    }

    /// Asks the second level for all of `led`: what is there lands, what is not is put to `loads`; what another
    /// instance loads comes back.
    async fn ask_many(
        &self,
        level: &Arc<Level<K, V>>,
        mut led: Led<K, Outcome<V, E>>,
        loads: &mut Loads<K, V, E>,
        outcomes: &mut Vec<(usize, Outcome<V, E>)>,
    ) -> Led<K, Outcome<V, E>> {
        let since = self.since();
        let mut ask = Led::default();
        for (own, leader) in led {
            if level.is_owed(leader.key()) {
                let right = self.without(level, leader.key());
                loads.push((own, leader, right));
            } else {
                ask.push(own, leader);
            }
        }
        led = ask;
        let keys: Vec<K> = led.leaders.iter().map(|leader| leader.key().clone()).collect();
        if keys.is_empty() {
            return led;
        }
        let mut look = pin!(level.look(&keys, Ask::Value));
        let looks = poll_fn(|cx| match guard(&mut led.leaders, || look.as_mut().poll(cx)) {
            Ok(polled) => polled,
            Err(panic) => self.panicked(panic),
        });
        let Ok(looks) = looks.await else {
            let alone = |(own, leader): (_, Leader<K, _>)| {
                let right = self.without(level, leader.key());
                (own, leader, right)
            };
            loads.extend(led.into_iter().map(alone));
            return Led::default();
        };
        let mut busy = Led::default();
        for ((own, leader), look) in led.into_iter().zip(looks) {
            match self.judge_look(level, &leader, look, since, For::Batch) {
                Looked::Over(Asked::Record { record, since, rests, .. }) => {
                    outcomes.push((own, self.land_record(leader, record, since, rests)));
                }
                Looked::Over(Asked::Load(right)) => loads.push((own, leader, right)),
                Looked::Busy => busy.push(own, leader),
            }
        }
        busy
    }
}
