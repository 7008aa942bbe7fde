//! Looking for a member that is ready: the one that is preferred, and where that is not, the next.
//!
//! # The steps of a call that looks
//!
//! | the member | what the call does |
//! |---|---|
//! | is ready | takes it |
//! | is not ready, and the call is patient | waits for it, and for nobody else |
//! | is not ready, and the call is not | keeps it in mind, and looks at the next |
//! | fails to get ready | leaves it, and looks at the next |
//! | has no place left | looks at the next |
//! | was waited for, and another one owns the key by now | of a write: lets it go, and looks at the next; of a read, where it [looks](super::WhileMoving) at its way, when that one has the key no more |
//! | is [not as fresh](super::Access::Fresh) as is asked | waits for a report of any, not for long; then the primary is next, if its budget pays for that |
//! | is the last | waits for any of those in mind; where there are none, the call is over |
//!
//! # What it promises
//!
//! 1. The request is touched by nobody before a member is ready.
//! 2. Who gets ready first is called, and of several the one that is preferred.
//! 3. A call that ends without a member says why: with the last error of a member that failed to get ready,
//!    or with a refusal.
//!
//! A call that waits holds a place at each member that it waits for: none of them should be given more.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use seawall_core::{Error, Reason, Rejection};
use tower_service::Service;

use super::{
    Access,
    candidate::{Ask, Candidate, MOST_TRIES, Next, Stage, Tried},
    pool::{Field, Pool},
    wait::{Mood, Wait},
};
use crate::{Read, route::Fresh};

/// A member's clone, which is to be called once it is ready, and the place that the call has there.
pub(crate) struct Chosen<S> {
    pub(crate) service: S,
    pub(crate) candidate: Candidate<S>,
}

/// What a call that looks has found so far.
pub(crate) struct Looking<S, E> {
    waiting: [Option<Chosen<S>>; MOST_TRIES],
    /// Why the last one failed to get ready.
    error: Option<E>,
    is_full: bool,
    is_paused: bool,
    has_overflowed: bool,
    stage: Stage,
}

impl<S, E> Looking<S, E> {
    /// `stage`: the first, but of a call that was refused and is made again.
    pub(crate) const fn new(stage: Stage) -> Self {
        Self {
            waiting: [const { None }; MOST_TRIES],
            error: None,
            is_full: false,
            is_paused: false,
            has_overflowed: false,
            stage,
        }
    }

    /// Ready with a member that is, or with why there is none.
    #[inline]
    pub(crate) fn poll<Request>(
        &mut self,
        pool: &Pool<S>,
        ask: Ask,
        tried: &mut Tried,
        mut wait: Pin<&mut Wait>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Chosen<S>, Error<E>>>
    where
        S: Service<Request, Error = E> + Clone,
    {
        for at in 0..MOST_TRIES {
            if let Some(mut chosen) = self.waiting[at].take()
                && pool.still_wants(ask, &mut chosen.candidate) // or it is let go
                && let Some(ready) = self.try_one(chosen, cx)
            {
                return Poll::Ready(Ok(ready));
            }
        }
        loop {
            if self.is_waiting() {
                match wait.as_mut().poll(pool.patience(), cx) {
                    Mood::Patient => return Poll::Pending,
                    Mood::Impatient => {}
                    Mood::TooLate => {
                        return Poll::Ready(Err(pool.refuse(Reason::DeadlineExceeded).into()));
                    }
                }
            }
            let next = match ask.access {
                Access::Fresh(read, fresh) => {
                    self.next_fresh(pool, ask, tried, (read, fresh), wait.as_mut(), cx)
                }
                _ => Poll::Ready(Ok(pool.next(ask, tried))),
            };
            let candidate = match ready!(next)? {
                Next::Member(candidate) => candidate,
                Next::Full => {
                    self.is_full = true;
                    continue;
                }
                Next::Paused => {
                    self.is_paused = true;
                    return self.end(pool);
                }
                Next::Behind => continue, // it has waited
                Next::Nobody if self.is_waiting() => return Poll::Pending,
                Next::Nobody if self.is_full && self.error.is_none() && !self.has_overflowed => {
                    self.has_overflowed = true;
                    pool.overflow(ask)?
                }
                Next::Nobody => return self.end(pool),
            };
            let chosen = Chosen { service: candidate.seat.service.clone(), candidate };
            if let Some(ready) = self.try_one(chosen, cx) {
                return Poll::Ready(Ok(ready));
            }
        }
    }

    /// Who is fresh, for as long as there is time to wait for one; then the primary. Once that has refused the read
    /// there is nobody but who is waited for.
    fn next_fresh(
        &mut self,
        pool: &Pool<S>,
        ask: Ask,
        tried: &mut Tried,
        wants: (Read, Fresh),
        mut wait: Pin<&mut Wait>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Next<S>, Rejection>> {
        let Field::Shards(shards) = &pool.field else {
            return Poll::Ready(Ok(pool.next(ask, tried)));
        };
        if self.stage == Stage::First {
            shards.pay();
        }
        loop {
            let next = match pool.next_that_is_fresh(ask, tried, wants, self.stage) {
                Ok(next) => next,
                Err(_) if self.is_waiting() || self.error.is_some() => Next::Nobody,
                Err(refused) => return Poll::Ready(Err(refused)),
            };
            if !matches!(next, Next::Behind) {
                let caught_up = self.stage == Stage::Waits && matches!(next, Next::Member(_));
                wait.as_mut().end_reports(shards, caught_up);
                if self.stage == Stage::First {
                    self.stage = Stage::Waits;
                }
                return Poll::Ready(Ok(next));
            }
            self.stage = if self.is_waiting() {
                Stage::Last // for a fresh one that is not ready; the primary may be
            } else {
                ready!(wait.as_mut().poll_report(shards, cx))?
            };
        }
    }

    fn is_waiting(&self) -> bool {
        self.waiting.iter().any(Option::is_some)
    }

    /// The member, if it is ready; if it is not yet, it is kept in mind.
    #[inline]
    fn try_one<Request>(&mut self, mut chosen: Chosen<S>, cx: &mut Context<'_>) -> Option<Chosen<S>>
    where
        S: Service<Request, Error = E>,
    {
        match chosen.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => return Some(chosen),
            Poll::Ready(Err(error)) => self.error = Some(error),
            Poll::Pending => {
                // There are as many places as members that are tried, and the one of an overflow.
                let free = self.waiting.iter_mut().find(|place| place.is_none());
                if let Some(place) = free {
                    *place = Some(chosen);
                }
            }
        }
        None
    }

    /// There is nobody to wait for.
    #[cold]
    fn end(&mut self, pool: &Pool<S>) -> Poll<Result<Chosen<S>, Error<E>>> {
        Poll::Ready(Err(match self.error.take() {
            Some(error) => Error::Inner(error),
            None if self.is_paused || self.is_full => pool.refuse(Reason::Overloaded).into(),
            None => pool.refuse(Reason::NoShard).into(),
        }))
    }
}
