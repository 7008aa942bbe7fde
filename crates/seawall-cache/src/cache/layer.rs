//! The layer: answers what it knows, whether the inner service is ready or not.
//!
//! | a call                                          | needs the inner service        |
//! |-------------------------------------------------|--------------------------------|
//! | has no key: passes by                           | ready                          |
//! | is a hit                                        | not at all                     |
//! | is a stale hit, and nobody loads it anew        | in the background, when ready  |
//! | follows: takes the response of a call in flight | not at all                     |
//! | leads: its response is kept                     | ready                          |
//!
//! What a call will be is known by its request, and so only in `call`. A service whose inner one is not
//! ready is ready nevertheless while there is anything to answer with: an entry, or a flight. If the call
//! is none of it, its future waits for the readiness of a clone.

mod future;
mod service;

use std::{fmt, sync::Arc};

use seawall_core::Flatten;
use tower_layer::Layer;

pub use self::{future::ResponseFuture, service::CacheService};
use super::{Cache, DefaultStore};

/// Whether a response is to be kept.
type Keeps<R> = Arc<dyn Fn(&R) -> bool + Send + Sync>;

/// Wraps services so that their responses are kept in a [`Cache`], and answered from it.
///
/// Which requests are equal is said by a key: made of all of a request that its response depends on, the
/// caller's identity and rights included. A request without one (`None`: whatever has an effect) passes
/// by.
///
/// A response is cloned for each call; wrap it in an [`Arc`] where that is dear. The layer holds the
/// cache: all services that it wraps, and their clones, share it.
///
/// # Examples
///
/// How do I keep the responses of reads, and only the good ones?
///
/// ```
/// # use seawall_cache::{Cache, CacheLayer};
/// # use tower::{ServiceBuilder, ServiceExt, service_fn};
/// # use std::{convert::Infallible, time::Duration};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seawall_cache::ConfigError> {
/// #[derive(Clone)]
/// enum Request { Read(u32), Write(u32, String) }
///
/// let cache = Cache::builder("profiles").ttl(Duration::from_secs(60)).build()?;
/// let layer = CacheLayer::new(cache.clone(), |request: &Request| match request {
///     Request::Read(id) => Some(*id),
///     Request::Write(..) => None,
/// });
/// let profiles = ServiceBuilder::new()
///     .layer(layer.cache_if(|profile: &&str| !profile.is_empty()))
///     .service(service_fn(|_: Request| async { Ok::<_, Infallible>("a profile") }));
///
/// assert_eq!(profiles.oneshot(Request::Read(7)).await.unwrap(), "a profile");
/// assert_eq!(cache.get(&7), Some("a profile"));
/// # Ok(()) }
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CacheLayer<K, R, E, F, T = DefaultStore<K, R>> {
    cache: Cache<K, R, E, T>,
    key: F,
    keeps: Option<Keeps<R>>,
}

impl<K, R, E, F, T> CacheLayer<K, R, E, F, T> {
    /// A layer for `cache`, with `key` to tell which requests are equal.
    pub const fn new(cache: Cache<K, R, E, T>, key: F) -> Self {
        Self { cache, key, keeps: None }
    }

    /// Keeps a response only if `keeps` says so; each goes to all who wait for it in any case.
    pub fn cache_if(mut self, keeps: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        self.keeps = Some(Arc::new(keeps));
        self
    }

    /// The same layer with one level of errors less: [`LoadError<E>`](crate::LoadError), of which a
    /// rejection becomes one by `E: From<Rejection>`. It can't be `E` itself, which is shared.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, K, R, E, F: Clone, T> Layer<S> for CacheLayer<K, R, E, F, T> {
    type Service = CacheService<S, K, R, E, F, T>;

    fn layer(&self, inner: S) -> Self::Service {
        CacheService::new(inner, self.clone())
    }
}

impl<K, R, E, F: Clone, T> Clone for CacheLayer<K, R, E, F, T> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), key: self.key.clone(), keeps: self.keeps.clone() }
    }
}

impl<K, R, E, F, T> fmt::Debug for CacheLayer<K, R, E, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheLayer").field("cache", &self.cache.name()).finish_non_exhaustive()
    }
}
