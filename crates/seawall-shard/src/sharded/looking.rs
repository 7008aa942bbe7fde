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
    task::{Context, Poll},
};

use seawall_core::{Error, Reason};
use tower_service::Service;

use super::{
    candidate::{Ask, Candidate, MOST_TRIES, Next, Tried},
    pool::Pool,
    wait::{Mood, Wait},
};

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
}

impl<S, E> Looking<S, E> {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: [const { None }; MOST_TRIES],
            error: None,
            is_full: false,
            is_paused: false,
            has_overflowed: false,
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
            if self.waiting.iter().any(Option::is_some) {
                match wait.as_mut().poll(pool.patience(), cx) {
                    Mood::Patient => return Poll::Pending,
                    Mood::Impatient => {}
                    Mood::TooLate => {
                        return Poll::Ready(Err(pool.refuse(Reason::DeadlineExceeded).into()));
                    }
                }
            }
            let candidate = match pool.next(ask, tried) {
                Next::Member(candidate) => candidate,
                Next::Full => {
                    self.is_full = true;
                    continue;
                }
                Next::Paused => {
                    self.is_paused = true;
                    return self.end(pool);
                }
                Next::Nobody if self.waiting.iter().any(Option::is_some) => return Poll::Pending,
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
