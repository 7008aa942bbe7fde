//! The layer of keyed circuits: the key comes from the request.

use std::{
    fmt,
    hash::Hash,
    task::{Context, Poll},
};

use seawall_core::{Classify, ErrIsFailure, Error, Flatten};
use tower_layer::Layer;
use tower_service::Service;

use crate::{CircuitBreakers, future::ResponseFuture};

/// Wraps services so that each call goes through the circuit of its key.
///
/// The layer holds the circuits: all services that it wraps, and their clones, share them.
///
/// # Examples
///
/// ```
/// # use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakersLayer};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// struct Request { host: String }
///
/// let hosts = CircuitBreaker::builder("hosts").keyed().build()?;
/// let layer = CircuitBreakersLayer::new(hosts.clone(), |request: &Request| request.host.clone());
/// let service = ServiceBuilder::new()
///     .layer(layer.flatten())
///     .service(service_fn(|_: Request| async { Ok::<_, BoxError>(200) }));
///
/// service.oneshot(Request { host: "a.example".into() }).await?;
/// assert_eq!(hosts.len(), 1);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CircuitBreakersLayer<K, F, C = ErrIsFailure> {
    breakers: CircuitBreakers<K>,
    key: F,
    classify: C,
}

impl<K, F> CircuitBreakersLayer<K, F> {
    /// A layer for `breakers`, with `key` to tell a request's key; an `Err` is a failure.
    pub const fn new(breakers: CircuitBreakers<K>, key: F) -> Self {
        Self { breakers, key, classify: ErrIsFailure }
    }
}

impl<K, F, C> CircuitBreakersLayer<K, F, C> {
    /// The same layer with another rule for what is a failure.
    pub fn classify<D>(self, classify: D) -> CircuitBreakersLayer<K, F, D> {
        CircuitBreakersLayer { breakers: self.breakers, key: self.key, classify }
    }

    /// The same layer for services whose error is to stay as it is.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, K, F: Clone, C: Clone> Layer<S> for CircuitBreakersLayer<K, F, C> {
    type Service = CircuitBreakersService<S, K, F, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakersService {
            inner,
            breakers: self.breakers.clone(),
            key: self.key.clone(),
            classify: self.classify.clone(),
        }
    }
}

impl<K, F: Clone, C: Clone> Clone for CircuitBreakersLayer<K, F, C> {
    fn clone(&self) -> Self {
        let Self { breakers, key, classify } = self;
        Self { breakers: breakers.clone(), key: key.clone(), classify: classify.clone() }
    }
}

impl<K, F, C> fmt::Debug for CircuitBreakersLayer<K, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakersLayer")
            .field("breakers", &self.breakers)
            .finish_non_exhaustive()
    }
}

/// A service whose calls go through the circuits of their keys: made by a [`CircuitBreakersLayer`].
///
/// Which circuit a call meets is known only when it is made, so the inner service must be ready
/// before a call can be rejected. Cloning shares the circuits.
pub struct CircuitBreakersService<S, K, F, C = ErrIsFailure> {
    inner: S,
    breakers: CircuitBreakers<K>,
    key: F,
    classify: C,
}

impl<S, K, F, C> CircuitBreakersService<S, K, F, C> {
    seawall_core::inner_service!();
}

impl<S, K, F, C, Request> Service<Request> for CircuitBreakersService<S, K, F, C>
where
    S: Service<Request>,
    K: Hash + Eq + Clone,
    F: Fn(&Request) -> K,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.breakers.get(&(self.key)(&request)).try_acquire_owned() {
            Ok(permit) => {
                ResponseFuture::running(self.inner.call(request), permit, self.classify.clone())
            }
            Err(rejection) => ResponseFuture::rejected(rejection),
        }
    }
}

/// The clone's inner service has not been polled; it brings no readiness of its own.
impl<S: Clone, K, F: Clone, C: Clone> Clone for CircuitBreakersService<S, K, F, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            breakers: self.breakers.clone(),
            key: self.key.clone(),
            classify: self.classify.clone(),
        }
    }
}

impl<S: fmt::Debug, K, F, C> fmt::Debug for CircuitBreakersService<S, K, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakersService")
            .field("inner", &self.inner)
            .field("breakers", &self.breakers)
            .finish_non_exhaustive()
    }
}
