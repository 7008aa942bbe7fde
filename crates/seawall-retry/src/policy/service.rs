//! The service: ready as its inner service is, and calls it as often as the policy wants and may.

use std::{
    mem,
    task::{Context, Poll},
};

use seawall_core::Error;
use tower::retry::Policy;
use tower_service::Service;

use super::PolicyFuture;
use crate::Retry;

/// A service whose calls are tried again as a `tower::retry::Policy` says: made by a
/// [`PolicyLayer`](crate::PolicyLayer).
///
/// The instance that was ready makes the first attempt, and gets ready again for each further one.
///
/// Cloning shares the retry and its budget.
#[derive(Clone, Debug)]
pub struct PolicyService<S, P> {
    inner: S,
    retry: Retry,
    policy: P,
}

impl<S, P> PolicyService<S, P> {
    pub(super) const fn new(inner: S, retry: Retry, policy: P) -> Self {
        Self { inner, retry, policy }
    }

    /// The retry.
    pub const fn retry(&self) -> &Retry {
        &self.retry
    }

    seawall_core::inner_service!();
}

impl<S, P, Request> Service<Request> for PolicyService<S, P>
where
    S: Service<Request> + Clone,
    P: Policy<Request, S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = PolicyFuture<S, Request, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = self.retry.shared();
        let mut course = shared.begin();
        let attempt = shared.attempt(&mut course);
        let mut policy = self.policy.clone();
        let again = policy.clone_request(&request);
        let clone = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, clone);
        let future = ready.call(request);
        let again = again.map(|again| (ready, again));
        PolicyFuture::new(self.retry.clone(), policy, (course, attempt), again, future)
    }
}
