//! The layer: hangs a single flight on any number of services.

use std::fmt;

use seawall_core::Flatten;
use tower_layer::Layer;

use crate::{CoalesceService, SingleFlight};

/// Wraps services so that equal requests in flight share one response.
///
/// Which requests are equal is said by a key: made of all of a request that its response depends on, the
/// caller's identity and rights included. A request without one (`None`: whatever has an effect) passes
/// by.
///
/// A response is cloned for each who waits besides its leader; wrap it in an [`Arc`](std::sync::Arc) where
/// that is dear. An error is shared as it is: see [`LoadError`](crate::LoadError).
///
/// The layer holds the single flight: all services that it wraps, and their clones, share its flights.
/// Services that answer the same request differently need a layer each.
///
/// # Examples
///
/// How do I let equal reads share one call of the upstream?
///
/// ```
/// # use seawall_cache::{CoalesceLayer, SingleFlight};
/// # use tower::{ServiceBuilder, ServiceExt, service_fn};
/// # use std::convert::Infallible;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// #[derive(Clone)]
/// enum Request { Read(u32), Write(u32, String) }
///
/// let flights = SingleFlight::builder("profiles").build()?;
/// let layer = CoalesceLayer::new(flights, |request: &Request| match request {
///     Request::Read(id) => Some(*id),
///     Request::Write(..) => None,
/// });
/// let profiles = ServiceBuilder::new()
///     .layer(layer)
///     .service(service_fn(|_: Request| async { Ok::<_, Infallible>("a profile") }));
///
/// assert_eq!(profiles.oneshot(Request::Read(7)).await.unwrap(), "a profile");
/// # Ok::<(), seawall_cache::ConfigError>(())
/// # }).unwrap();
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CoalesceLayer<K, R, E, F> {
    flights: SingleFlight<K, R, E>,
    key: F,
}

impl<K, R, E, F> CoalesceLayer<K, R, E, F> {
    /// A layer for `flights`, with `key` to tell which requests are equal.
    pub const fn new(flights: SingleFlight<K, R, E>, key: F) -> Self {
        Self { flights, key }
    }

    /// The same layer with one level of errors less: [`LoadError<E>`](crate::LoadError), of which a
    /// rejection becomes one by `E: From<Rejection>`. It can't be `E` itself, which is shared.
    ///
    /// # Examples
    ///
    /// How do I use it in a stack of boxed errors?
    ///
    /// ```
    /// # use seawall_cache::{CoalesceLayer, LoadError, Reason, Rejection, SingleFlight};
    /// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let flights = SingleFlight::builder("profiles").build()?;
    /// let profiles = ServiceBuilder::new()
    ///     .map_err(LoadError::boxed)
    ///     .layer(CoalesceLayer::new(flights, |id: &u32| Some(*id)).flatten())
    ///     .service(service_fn(|_: u32| async {
    ///         Err::<String, BoxError>(Rejection::new(Reason::CircuitOpen, "db").into())
    ///     }));
    ///
    /// let error: BoxError = profiles.oneshot(7).await.unwrap_err();
    /// assert_eq!(Rejection::find(&*error).unwrap().reason(), Reason::CircuitOpen);
    /// # Ok::<(), seawall_cache::ConfigError>(())
    /// # }).unwrap();
    /// ```
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, K, R, E, F: Clone> Layer<S> for CoalesceLayer<K, R, E, F> {
    type Service = CoalesceService<S, K, R, E, F>;

    fn layer(&self, inner: S) -> Self::Service {
        CoalesceService::new(inner, self.flights.clone(), self.key.clone())
    }
}

impl<K, R, E, F: Clone> Clone for CoalesceLayer<K, R, E, F> {
    fn clone(&self) -> Self {
        Self { flights: self.flights.clone(), key: self.key.clone() }
    }
}

impl<K, R, E, F> fmt::Debug for CoalesceLayer<K, R, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceLayer").field("flights", &self.flights).finish_non_exhaustive()
    }
}
