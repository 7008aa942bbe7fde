//! The layer: hangs a breaker on any number of services.

use seawall_core::{ErrIsFailure, Flatten};
use tower_layer::Layer;

use crate::{CircuitBreaker, CircuitBreakerService};

/// Wraps services so that their calls go through a [`CircuitBreaker`].
///
/// The layer holds the breaker: all services that it wraps, and their clones, share one circuit. For
/// separate circuits make a layer each, or one circuit a key with [`CircuitBreakersLayer`].
///
/// [`CircuitBreakersLayer`]: crate::CircuitBreakersLayer
///
/// # Examples
///
/// How do I guard a Tower service, with errors that stay its own?
///
/// ```
/// # use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakerLayer, Outcome};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let breaker = CircuitBreaker::builder("catalog").build()?;
/// let by_status = |result: Result<&u16, &BoxError>| match result {
///     Ok(500..) | Err(_) => Outcome::Failure,
///     Ok(_) => Outcome::Success,
/// };
/// let service = ServiceBuilder::new()
///     .layer(CircuitBreakerLayer::new(breaker.clone()).classify(by_status).flatten())
///     .service(service_fn(|_path: &str| async { Ok::<u16, BoxError>(200) }));
///
/// assert_eq!(service.oneshot("/book/1").await?, 200);
/// assert_eq!(breaker.snapshot().counters["calls"], 1);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CircuitBreakerLayer<C = ErrIsFailure> {
    breaker: CircuitBreaker,
    classify: C,
}

impl CircuitBreakerLayer {
    /// A layer for `breaker`; an `Err` of the service is a failure.
    pub const fn new(breaker: CircuitBreaker) -> Self {
        Self { breaker, classify: ErrIsFailure }
    }
}

impl<C> CircuitBreakerLayer<C> {
    /// The same layer with another rule for what is a failure.
    pub fn classify<D>(self, classify: D) -> CircuitBreakerLayer<D> {
        CircuitBreakerLayer { breaker: self.breaker, classify }
    }

    /// The same layer for services whose error is to stay as it is: a rejection becomes one by
    /// `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }

    /// The same layer with its other face: services that are not ready while the circuit rejects,
    /// for balancers that look for one that is.
    #[cfg(feature = "tokio")]
    pub fn pending_while_open(self) -> crate::CircuitBreakerGateLayer<C> {
        crate::CircuitBreakerGateLayer::new(self.breaker, self.classify)
    }
}

impl<S, C: Clone> Layer<S> for CircuitBreakerLayer<C> {
    type Service = CircuitBreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakerService::new(inner, self.breaker.clone(), self.classify.clone())
    }
}
