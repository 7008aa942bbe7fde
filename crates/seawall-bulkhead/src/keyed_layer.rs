//! The layer of keyed bulkheads: the key comes from the request.

use std::{fmt, hash::Hash};

use seawall_core::{ErrIsFailure, Flatten};
use tower_layer::Layer;

use crate::{Bulkhead, BulkheadService, Bulkheads, OnePlace, service::Which};

/// Wraps services so that each call takes a place in the bulkhead of its key, and waits for it where
/// that has a queue.
///
/// Which bulkhead a call meets is known only when it is made, so the inner service is asked for
/// readiness first; a call that then has to wait does so without it.
///
/// The layer holds the bulkheads: all services that it wraps, and their clones, share them.
///
/// # Examples
///
/// ```
/// # use seawall_bulkhead::{Bulkhead, BulkheadsLayer};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// #[derive(Clone)]
/// struct Request { tenant: String }
///
/// let tenants = Bulkhead::builder("tenants").limit(4).queue(16).keyed().build()?;
/// let layer = BulkheadsLayer::new(tenants.clone(), |request: &Request| request.tenant.clone());
/// let service = ServiceBuilder::new()
///     .layer(layer.flatten())
///     .service(service_fn(|_: Request| async { Ok::<_, BoxError>(200) }));
///
/// service.oneshot(Request { tenant: "acme".into() }).await?;
/// assert_eq!(tenants.len(), 1);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct BulkheadsLayer<K, F, D = OnePlace, C = ErrIsFailure> {
    by_key: ByKey<K, F>,
    demands: D,
    classify: C,
}

impl<K, F> BulkheadsLayer<K, F> {
    /// A layer for `bulkheads`, with `key` to tell a request's key.
    pub const fn new(bulkheads: Bulkheads<K>, key: F) -> Self {
        Self { by_key: ByKey { bulkheads, key }, demands: OnePlace, classify: ErrIsFailure }
    }
}

impl<K, F, D, C> BulkheadsLayer<K, F, D, C> {
    /// The same layer, with [what each request asks for](crate::Demand).
    pub fn demand<E>(self, demands: E) -> BulkheadsLayer<K, F, E, C> {
        BulkheadsLayer { by_key: self.by_key, demands, classify: self.classify }
    }

    /// The same layer with another rule for what an adaptive limit takes for dropped.
    pub fn classify<B>(self, classify: B) -> BulkheadsLayer<K, F, D, B> {
        BulkheadsLayer { by_key: self.by_key, demands: self.demands, classify }
    }

    /// The same layer for services whose error is to stay as it is.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<K, F: Clone, D: Clone, C: Clone> Clone for BulkheadsLayer<K, F, D, C> {
    fn clone(&self) -> Self {
        let Self { by_key, demands, classify } = self;
        Self { by_key: by_key.clone(), demands: demands.clone(), classify: classify.clone() }
    }
}

impl<K, F, D, C> fmt::Debug for BulkheadsLayer<K, F, D, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadsLayer").field("by_key", &self.by_key).finish_non_exhaustive()
    }
}

impl<S, K, F: Clone, D: Clone, C: Clone> Layer<S> for BulkheadsLayer<K, F, D, C> {
    type Service = BulkheadService<S, D, C, ByKey<K, F>>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { by_key, demands, classify } = self.clone();
        BulkheadService::new(inner, by_key, demands, classify)
    }
}

/// Which of many bulkheads a call meets: the one of its request's key.
pub struct ByKey<K, F> {
    bulkheads: Bulkheads<K>,
    key: F,
}

impl<K: Hash + Eq + Clone, F: Fn(&Request) -> K, Request> Which<Request> for ByKey<K, F> {
    fn which(&self, request: &Request) -> Bulkhead {
        self.bulkheads.get(&(self.key)(request))
    }

    /// Nobody knows before there is a request.
    fn is_full(&self) -> bool {
        false
    }
}

impl<K, F: Clone> Clone for ByKey<K, F> {
    fn clone(&self) -> Self {
        Self { bulkheads: self.bulkheads.clone(), key: self.key.clone() }
    }
}

impl<K, F> fmt::Debug for ByKey<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey").field("bulkheads", &self.bulkheads).finish_non_exhaustive()
    }
}
