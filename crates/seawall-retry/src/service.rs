//! The service: ready as its inner service is, and calls it as often as it has to.

use std::{
    mem,
    task::{Context, Poll},
};

use seawall_core::Error;
use tower_service::Service;

use crate::{CloneRequest, Decide, Replay, Retry, RetryErrors, future::ResponseFuture};

/// A service whose calls are tried again: made by a [`RetryLayer`](crate::RetryLayer).
///
/// The instance that was ready makes the first attempt, and gets ready again for each further one.
///
/// Cloning shares the retry and its budget.
#[derive(Clone, Debug)]
pub struct RetryService<S, D = RetryErrors, P = CloneRequest> {
    inner: S,
    retry: Retry,
    decide: D,
    replay: P,
}

impl<S, D, P> RetryService<S, D, P> {
    /// A service that calls `inner`, and calls it again as `retry` says.
    pub const fn new(inner: S, retry: Retry, decide: D, replay: P) -> Self {
        Self { inner, retry, decide, replay }
    }

    /// The retry.
    pub const fn retry(&self) -> &Retry {
        &self.retry
    }

    seawall_core::inner_service!();
}

impl<S, D, P, Request> Service<Request> for RetryService<S, D, P>
where
    S: Service<Request> + Clone,
    D: Decide<S::Response, S::Error> + Clone,
    P: Replay<Request> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S, Request, D, P>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let shared = self.retry.shared();
        let mut course = shared.begin();
        let attempt = shared.attempt(&mut course);
        // Only what can be sent again costs a clone of the service.
        let again = if attempt.is_last() { None } else { self.replay.again(&request) };
        let (future, again) = match again {
            None => (self.inner.call(request), None),
            Some(again) => {
                let clone = self.inner.clone();
                let mut ready = mem::replace(&mut self.inner, clone);
                (ready.call(request), Some((ready, again)))
            }
        };
        let (retry, decide) = (self.retry.clone(), self.decide.clone());
        ResponseFuture::new(retry, decide, self.replay.clone(), (course, attempt), future, again)
    }
}
