//! The layer: hangs a retry on any number of services.

use seawall_core::Flatten;
use tower_layer::Layer;

use crate::{CloneRequest, Retry, RetryErrors, RetryService, When};

/// Wraps services so that their calls are tried again as a [`Retry`] says.
///
/// The layer holds the retry: all services that it wraps, and their clones, share one budget.
///
/// # Examples
///
/// How do I try the calls of a Tower service again, with errors that stay its own?
///
/// ```
/// # use seawall_retry::{Decision, Retry, RetryLayer};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let retry = Retry::builder("catalog").build()?;
/// let by_status = |result: Result<&u16, &BoxError>| match result {
///     Ok(429 | 502..=504) | Err(_) => Decision::Retry,
///     Ok(_) => Decision::Stop,
/// };
/// let service = ServiceBuilder::new()
///     .layer(RetryLayer::new(retry).decide(by_status).flatten())
///     .service(service_fn(|_path: &str| async { Ok::<u16, BoxError>(200) }));
///
/// assert_eq!(service.oneshot("/book/1").await?, 200);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct RetryLayer<D = RetryErrors, P = CloneRequest> {
    retry: Retry,
    decide: D,
    replay: P,
}

impl RetryLayer {
    /// A layer that tries again as `retry` says: after every `Err`, with a clone of the request.
    pub const fn new(retry: Retry) -> Self {
        Self { retry, decide: RetryErrors, replay: CloneRequest }
    }

    #[cfg(feature = "tower-policy")]
    pub(crate) fn into_retry(self) -> Retry {
        self.retry
    }
}

impl<D, P> RetryLayer<D, P> {
    /// The same layer with another rule for what is worth another try.
    pub fn decide<E>(self, decide: E) -> RetryLayer<E, P> {
        RetryLayer { retry: self.retry, decide, replay: self.replay }
    }

    /// The same layer, where an error is worth another try for which `worth_it` is true.
    pub fn when<F>(self, worth_it: F) -> RetryLayer<When<F>, P> {
        self.decide(When(worth_it))
    }

    /// The same layer with another way to send a request again: see [`Replay`](crate::Replay).
    pub fn replay<Q>(self, replay: Q) -> RetryLayer<D, Q> {
        RetryLayer { retry: self.retry, decide: self.decide, replay }
    }

    /// The same layer for services whose error is to stay as it is: an attempt that took too long
    /// becomes one by `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, D: Clone, P: Clone> Layer<S> for RetryLayer<D, P> {
    type Service = RetryService<S, D, P>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService::new(inner, self.retry.clone(), self.decide.clone(), self.replay.clone())
    }
}
