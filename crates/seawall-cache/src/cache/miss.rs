//! A caller who waits for a load: its own, or the one that is in flight.

use std::{borrow::Borrow, future::poll_fn, hash::Hash, sync::Arc, task::Poll};

use seawall_core::Error;

use super::{
    Turn,
    load::{Course, load},
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
        let mut timer = Timer::after(self.soft_timeout.filter(|_| late));
        let leader = loop {
            let mut follower = match self.flights.join_or_lead(key) {
                Seat::Leads(leader) => break leader,
                Seat::Follows(follower) => follower,
            };
            if follower.waits_for_itself() {
                return Err(Error::Inner(LoadError::Recursive));
            }
            match self.follow(&mut follower, &mut timer).await {
                Wait::Late => match self.answer_late(key) {
                    Some(value) => return Ok(value),
                    None => timer = Timer::after(None), // it was invalidated meanwhile
                },
                Wait::Over(Landing::Leads(leader)) => break leader,
                Wait::Over(Landing::Landed(outcome)) if !self.may_get(came, &outcome) => {}
                Wait::Over(landing) => return self.answer(key, into_outcome(landing)),
            }
        };

        // It may have been published between the look and the claim.
        if let Some(landed) = self.published(key, None) {
            return self.answer(key, leader.settle(Ok(landed)));
        }
        let place = match self.enter() {
            Ok(place) => place,
            Err(refused) => return self.answer(key, leader.settle(Err(refused.into()))),
        };
        let mut course: Course<V, E> = Box::pin(load(self.clone(), leader, place, begin));
        loop {
            let wait = poll_fn(|cx| match course.as_mut().poll(cx) {
                Poll::Ready(outcome) => Poll::Ready(Wait::Over(outcome)),
                Poll::Pending => timer.poll(cx).map(|()| Wait::Late),
            });
            match wait.await {
                Wait::Over(outcome) => return self.answer(key, outcome),
                Wait::Late => timer = Timer::after(None),
            }
            if let Some(value) = self.answer_late(key) {
                match self.detach(course) {
                    Ok(()) => return Ok(value),
                    Err(back) => course = back, // nobody else would go on with it
                }
            }
        }
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

    fn answer_late<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let value = self.find(key, V::clone).in_error()?;
        self.stats.late.add(1);
        self.tell(Turn::AnsweredLate);
        Some(value)
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
