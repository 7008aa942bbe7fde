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
    candidate::{Ask, Stage, Tried},
    fail_over::FailOver,
    looking::{Chosen, Looking},
    pool::Pool,
    seats::Seat,
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
    pool: Arc<Pool<S>>,
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
    #[project = LifeProjection]
    enum Life<S, F, T, E, Request> {
        /// A member is looked for, or its readiness waited for.
        Looking { looking: Looking<S, E>, request: Option<Request>, refusal: Option<E>, #[pin] wait: Wait },
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
        Turning { service: S, request: Option<Request>, first: Option<T>, #[pin] wait: Wait },
    }
}

impl<S, F, T, E, Request> Life<S, F, T, E, Request> {
    /// With the error of the member that refused the call before, if one did.
    const fn looking(request: Request, refusal: Option<E>) -> Self {
        let stage = if refusal.is_none() { Stage::First } else { Stage::Waits };
        Self::Looking {
            looking: Looking::new(stage),
            request: Some(request),
            refusal,
            wait: Wait::new(),
        }
    }

    /// `first`: what the first member answered, where that is the call's answer.
    const fn turning(service: S, request: Request, first: Option<T>) -> Self {
        Self::Turning { service, request: Some(request), first, wait: Wait::new() }
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
        pool: Arc<Pool<S>>,
        ask: Ask,
        fail_over: F,
        moving: M,
        request: Request,
    ) -> Self {
        let call = Call { pool, ask, tried: Tried::default(), fail_over, moving };
        Self { life: Life::looking(request, None), call }
    }
}

impl<S, F, M> Call<S, F, M> {
    /// Calls a member that is ready: its response, and the request where it can be made again, or is for the other
    /// side, too.
    fn begin<Request>(
        &self,
        chosen: Chosen<S>,
        mut request: Request,
    ) -> Result<LifeOf<S, Request>, Rejection>
    where
        S: Service<Request>,
        F: FailOver<Request, S::Error>,
        M: WhileMoving<Request, S::Response>,
    {
        let Chosen { mut service, candidate } = chosen;
        if !self.tried.began_with(&candidate.seat) {
            self.pool.counts.passed_over.add(1);
        }
        let beside = match candidate.way {
            Some(way) => {
                self.moving.tell(&mut request, way.slot, way.epoch);
                way.second.map_or(Ok(None), |second| self.beside(&second, &request))?
            }
            None => None,
        };
        let kept = self.keep(&request);
        let future = service.call(request);
        let lease = candidate.lease;
        Ok(Life::Running { future, lease, kept, beside, first: None, runs: true })
    }

    fn keep<Request, E>(&self, request: &Request) -> Option<Request>
    where
        F: FailOver<Request, E>,
    {
        let goes_on = self.fail_over.goes_on() && self.pool.has_next(self.ask, &self.tried);
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
        let seat = self.pool.seat_of(second);
        if seat.is_none() && self.ask.access == Access::Write {
            return Err(self.pool.refuse(Reason::NoShard));
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
        let Some(seat) = seat else { return Err(Err(self.pool.refuse(Reason::NoShard))) };
        self.pool.counts.both_sides.add(1);
        Ok(Life::turning(seat.service.clone(), request, first))
    }

    /// A call that ends without an answer of a member.
    #[cold]
    fn refused<E>(&self, rejection: Rejection) -> Error<E> {
        self.pool.counts.refused.add(1);
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
                LifeProjection::Looking { looking, request, refusal, wait } => {
                    let found = looking.poll(&call.pool, call.ask, &mut call.tried, wait, cx);
                    let chosen = match (ready!(found), refusal.take()) {
                        (Ok(chosen), _) => chosen,
                        // What the last member said that was called, and not that there is no other.
                        (Err(_), Some(refusal)) => return Poll::Ready(Err(Error::Inner(refusal))),
                        (Err(error), None) => {
                            return Poll::Ready(Err(match error {
                                Error::Rejected(rejection) => call.refused(rejection),
                                inner => inner,
                            }));
                        }
                    };
                    match call.begin(chosen, request.take().expect(TWICE)) {
                        Ok(life) => this.life.set(life),
                        Err(rejection) => return Poll::Ready(Err(call.refused(rejection))),
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
                            call.pool.counts.failed_over.add(1);
                            this.life.set(Life::looking(request, Some(error)));
                        }
                    }
                }
                LifeProjection::Turning { service, request, first, wait } => {
                    assert!(request.is_some(), "{TWICE}");
                    match service.poll_ready(cx) {
                        Poll::Pending if wait.poll(Duration::ZERO, cx) == Mood::TooLate => {
                            *request = None;
                            let rejection = call.pool.refuse(Reason::DeadlineExceeded);
                            return Poll::Ready(Err(call.refused(rejection)));
                        }
                        Poll::Pending => return Poll::Pending,
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
            .field("pool", &self.call.pool.name)
            .field("access", &self.call.ask.access)
            .finish_non_exhaustive()
    }
}
