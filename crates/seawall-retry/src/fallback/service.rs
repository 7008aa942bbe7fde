//! The service: answers with something else where its inner service refuses or fails.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{Fallback, Falls, KeepNothing, Keeps, Recovers, Refusals, ResponseFuture};

/// Which errors fall, and to what: shared by a service and its calls, so that a call copies none of it.
pub(super) struct Policy<W, R> {
    pub(super) fallback: Fallback,
    pub(super) when: W,
    pub(super) recover: R,
}

/// A service that answers with something else where its inner service refuses or fails: made by a
/// [`FallbackLayer`](crate::FallbackLayer).
///
/// Its error is the inner service's own. Cloning shares the counts.
///
/// # Readiness
///
/// It is ready when the inner service is, and an inner service that cannot get ready does not fall: its
/// error says that the instance is to be discarded. The service that is fallen back to is asked for
/// readiness by the call that falls.
pub struct FallbackService<S, R, W = Refusals, K = KeepNothing> {
    inner: S,
    keep: K,
    policy: Arc<Policy<W, R>>,
}

impl<S, R, W, K> FallbackService<S, R, W, K> {
    pub(super) fn new(inner: S, keep: K, policy: Policy<W, R>) -> Self {
        Self { inner, keep, policy: Arc::new(policy) }
    }

    /// The fallback.
    pub fn fallback(&self) -> &Fallback {
        &self.policy.fallback
    }

    seawall_core::inner_service!();
}

/// By hand, so that neither the closures nor the value need be `Clone`. No readiness of ours is copied:
/// there is none.
impl<S: Clone, R, W, K: Clone> Clone for FallbackService<S, R, W, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            keep: self.keep.clone(),
            policy: Arc::clone(&self.policy),
        }
    }
}

impl<S, R, W, K, Request> Service<Request> for FallbackService<S, R, W, K>
where
    S: Service<Request>,
    S::Error: fmt::Debug,
    K: Keeps<Request>,
    W: Falls<S::Error>,
    R: Recovers<K::Kept, S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, W, R, K::Kept, R::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let kept = self.keep.keep(&request);
        ResponseFuture::running(self.inner.call(request), Arc::clone(&self.policy), kept)
    }
}

impl<S: fmt::Debug, R, W, K> fmt::Debug for FallbackService<S, R, W, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackService")
            .field("inner", &self.inner)
            .field("fallback", self.fallback())
            .finish_non_exhaustive()
    }
}
