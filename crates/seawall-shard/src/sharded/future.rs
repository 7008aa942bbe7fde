//! The response: the life of one call through a pool of members.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::{Error, Reason, Rejection};
use tower_service::Service;

use super::{
    Access, OneSide, WhileMoving,
    candidate::{Ask, Candidate, Stage, Tried},
    fail_over::FailOver,
    looking::{Looking, Stop},
    seats::Seat,
    view::View,
    wait::{Mood, Wait},
};
use crate::{Member, route::Lease};

const TWICE: &str = "a response is not polled after it was ready";

pin_project! {
    /// The response of a [`Sharded`](super::Sharded) or a [`ReplicaSet`](super::ReplicaSet).
    ///
    /// A member is looked for when it is polled. The place that a call has at its node is given back as soon
    /// as the response is there; the future may be kept longer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; and where it has to wait for a limited time (there is
    /// [patience](super::Sharded::patience), or a deadline) outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives back all that the call held. Before a member was ready, nothing was called.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S: Service<Request>, F, Request, M = OneSide> {
        #[pin]
        life: Life<S, S::Future, S::Response, S::Error, Request>,
        call: Call<S, F, M>,
    }
}

/// What stays the same for all attempts of a call.
struct Call<S, F, M> {
    view: Arc<View<S>>,
    ask: Ask,
    tried: Tried,
    fail_over: F,
    moving: M,
}

/// What is kept for the other side of a move, until the first has answered.
struct Beside<S, Request> {
    /// `None` where the node has no service.
    seat: Option<Arc<Seat<S>>>,
    request: Request,
}

