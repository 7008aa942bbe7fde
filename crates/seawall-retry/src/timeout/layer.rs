//! The layer: hangs a timeout on any number of services.

use std::{fmt, time::Duration};

use seawall_core::Flatten;
use tower_layer::Layer;

use super::{SetTime, Timeout, TimeoutService};

/// Wraps services so that their calls end when their time is over.
///
/// The layer holds the [`Timeout`]: all services that it wraps, and their clones, share the setting and
/// the counts.
///
/// # Examples
///
/// How do I limit a Tower service, and give a few requests longer?
///
/// ```
/// # use seawall_retry::{Timeout, TimeoutLayer};
/// # use std::time::Duration;
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let timeout = Timeout::builder("reports").time(Duration::from_secs(2)).build()?;
/// let by_size = |rows: &u32| (*rows > 10_000).then_some(Duration::from_secs(20));
/// let service = ServiceBuilder::new()
///     .layer(TimeoutLayer::new(timeout).time(by_size).flatten())
///     .service(service_fn(|rows: u32| async move { Ok::<u32, BoxError>(rows) }));
///
/// assert_eq!(service.oneshot(50_000).await?, 50_000);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct TimeoutLayer<T = SetTime> {
    timeout: Timeout,
    times: T,
}

impl TimeoutLayer {
    /// A layer for `timeout`.
    pub const fn new(timeout: Timeout) -> Self {
        Self { timeout, times: SetTime }
    }
}

impl<T> TimeoutLayer<T> {
    /// The same layer, with a time for each request; where `time` tells none, the one that is set.
    ///
    /// The call's deadline holds as well.
    pub fn time<Request, U>(self, time: U) -> TimeoutLayer<U>
    where
        U: Fn(&Request) -> Option<Duration>,
    {
        TimeoutLayer { timeout: self.timeout, times: time }
    }

    /// The same layer for services whose error is to stay as it is: a rejection becomes one by
    /// `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, T: Clone> Layer<S> for TimeoutLayer<T> {
    type Service = TimeoutService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeoutService::new(inner, self.timeout.clone(), self.times.clone())
    }
}

impl<T> fmt::Debug for TimeoutLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutLayer").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
