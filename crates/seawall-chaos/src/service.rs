//! The service: asks the chaos about each call.

use std::{
    fmt,
    task::{Context, Poll},
};

use tower_service::Service;

use crate::{
    Chaos, Pass,
    future::ResponseFuture,
    layer::{Everything, Fail, IntoError, Target},
};

/// A service whose calls are struck while its [`Chaos`] is armed: made by
/// [`ChaosLayer`](crate::ChaosLayer).
///
/// Clones share the chaos.
///
/// # Readiness
///
/// It is ready when the inner service is. A call that is struck gives the readiness that it came with
/// back at once: while it is delayed or hangs it holds nothing that others need (no place in a
/// concurrency limit), and once it is let go it waits until a clone of the inner service is ready.
pub struct ChaosService<S, T = Everything, F = IntoError> {
    inner: S,
    chaos: Chaos,
    target: T,
    fail: F,
}

impl<S, T, F> ChaosService<S, T, F> {
    pub(crate) const fn new(inner: S, chaos: Chaos, target: T, fail: F) -> Self {
        Self { inner, chaos, target, fail }
    }

    /// The chaos that strikes.
    pub const fn chaos(&self) -> &Chaos {
        &self.chaos
    }

    seawall_core::inner_service!();
}

impl<S, T, F, Request> Service<Request> for ChaosService<S, T, F>
where
    S: Service<Request> + Clone,
    T: Target<Request>,
    F: Fail<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Request, F>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Not asked here whether it strikes: that depends on the request.
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        // In this order, so that a disarmed chaos costs the one load, and no call of the predicate.
        if self.chaos.is_armed()
            && self.target.includes(&request)
            && let Some(drawn) = self.chaos.draw()
        {
            let later = self.inner.clone();
            // The instance that was polled ready is let go with what it has reserved. Kept in the
            // future it would starve others for as long as the call is held; kept here it would do so
            // until the next call, and the struck call itself might wait for what it holds.
            self.inner = later.clone();
            let pass = Pass::new(&self.chaos, Some(drawn));
            return ResponseFuture::struck(pass, later, request, self.fail.clone());
        }
        ResponseFuture::running(self.inner.call(request))
    }
}

/// By hand, to say what is copied: the inner service's `clone` resets its readiness, and there is none
/// of ours, since a call is admitted in `call`.
impl<S: Clone, T: Clone, F: Clone> Clone for ChaosService<S, T, F> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            chaos: self.chaos.clone(),
            target: self.target.clone(),
            fail: self.fail.clone(),
        }
    }
}

impl<S: fmt::Debug, T, F> fmt::Debug for ChaosService<S, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosService")
            .field("inner", &self.inner)
            .field("chaos", &self.chaos)
            .finish_non_exhaustive()
    }
}
