//! The layer's patient mode: a call that comes too soon waits for its turn, then for the inner service.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::{Error, Flatten};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    RateLimiter,
    future::WaitingFuture,
    limits::{Costs, Limits, OneCell},
};

/// Wraps services so that a call that comes too soon waits for its turn: made by
/// [`RateLimiterLayer::max_wait`](crate::RateLimiterLayer::max_wait).
///
/// Turns are booked in the order of the calls. A call that waits does so before it touches the inner
/// service: a clone of that gets ready when the turn has come, so that nobody who waits keeps a
/// connection from those who don't. Where nobody waits, nothing is cloned.
///
/// All services that it wraps share the limiter.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct RateLimiterWaitingLayer<L = RateLimiter, C = OneCell> {
    limits: L,
    costs: C,
    max_wait: Duration,
}

impl<L, C> RateLimiterWaitingLayer<L, C> {
    pub(crate) const fn new(limits: L, costs: C, max_wait: Duration) -> Self {
        Self { limits, costs, max_wait }
    }

    /// The same layer, where a request takes as many cells as `cost` says of it.
    pub fn cost<D>(self, cost: D) -> RateLimiterWaitingLayer<L, D> {
        RateLimiterWaitingLayer::new(self.limits, cost, self.max_wait)
    }

    /// The same layer for services whose error is to stay as it is: a rejection becomes one by
    /// `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, L: Clone, C: Clone> Layer<S> for RateLimiterWaitingLayer<L, C> {
    type Service = RateLimiterWaiting<S, L, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimiterWaiting::new(inner, self.limits.clone(), self.costs.clone(), self.max_wait)
    }
}

/// A service whose calls wait for their turn: made by a [`RateLimiterWaitingLayer`].
///
/// While nothing is left it is ready without asking the inner service, and the call's future waits, or
/// ends at once in [`Error::Rejected`]. A turn is booked when the call is made and not before.
///
/// Cloning shares the limiter.
#[derive(Debug)]
pub struct RateLimiterWaiting<S, L = RateLimiter, C = OneCell> {
    inner: S,
    limits: L,
    costs: C,
    max_wait: Duration,
    /// Whether it is the inner service that said it was ready.
    inner_is_ready: bool,
}

impl<S, L, C> RateLimiterWaiting<S, L, C> {
    const fn new(inner: S, limits: L, costs: C, max_wait: Duration) -> Self {
        Self { inner, limits, costs, max_wait, inner_is_ready: false }
    }

    /// The limiter.
    pub const fn limits(&self) -> &L {
        &self.limits
    }

    seawall_core::inner_service!();
}

/// A clone was not polled: it must not take the readiness of the original's inner service for its own.
impl<S: Clone, L: Clone, C: Clone> Clone for RateLimiterWaiting<S, L, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limits.clone(), self.costs.clone(), self.max_wait)
    }
}

impl<S, L, C, Request> Service<Request> for RateLimiterWaiting<S, L, C>
where
    S: Service<Request> + Clone,
    L: Limits<Request>,
    C: Costs<Request>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = WaitingFuture<S, Request>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if !self.inner_is_ready && self.limits.spent_for().is_some() {
            return Poll::Ready(Ok(())); // the call will find out when the inner service is
        }
        let polled = self.inner.poll_ready(cx).map_err(Error::Inner);
        self.inner_is_ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let cells = self.costs.cost(&request);
        let turn = if self.inner_is_ready {
            self.limits.now_or_later(&request, cells, self.max_wait)
        } else {
            self.limits.reserve(&request, cells, self.max_wait).map(Some)
        };
        match turn {
            Ok(None) => {
                self.inner_is_ready = false;
                WaitingFuture::running(self.inner.call(request))
            }
            Ok(Some(turn)) => WaitingFuture::waiting(turn, self.unready(), request),
            Err(rejection) => WaitingFuture::rejected(rejection),
        }
    }
}

impl<S: Clone, L, C> RateLimiterWaiting<S, L, C> {
    /// An inner service for a call that waits.
    #[cold]
    fn unready(&mut self) -> S {
        if std::mem::take(&mut self.inner_is_ready) {
            // What the inner service had made ready is not needed now: whoever need not wait may have it.
            self.inner = self.inner.clone();
        }
        self.inner.clone()
    }
}
