//! The layer: hangs a limiter on any number of services, in one of two modes.
//!
//! | mode | a call that comes too soon | needs |
//! |---|---|---|
//! | [`RateLimiterLayer`] | is refused, with the time to come back | |
//! | [`max_wait`](RateLimiterLayer::max_wait) | waits for its turn, if that comes in time | services that are `Clone` |

use std::time::Duration;

use seawall_core::Flatten;
use tower_layer::Layer;

use crate::{
    RateLimiter, RateLimiterService, RateLimiterWaitingLayer, RateLimiters,
    limits::{ByKey, OneCell},
};

/// Wraps services so that their calls are let in no faster than a [`RateLimiter`] says.
///
/// The layer holds the limiter: all services that it wraps, and their clones, share its quotas. For
/// separate ones make a layer each, or one quota a [key](Self::keyed).
///
/// # Examples
///
/// How do I limit a Tower service, with errors that stay its own?
///
/// ```
/// # use seawall_rate_limiter::{Quota, RateLimiter, RateLimiterLayer};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let limiter = RateLimiter::builder("api").quota(Quota::per_second(100)?.burst(20)?).build()?;
/// let service = ServiceBuilder::new()
///     .layer(RateLimiterLayer::new(limiter.clone()).flatten())
///     .service(service_fn(|year: u32| async move { Ok::<u32, BoxError>(year) }));
///
/// assert_eq!(service.oneshot(2026).await?, 2026);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
///
/// How do I give each tenant a quota of his own, of which large requests take more?
///
/// ```
/// # use seawall_rate_limiter::{Quota, RateLimiterLayer, RateLimiters};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// struct Request { tenant: u64, bytes: usize }
///
/// let tenants = RateLimiters::builder("tenants").quota(Quota::per_second(50)?).build()?;
/// let layer = RateLimiterLayer::keyed(tenants, |request: &Request| request.tenant)
///     .cost(|request: &Request| 1 + (request.bytes / 65_536) as u32);
/// let service = ServiceBuilder::new()
///     .layer(layer.flatten())
///     .service(service_fn(|_: Request| async { Ok::<_, BoxError>(200) }));
///
/// service.oneshot(Request { tenant: 7, bytes: 100_000 }).await?;
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct RateLimiterLayer<L = RateLimiter, C = OneCell> {
    limits: L,
    costs: C,
}

impl RateLimiterLayer {
    /// A layer for `limiter`: each call takes one cell, and is refused where there is none.
    pub const fn new(limiter: RateLimiter) -> Self {
        Self { limits: limiter, costs: OneCell }
    }
}

impl<K: ToOwned + ?Sized, F> RateLimiterLayer<ByKey<K, F>> {
    /// A layer for the quotas of many keys, with `key` to tell a request's.
    ///
    /// Which quota a call meets is known only when it is made, so the inner service is asked for
    /// readiness first.
    pub const fn keyed(limiters: RateLimiters<K>, key: F) -> Self {
        Self { limits: ByKey::new(limiters, key), costs: OneCell }
    }
}

impl<L, C> RateLimiterLayer<L, C> {
    /// The same layer, where a request takes as many cells as `cost` says of it.
    pub fn cost<D>(self, cost: D) -> RateLimiterLayer<L, D> {
        RateLimiterLayer { limits: self.limits, costs: cost }
    }

    /// The same layer in another mode: a call that comes too soon waits for its turn, if that is at most
    /// `time` from now and before its [deadline](seawall_core::deadline), and is refused at once if not.
    pub fn max_wait(self, time: Duration) -> RateLimiterWaitingLayer<L, C> {
        RateLimiterWaitingLayer::new(self.limits, self.costs, time)
    }

    /// The same layer for services whose error is to stay as it is: a rejection becomes one by
    /// `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, L: Clone, C: Clone> Layer<S> for RateLimiterLayer<L, C> {
    type Service = RateLimiterService<S, L, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimiterService::new(inner, self.limits.clone(), self.costs.clone())
    }
}
