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
    sync::Arc,
    task::{Context, Poll, ready},
};

use seawall_core::{Error, Reason, Rejection};
use tower_service::Service;

use super::{
    Access,
    candidate::{Ask, Candidate, MOST_TRIES, Next, Stage, Tried},
    pool::Field,
    view::View,
    wait::{Mood, Wait},
};
use crate::{Read, route::Fresh};

/// Why the first member that a call looks at is not the one.
pub(crate) enum Stop<S, E> {
    LookOn(Looking<S, E>),
    /// Nobody is to be had.
    Over(Rejection),
}

/// What a call that looks has found so far.
pub(crate) struct Looking<S, E> {
    waiting: [Option<Candidate<S>>; MOST_TRIES],
    /// How many of those there are.
    count: usize,
    /// Why the last one failed to get ready.
    error: Option<E>,
    is_full: bool,
    is_paused: bool,
    has_overflowed: bool,
    stage: Stage,
}

impl<S, E> Looking<S, E> {
    const fn new() -> Self {
        Self {
            waiting: [const { None }; MOST_TRIES],
            count: 0,
            error: None,
            is_full: false,
            is_paused: false,
            has_overflowed: false,
            stage: Stage::Waits,
        }
    }

    /// The member that the call prefers, where that is ready: nobody has to be kept in mind then. Else what it is
    /// looked on with.
    #[inline]
    pub(crate) fn try_first<Request>(
        view: &View<S>,
        ask: Ask,
        tried: &mut Tried,
        stage: Stage,
        cx: &mut Context<'_>,
    ) -> Result<Candidate<S>, Stop<S, E>>
    where
        S: Service<Request, Error = E> + Clone,
    {
        let next = match ask.access {
            Access::Fresh(read, fresh) => {
                view.first_that_is_fresh(ask, tried, (read, fresh), stage).map_err(Stop::Over)?
            }
            _ => view.next(ask, tried),
        };
        let looking = match next {
            Next::Member(mut candidate) => match candidate.service.poll_ready(cx) {
                Poll::Ready(Ok(())) => return Ok(candidate),
                outcome => Self::after(candidate, outcome),
            },
            Next::Full => Self { is_full: true, ..Self::new() },
            Next::Paused | Next::Behind | Next::Nobody => Self::new(), // and again
        };
        Err(Stop::LookOn(looking))
    }

    #[cold]
    fn after(candidate: Candidate<S>, outcome: Poll<Result<(), E>>) -> Self {
        let mut looking = Self::new();
        match outcome {
            Poll::Ready(outcome) => looking.error = outcome.err(),
            Poll::Pending => (looking.waiting[0], looking.count) = (Some(candidate), 1),
        }
        looking
    }

    /// Ready with a member that is, or with why there is none.
    #[inline]
    pub(crate) fn poll<Request>(
        &mut self,
        view: &mut Arc<View<S>>,
        ask: Ask,
        tried: &mut Tried,
        mut wait: Pin<&mut Wait>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Candidate<S>, Error<E>>>
    where
        S: Service<Request, Error = E> + Clone,
    {
        loop {
            view.refresh();
            if let Poll::Ready(found) = self.look(view, ask, tried, wait.as_mut(), cx) {
                return Poll::Ready(found);
            }
            // Who is asked may have changed meanwhile: whoever changes it wakes the call, to look again.
            ready!(wait.as_mut().poll_change(view, cx));
        }
    }

    fn look<Request>(
        &mut self,
        view: &View<S>,
        ask: Ask,
        tried: &mut Tried,
        mut wait: Pin<&mut Wait>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Candidate<S>, Error<E>>>
    where
        S: Service<Request, Error = E> + Clone,
    {
        for at in 0..MOST_TRIES {
            if let Some(mut candidate) = self.waiting[at].take() {
                self.count -= 1;
                if view.still_wants(ask, &mut candidate) // or it is let go
                    && let Some(ready) = self.try_one(candidate, cx)
                {
                    return Poll::Ready(Ok(ready));
                }
            }
        }
        loop {
            if self.is_waiting() {
                match wait.as_mut().poll(view.common.patience(), cx) {
                    Mood::Patient => return Poll::Pending,
                    Mood::Impatient => {}
                    Mood::TooLate => {
                        return Poll::Ready(Err(view.refuse(Reason::DeadlineExceeded).into()));
                    }
                }
            }
            let next = match ask.access {
                Access::Fresh(read, fresh) => {
                    self.next_fresh(view, ask, tried, (read, fresh), wait.as_mut(), cx)
                }
                _ => Poll::Ready(Ok(view.next(ask, tried))),
            };
            let candidate = match ready!(next)? {
                Next::Member(candidate) => candidate,
                Next::Full => {
                    self.is_full = true;
                    continue;
                }
                Next::Paused => {
                    self.is_paused = true;
                    return self.end(view);
                }
                Next::Behind => continue, // it has waited
                Next::Nobody if self.is_waiting() => return Poll::Pending,
                Next::Nobody if self.is_full && self.error.is_none() && !self.has_overflowed => {
                    self.has_overflowed = true;
                    view.overflow(ask)?
                }
                Next::Nobody => return self.end(view),
            };
            if let Some(ready) = self.try_one(candidate, cx) {
                return Poll::Ready(Ok(ready));
            }
        }
    }

    /// Who is fresh, for as long as there is time to wait for one; then the primary. Once that has refused the read
    /// there is nobody but who is waited for.
    fn next_fresh(
        &mut self,
        view: &View<S>,
        ask: Ask,
        tried: &mut Tried,
        wants: (Read, Fresh),
        mut wait: Pin<&mut Wait>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Next<S>, Rejection>>
    where
        S: Clone,
    {
        let Field::Shards(shards) = &view.common.field else {
            return Poll::Ready(Ok(view.next(ask, tried)));
        };
        loop {
            let next = match view.next_that_is_fresh(ask, tried, wants, self.stage) {
                Ok(next) => next,
                Err(_) if self.is_waiting() || self.error.is_some() => Next::Nobody,
                Err(refused) => return Poll::Ready(Err(refused)),
            };
            if !matches!(next, Next::Behind) {
                let caught_up = self.stage == Stage::Waits && matches!(next, Next::Member(_));
                wait.as_mut().end_reports(shards, caught_up);
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
        self.count > 0
    }

    /// The member, if it is ready; if it is not yet, it is kept in mind.
    #[inline]
    fn try_one<Request>(
        &mut self,
        mut candidate: Candidate<S>,
        cx: &mut Context<'_>,
    ) -> Option<Candidate<S>>
    where
        S: Service<Request, Error = E>,
    {
        match candidate.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => return Some(candidate),
            Poll::Ready(Err(error)) => self.error = Some(error),
            Poll::Pending => {
                // There are as many places as members that are tried, and the one of an overflow.
                let free = self.waiting.iter_mut().find(|place| place.is_none());
                if let Some(place) = free {
                    *place = Some(candidate);
                    self.count += 1;
                }
            }
        }
        None
    }

    /// There is nobody to wait for.
    #[cold]
    fn end(&mut self, view: &View<S>) -> Poll<Result<Candidate<S>, Error<E>>> {
        Poll::Ready(Err(match self.error.take() {
            Some(error) => Error::Inner(error),
            None if self.is_paused || self.is_full => view.refuse(Reason::Overloaded).into(),
            None => view.refuse(Reason::NoShard).into(),
        }))
    }
}
