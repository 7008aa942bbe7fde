//! The layer: hangs a retry with a policy on any number of services.

use seawall_core::Flatten;
use tower_layer::Layer;

use super::PolicyService;
use crate::{Retry, RetryLayer};

/// Wraps services so that their calls are tried again as a `tower::retry::Policy` says, and no further
/// than a [`Retry`] allows: made by [`RetryLayer::policy`].
///
/// The layer holds the retry: all services that it wraps, and their clones, share one budget. The policy
/// is cloned for each call, as by tower.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct PolicyLayer<P> {
    retry: Retry,
    policy: P,
}

impl RetryLayer {
    /// A layer that tries again as a `tower::retry::Policy` says, with the retry's attempts, deadlines and
    /// budget as bounds.
    ///
    /// The policy waits by its own future; the retry's backoff serves only attempts that took too long.
    ///
    /// # Examples
    ///
    /// How do I keep the policy that I have, and put a budget on it?
    ///
    /// ```
    /// # use seawall_retry::{BoxError, Retry, RetryLayer};
    /// # use std::future::{Ready, ready};
    /// # use tower::{ServiceBuilder, ServiceExt, service_fn};
    /// use tower::retry::Policy;
    ///
    /// #[derive(Clone)]
    /// struct OnErrors;
    ///
    /// impl<T> Policy<u32, T, BoxError> for OnErrors {
    ///     type Future = Ready<()>;
    ///
    ///     fn retry(&mut self, _: &mut u32, result: &mut Result<T, BoxError>) -> Option<Ready<()>> {
    ///         result.is_err().then(|| ready(()))
    ///     }
    ///
    ///     fn clone_request(&mut self, request: &u32) -> Option<u32> {
    ///         Some(*request)
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let retry = Retry::builder("catalog").max_attempts(5).build()?;
    /// let service = ServiceBuilder::new()
    ///     .layer(RetryLayer::new(retry).policy(OnErrors).flatten())
    ///     .service(service_fn(|book: u32| async move { Ok::<u32, BoxError>(book) }));
    ///
    /// assert_eq!(service.oneshot(7).await?, 7);
    /// # Ok::<(), BoxError>(())
    /// # }).unwrap();
    /// ```
    pub fn policy<P>(self, policy: P) -> PolicyLayer<P> {
        PolicyLayer { retry: self.into_retry(), policy }
    }
}

impl<P> PolicyLayer<P> {
    /// The same layer for services whose error is to stay as it is: an attempt that took too long
    /// becomes one by `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, P: Clone> Layer<S> for PolicyLayer<P> {
    type Service = PolicyService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        PolicyService::new(inner, self.retry.clone(), self.policy.clone())
    }
}
