//! The service: asks the limiter, then the inner service.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::Error;
use tower_service::Service;

use crate::{
    RateLimiter,
    future::ResponseFuture,
    limits::{Costs, Limits, OneCell},
};

/// A service whose calls are let in no faster than a limiter says: made by a
/// [`RateLimiterLayer`](crate::RateLimiterLayer).
///
/// While nothing is left it is ready without asking the inner service, and refuses the call. A cell is
/// taken when the call is made and not before: a service that is ready and never called takes nothing.
///
/// Cloning shares the limiter.
#[derive(Debug)]
pub struct RateLimiterService<S, L = RateLimiter, C = OneCell> {
    inner: S,
    limits: L,
    costs: C,
    /// Nothing was left: the inner service was not asked, and must not be called.
    spent_for: Option<Duration>,
}

impl<S, L, C> RateLimiterService<S, L, C> {
    pub(crate) const fn new(inner: S, limits: L, costs: C) -> Self {
        Self { inner, limits, costs, spent_for: None }
    }

    /// The limiter.
    pub const fn limits(&self) -> &L {
        &self.limits
    }

    seawall_core::inner_service!();
}

/// A clone was not polled, and refuses nothing yet.
impl<S: Clone, L: Clone, C: Clone> Clone for RateLimiterService<S, L, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limits.clone(), self.costs.clone())
    }
}

impl<S, L, C, Request> Service<Request> for RateLimiterService<S, L, C>
where
    S: Service<Request>,
    L: Limits<Request>,
    C: Costs<Request>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.spent_for = self.spent_for.or_else(|| self.limits.spent_for());
        if self.spent_for.is_some() {
            return Poll::Ready(Ok(())); // what was promised stays true until the call
        }
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let cells = self.costs.cost(&request);
        let admitted = match self.spent_for.take() {
            None => self.limits.try_acquire(&request, cells),
            Some(wait) => Err(self.limits.refuse(cells, wait)),
        };
        match admitted {
            Ok(()) => ResponseFuture::running(self.inner.call(request)),
            Err(rejection) => ResponseFuture::rejected(rejection),
        }
    }
}
