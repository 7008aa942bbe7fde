//! A caller who waits for a load: its own, or the one that is in flight.

use std::{borrow::Borrow, future::poll_fn, hash::Hash, sync::Arc, task::Poll};

use seawall_core::Error;

use super::{
    Turn,
    ask::For,
    load::{Course, Way, load},
    shared::{Answer, Outcome, Shared},
    timer::Timer,
};
use crate::{
    Entry, LoadError, Loaded, Store,
    flight::{Entry as Seat, Follower, Landing},
    tags::Mark,
};

/// What ended a wait.
enum Wait<T> {
    Over(T),
    /// It took longer than the soft timeout.
    Late,
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// The value of `key` by a load. `late` is whether there is a value to answer with when it takes long.
    pub(super) async fn by_load<Q, F, L, R>(
        self: &Arc<Self>,
        key: &Q,
        begin: F,
        late: bool,
    ) -> Answer<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let came = self.tags.mark();
        let seat = self.flights.join_or_lead(key);
        self.seated(key, seat, begin, late, came).await
    }

    /// The same for one who came at `came` and has a seat in the flight of `key`.
    pub(super) async fn seated<Q, F, L, R>(
        self: &Arc<Self>,
        key: &Q,
        mut seat: Seat<K, Outcome<V, E>>,
        begin: F,
        late: bool,
        came: Mark,
    ) -> Answer<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let mut timer = self.soft_timer(late);
        let leader = loop {
            let mut follower = match seat {
                Seat::Leads(leader) => break leader,
                Seat::Follows(follower) => follower,
            };
            if follower.waits_for_itself() {
                return Err(Error::Inner(LoadError::Recursive));
            }
            seat = match self.follow(&mut follower, &mut timer).await {
                Wait::Late => match self.find(key, V::clone).in_error() {
                    Some(value) => return Ok(self.late(value)),
                    None => {
                        timer = Timer::after(None); // it was invalidated meanwhile
                        Seat::Follows(follower)
                    }
                },
                Wait::Over(Landing::Leads(leader)) => break leader,
                Wait::Over(Landing::Landed(outcome)) if !self.may_get(came, &outcome) => {
                    self.flights.join_or_lead(key)
                }
                Wait::Over(landing) => return self.answer(key, into_outcome(landing)),
            };
        };

        // It may have been published between the look and the claim.
        if let Some(landed) = self.published(key, None) {
            return self.answer(key, leader.settle(Ok(landed)));
        }
        let way = match self.level {
            Some(ref level) => Way::Ask(level.clone(), For::Callers),
            None => match self.enter() {
                Ok(place) => Way::Turn(place),
                Err(refused) => return self.answer(key, leader.settle(Err(refused.into()))),
            },
        };
        let course = Box::pin(load(self.clone(), leader, way, begin));
        self.drive(key, course, timer).await
    }

    /// Makes a load, and lets it go on by itself where there is something to answer with when it is late.
    pub(super) async fn drive<Q>(
        &self,
        key: &Q,
        mut course: Course<V, E>,
        mut timer: Timer,
    ) -> Answer<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        loop {
            let wait = poll_fn(|cx| match course.as_mut().poll(cx) {
                Poll::Ready(outcome) => Poll::Ready(Wait::Over(outcome)),
                Poll::Pending => timer.poll(cx).map(|()| Wait::Late),
            });
            match wait.await {
                Wait::Over(outcome) => return self.answer(key, outcome),
                Wait::Late => timer = Timer::after(None),
            }
            if let Some(value) = self.find(key, V::clone).in_error() {
                match self.detach(course) {
                    Ok(()) => return Ok(self.late(value)),
                    Err(back) => course = back, // nobody else would go on with it
                }
            }
        }
    }

    pub(super) fn soft_timer(&self, late: bool) -> Timer {
        Timer::after(self.soft_timeout.filter(|_| late))
    }

    async fn follow(
        &self,
        follower: &mut Follower<K, Outcome<V, E>>,
        timer: &mut Timer,
    ) -> Wait<Landing<K, Outcome<V, E>>> {
        poll_fn(|cx| match follower.poll(cx) {
            Poll::Ready(landing) => Poll::Ready(Wait::Over(landing)),
            Poll::Pending => timer.poll(cx).map(|()| Wait::Late),
        })
        .await
    }
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: Store<K, Entry<V>>,
{
    /// What a caller of `key` gets who waited for `outcome`.
    pub(super) fn answer<Q>(&self, key: &Q, outcome: Outcome<V, E>) -> Answer<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let error = match outcome {
            Ok(landed) => return landed.into_answer(),
            Err(error) => error,
        };
        // What is in the store now, not what was when the call came: it may be invalid since.
        match self.find(key, V::clone).in_error() {
            Some(value) => {
                self.stats.spared.add(1);
                self.tell(Turn::AnsweredInError);
                Ok(value)
            }
            None => Err(error),
        }
    }

    fn late(&self, value: V) -> V {
        self.stats.late.add(1);
        self.tell(Turn::AnsweredLate);
        value
    }

    pub(super) fn may_get(&self, came: Mark, outcome: &Outcome<V, E>) -> bool {
        outcome.as_ref().map_or(true, |landed| self.tags.may_get(came, &landed.tagged))
    }
}

/// What a follower was told; it does not lead.
pub(super) fn into_outcome<K, V, E>(landing: Landing<K, Outcome<V, E>>) -> Outcome<V, E> {
    match landing {
        Landing::Landed(Err(Error::Rejected(refused))) => Err(refused.into()), // marks this thread too
        Landing::Landed(outcome) => outcome,
        Landing::Panicked(panicked) => Err(Error::Inner(LoadError::Panicked(panicked))),
        Landing::Leads(_) => unreachable!("a leader has no outcome yet"),
    }
}
