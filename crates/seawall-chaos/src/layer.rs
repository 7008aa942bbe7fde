//! The layer: holds a handle, and wraps services.

use std::fmt;

use tower_layer::Layer;

use crate::{Chaos, ChaosService, Injected};

/// Strikes the calls of the services that it wraps, while its [`Chaos`] is armed.
///
/// It holds the handle: all services that it wraps, and all clones of them, are armed together and
/// count their calls together. The error of a wrapped service is the inner service's own, made from
/// [`Injected`] (`BoxError` can be); where it cannot, [`fail_with`](Self::fail_with) says what to
/// answer instead.
///
/// # Examples
///
/// How do I make only the reads slow?
///
/// ```
/// # use seawall_chaos::{Chaos, ChaosLayer, Plan};
/// # use std::time::Duration;
/// # use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), BoxError> {
/// let chaos = Chaos::builder("db-a").build()?;
/// let mut db = ServiceBuilder::new()
///     .layer(ChaosLayer::new(chaos.clone()).target(|query: &&str| query.starts_with("select")))
///     .service(service_fn(|query| async move { Ok::<_, BoxError>(format!("did {query}")) }));
///
/// chaos.arm(Plan::new().latency(1.0, Duration::from_millis(200)).error(0.1))?;
/// assert_eq!(db.ready().await?.call("delete").await?, "did delete"); // at once
/// # Ok(()) }
/// ```
///
/// How do I inject a *response*, into a service that has no errors?
///
/// ```
/// # use seawall_chaos::{Chaos, ChaosLayer, Plan};
/// # use std::convert::Infallible;
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
/// let chaos = Chaos::builder("web").build()?;
/// let web = ServiceBuilder::new()
///     .layer(ChaosLayer::new(chaos.clone()).fail_with(|_injected| Ok(500)))
///     .service(service_fn(|_path: &str| async { Ok::<u16, Infallible>(200) }));
///
/// chaos.arm(Plan::new().error(1.0))?;
/// assert_eq!(web.oneshot("/").await?, 500);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct ChaosLayer<T = Everything, F = IntoError> {
    chaos: Chaos,
    target: T,
    fail: F,
}

impl ChaosLayer {
    /// Strikes all calls, with errors made from [`Injected`].
    pub const fn new(chaos: Chaos) -> Self {
        Self { chaos, target: Everything, fail: IntoError }
    }
}

impl<T, F> ChaosLayer<T, F> {
    /// Strikes only the requests of which `target` is true.
    ///
    /// The others do not count: the n-th fate is for the n-th request that is a target. It is asked
    /// only while the chaos is armed.
    pub fn target<Request, T2: Fn(&Request) -> bool>(self, target: T2) -> ChaosLayer<T2, F> {
        let Self { chaos, fail, .. } = self;
        ChaosLayer { chaos, target, fail }
    }

    /// Answers an injected error with what `fail` makes of it: an error, or a response.
    ///
    /// It is called when the answer is due, after the latency if there is one.
    pub fn fail_with<Response, E, F2>(self, fail: F2) -> ChaosLayer<T, F2>
    where
        F2: Fn(Injected) -> Result<Response, E>,
    {
        let Self { chaos, target, .. } = self;
        ChaosLayer { chaos, target, fail }
    }
}

impl<S, T: Clone, F: Clone> Layer<S> for ChaosLayer<T, F> {
    type Service = ChaosService<S, T, F>;

    fn layer(&self, inner: S) -> Self::Service {
        ChaosService::new(inner, self.chaos.clone(), self.target.clone(), self.fail.clone())
    }
}

impl<T, F> fmt::Debug for ChaosLayer<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosLayer").field("chaos", &self.chaos).finish_non_exhaustive()
    }
}

/// Tells which requests are struck; closures over `&Request` implement it.
pub trait Target<Request> {
    /// Whether this request is.
    fn includes(&self, request: &Request) -> bool;
}

impl<Request, F: Fn(&Request) -> bool> Target<Request> for F {
    #[inline]
    fn includes(&self, request: &Request) -> bool {
        self(request)
    }
}

/// The default: every request is struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Everything;

impl<Request> Target<Request> for Everything {
    #[inline]
    fn includes(&self, _request: &Request) -> bool {
        true
    }
}

/// Tells what a service answers in place of an injected error; closures over [`Injected`] implement
/// it.
pub trait Fail<Response, E> {
    /// The answer.
    ///
    /// # Errors
    ///
    /// Where the answer is one.
    fn fail(&self, injected: Injected) -> Result<Response, E>;
}

impl<Response, E, F: Fn(Injected) -> Result<Response, E>> Fail<Response, E> for F {
    fn fail(&self, injected: Injected) -> Result<Response, E> {
        self(injected)
    }
}

/// The default: the service's own error, made from [`Injected`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntoError;

impl<Response, E: From<Injected>> Fail<Response, E> for IntoError {
    fn fail(&self, injected: Injected) -> Result<Response, E> {
        Err(injected.into())
    }
}
