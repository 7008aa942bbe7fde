//! The response: the life of one call through a pool of members.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::Error;
use tower_service::Service;

use super::{
    candidate::{Ask, Tried},
    fail_over::FailOver,
    looking::{Chosen, Looking},
    pool::Pool,
    wait::Wait,
};
use crate::route::Lease;

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
    pub struct ResponseFuture<S: Service<Request>, F, Request> {
        #[pin]
        life: Life<S, S::Future, S::Error, Request>,
        call: Call<S, F>,
    }
}

/// What stays the same for all attempts of a call.
struct Call<S, F> {
    pool: Arc<Pool<S>>,
    ask: Ask,
    tried: Tried,
    fail_over: F,
}

pin_project! {
    #[project = LifeProjection]
    enum Life<S, F, E, Request> {
        /// A member is looked for, or its readiness waited for.
        Looking { looking: Looking<S, E>, request: Option<Request>, refusal: Option<E>, #[pin] wait: Wait },
        /// A member was called; the request is kept where another one could be.
        Running { #[pin] future: F, lease: Option<Lease>, kept: Option<Request>, runs: bool },
    }
}

impl<S, F, E, Request> Life<S, F, E, Request> {
    /// With the error of the member that refused the call before, if one did.
    const fn looking(request: Request, refusal: Option<E>) -> Self {
        Self::Looking {
            looking: Looking::new(),
            request: Some(request),
            refusal,
            wait: Wait::new(),
        }
    }
}

impl<S: Service<Request>, F, Request> ResponseFuture<S, F, Request> {
    pub(crate) fn new(pool: Arc<Pool<S>>, ask: Ask, fail_over: F, request: Request) -> Self {
        let call = Call { pool, ask, tried: Tried::default(), fail_over };
        Self { life: Life::looking(request, None), call }
    }
}

impl<S, F> Call<S, F> {
    /// Calls a member that is ready: its response, and the request where it can be made again.
    fn begin<Request>(
        &self,
        chosen: Chosen<S>,
        request: Request,
    ) -> Life<S, S::Future, S::Error, Request>
    where
        S: Service<Request>,
        F: FailOver<Request, S::Error>,
    {
        let Chosen { mut service, candidate } = chosen;
        if !self.tried.began_with(&candidate.seat) {
            self.pool.counts.passed_over.add(1);
        }
        let kept = self.keep(&request);
        let future = service.call(request);
        Life::Running { future, lease: candidate.lease, kept, runs: true }
    }

    fn keep<Request, E>(&self, request: &Request) -> Option<Request>
    where
        F: FailOver<Request, E>,
    {
        let goes_on = self.fail_over.goes_on() && self.pool.has_next(self.ask, &self.tried);
        goes_on.then(|| self.fail_over.copy(request)).flatten()
    }
}

impl<S, F, Request> Future for ResponseFuture<S, F, Request>
where
    S: Service<Request> + Clone,
    F: FailOver<Request, S::Error>,
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
                            if error.rejection().is_some() {
                                call.pool.counts.refused.add(1);
                            }
                            return Poll::Ready(Err(error));
                        }
                    };
                    let life = call.begin(chosen, request.take().expect(TWICE));
                    this.life.set(life);
                }
                LifeProjection::Running { future, lease, kept, runs } => {
                    assert!(std::mem::take(runs), "{TWICE}");
                    // Out of its slot while the inner future runs: if that panics, the place is given back, though
                    // the future may be kept.
                    let held = lease.take();
                    match future.poll(cx) {
                        Poll::Pending => {
                            (*lease, *runs) = (held, true);
                            return Poll::Pending;
                        }
                        Poll::Ready(Ok(response)) => return Poll::Ready(Ok(response)),
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
            }
        }
    }
}

impl<S: Service<Request>, F, Request> fmt::Debug for ResponseFuture<S, F, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("pool", &self.call.pool.name)
            .field("access", &self.call.ask.access)
            .finish_non_exhaustive()
    }
}