pin_project! {
    /// What only a call needs that looks on: apart, so that the others are small.
    struct Search<S, E, Request> {
        looking: Looking<S, E>,
        request: Option<Request>,
        refusal: Option<E>,
        #[pin]
        wait: Wait,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<S, F, T, E, Request> {
        /// A member is looked at that may be ready: with the error of the one that refused the call before, if one
        /// did.
        Start { request: Option<Request>, refusal: Option<E> },
        /// That one was not: others are looked for, or waited for.
        Looking { search: Pin<Box<Search<S, E, Request>>> },
        /// A member was called. The request is kept where another one could be, or where the slot moves; `first` is
        /// what the first one answered to a write of which this one is told.
        Running {
            #[pin] future: F,
            lease: Option<Lease>,
            kept: Option<Request>,
            beside: Option<Beside<S, Request>>,
            first: Option<T>,
            runs: bool,
        },
        /// The other side of a move is to be called, and its readiness waited for.
        Turning { service: S, request: Option<Request>, first: Option<T>, wait: Option<Pin<Box<Wait>>> },
    }
}

impl<S, F, T, E, Request> Life<S, F, T, E, Request> {
    #[cold]
    fn looking(looking: Looking<S, E>, request: Request, refusal: Option<E>) -> Self {
        let search = Search { looking, request: Some(request), refusal, wait: Wait::new() };
        Self::Looking { search: Box::pin(search) }
    }

    /// `first`: what the first member answered, where that is the call's answer.
    const fn turning(service: S, request: Request, first: Option<T>) -> Self {
        Self::Turning { service, request: Some(request), first, wait: None }
    }
}

type LifeOf<S, Request> = Life<
    S,
    <S as Service<Request>>::Future,
    <S as Service<Request>>::Response,
    <S as Service<Request>>::Error,
    Request,
>;

impl<S: Service<Request>, F, Request, M> ResponseFuture<S, F, Request, M> {
    pub(crate) fn new(
        view: Arc<View<S>>,
        ask: Ask,
        fail_over: F,
        moving: M,
        request: Request,
    ) -> Self {
        let call = Call { view, ask, tried: Tried::default(), fail_over, moving };
        Self { life: Life::Start { request: Some(request), refusal: None }, call }
    }
}

impl<S, F, M> Call<S, F, M> {
    /// Calls a member that is ready: its response, and the request where it can be made again, or is for the other
    /// side, too.
    fn begin<Request>(
        &self,
        candidate: Candidate<S>,
        mut request: Request,
    ) -> Result<LifeOf<S, Request>, Rejection>
    where
        S: Service<Request>,
        F: FailOver<Request, S::Error>,
        M: WhileMoving<Request, S::Response>,
    {
        let Candidate { mut service, serial, lease, way } = candidate;
        if !self.tried.began_with(serial) {
            self.view.common.counts.passed_over.add(1);
        }
        let beside = match way {
            Some(way) => {
                self.moving.tell(&mut request, way.slot, way.epoch);
                way.second.map_or(Ok(None), |second| self.beside(&second, &request))?
            }
            None => None,
        };
        let kept = self.keep(&request);
        let future = service.call(request);
        Ok(Life::Running { future, lease, kept, beside, first: None, runs: true })
    }

    fn keep<Request, E>(&self, request: &Request) -> Option<Request>
    where
        F: FailOver<Request, E>,
    {
        let goes_on = self.fail_over.goes_on() && self.view.has_next(self.ask, &self.tried);
        goes_on.then(|| self.fail_over.copy(request)).flatten()
    }

    /// What is kept for the other side. A write is refused now that could not be told there after it was made.
    #[cold]
    fn beside<Request, Response>(
        &self,
        second: &Member,
        request: &Request,
    ) -> Result<Option<Beside<S, Request>>, Rejection>
    where
        M: WhileMoving<Request, Response>,
    {
        let Some(request) = self.moving.copy(request) else { return Ok(None) };
        let seat = self.view.seat_of(second).cloned();
        if seat.is_none() && self.ask.access == Access::Write {
            return Err(self.view.refuse(Reason::NoShard));
        }
        Ok(Some(Beside { seat, request }))
    }

    /// What comes after the first side has answered: the other side, or the end with that answer.
    #[cold]
    fn turn<Request>(
        &self,
        beside: Beside<S, Request>,
        response: S::Response,
    ) -> Result<LifeOf<S, Request>, Result<S::Response, Rejection>>
    where
        S: Service<Request> + Clone,
        M: WhileMoving<Request, S::Response>,
    {
        let Beside { seat, request } = beside;
        let (request, first) = if self.ask.access == Access::Write {
            match self.moving.forward(request, &response) {
                Some(request) => (request, Some(response)),
                None => return Err(Ok(response)),
            }
        } else if self.moving.is_unknown(&response) {
            (request, None)
        } else {
            return Err(Ok(response));
        };
        let Some(seat) = seat else { return Err(Err(self.view.refuse(Reason::NoShard))) };
        self.view.common.counts.both_sides.add(1);
        Ok(Life::turning(seat.service.clone(), request, first))
    }

    /// The member that comes first, or next after one that refused the call.
    #[inline]
    fn first<Request>(
        &mut self,
        is_again: bool,
        cx: &mut Context<'_>,
    ) -> Result<Candidate<S>, Stop<S, S::Error>>
    where
        S: Service<Request> + Clone,
    {
        let stage = if is_again { Stage::Waits } else { Stage::First };
        Looking::try_first(&self.view, self.ask, &mut self.tried, stage, cx)
    }

    /// A call that ends without an answer: with what the last member said that was called, if one was, and not that
    /// there is no other.
    #[cold]
    fn end<T, E>(&self, error: Error<E>, refusal: Option<E>) -> Poll<Result<T, Error<E>>> {
        Poll::Ready(Err(match (refusal, error) {
            (Some(refusal), _) => Error::Inner(refusal),
            (None, Error::Rejected(rejection)) => self.refused(rejection),
            (None, error) => error,
        }))
    }

    #[cold]
    fn refused<E>(&self, rejection: Rejection) -> Error<E> {
        self.view.common.counts.refused.add(1);
        rejection.into()
    }
}

impl<S, F, Request, M> Future for ResponseFuture<S, F, Request, M>
where
    S: Service<Request> + Clone,
    F: FailOver<Request, S::Error>,
    M: WhileMoving<Request, S::Response>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let call = this.call;
        loop {
            match this.life.as_mut().project() {
                LifeProjection::Start { request, refusal } => {
                    let (request, refusal) = (request.take().expect(TWICE), refusal.take());
                    call.view.refresh(); // it may have been made long ago
                    match call.first(refusal.is_some(), cx) {
                        Ok(candidate) => match call.begin(candidate, request) {
                            Ok(life) => this.life.set(life),
                            Err(rejection) => return call.end(rejection.into(), refusal),
                        },
                        Err(Stop::LookOn(looking)) => {
                            this.life.set(Life::looking(looking, request, refusal));
                        }
                        Err(Stop::Over(rejection)) => return call.end(rejection.into(), refusal),
                    }
                }
                LifeProjection::Looking { search } => {
                    let Call { view, ask, tried, .. } = &mut *call;
                    let search = search.as_mut().project();
                    assert!(search.request.is_some(), "{TWICE}");
                    let found = ready!(search.looking.poll(view, *ask, tried, search.wait, cx));
                    let request = search.request.take().expect(TWICE);
                    let begun = found.and_then(|candidate| Ok(call.begin(candidate, request)?));
                    match begun {
                        Ok(life) => this.life.set(life),
                        Err(error) => return call.end(error, search.refusal.take()),
                    }
                }
                LifeProjection::Running { future, lease, kept, beside, first, runs } => {
                    assert!(std::mem::take(runs), "{TWICE}");
                    // Out of its slot while the inner future runs: if that panics, the place is given back, though
                    // the future may be kept.
                    let held = lease.take();
                    match future.poll(cx) {
                        Poll::Pending => {
                            (*lease, *runs) = (held, true);
                            return Poll::Pending;
                        }
                        Poll::Ready(Ok(response)) => {
                            drop(held);
                            let Some(beside) = beside.take() else {
                                return Poll::Ready(Ok(first.take().unwrap_or(response)));
                            };
                            match call.turn(beside, response) {
                                Ok(life) => this.life.set(life),
                                Err(Ok(response)) => return Poll::Ready(Ok(response)),
                                Err(Err(rejection)) => {
                                    return Poll::Ready(Err(call.refused(rejection)));
                                }
                            }
                        }
                        Poll::Ready(Err(error)) => {
                            drop(held);
                            let refused =
                                kept.take().filter(|_| call.fail_over.was_refused(&error));
                            let Some(request) = refused else {
                                return Poll::Ready(Err(Error::Inner(error)));
                            };
                            call.view.common.counts.failed_over.add(1);
                            let (request, refusal) = (Some(request), Some(error));
                            this.life.set(Life::Start { request, refusal });
                        }
                    }
                }
                LifeProjection::Turning { service, request, first, wait } => {
                    assert!(request.is_some(), "{TWICE}");
                    match service.poll_ready(cx) {
                        Poll::Pending => {
                            let wait = wait.get_or_insert_with(|| Box::pin(Wait::new()));
                            if wait.as_mut().poll(Duration::ZERO, cx) != Mood::TooLate {
                                return Poll::Pending;
                            }
                            *request = None;
                            let late = call.view.refuse(Reason::DeadlineExceeded);
                            return Poll::Ready(Err(call.refused(late)));
                        }
                        Poll::Ready(Err(error)) => {
                            *request = None;
                            return Poll::Ready(Err(Error::Inner(error)));
                        }
                        Poll::Ready(Ok(())) => {}
                    }
                    let future = service.call(request.take().expect(TWICE));
                    let (first, lease) = (first.take(), None);
                    let (kept, beside, runs) = (None, None, true);
                    this.life.set(Life::Running { future, lease, kept, beside, first, runs });
                }
            }
        }
    }
}

impl<S: Service<Request>, F, Request, M> fmt::Debug for ResponseFuture<S, F, Request, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("pool", &self.call.view.common.name)
            .field("access", &self.call.ask.access)
            .finish_non_exhaustive()
    }
}
