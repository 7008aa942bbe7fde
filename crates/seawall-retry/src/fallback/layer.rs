//! The layer: says for which errors, with what of the request, and to what.

use std::{fmt, future::Future};

use seawall_core::Reason;
use tower_layer::Layer;

use super::{
    AnyError, Fallback, FallbackService, Keep, KeepNothing, KeepRequest, Nowhere, Refusals,
    ToService, Value, With, WithAsync, service::Policy,
};

/// Wraps services so that their calls fall back to something else.
///
/// Say in this order: which errors fall (refusals where not said), what to keep of the request (nothing
/// where not said), and to what. The layer holds the [`Fallback`]: all services that it wraps, and their
/// clones, share the counts.
///
/// # Examples
///
/// How do I answer with a value while the circuit is open?
///
/// ```
/// # use seawall_retry::{Error, Fallback, FallbackLayer, Reason, Rejection};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let fallback = Fallback::builder("prices").build()?;
/// let service = ServiceBuilder::new()
///     .layer(FallbackLayer::new(fallback).on_rejection([Reason::CircuitOpen]).value(100))
///     // … and the breaker's layer here
///     .service(service_fn(|_book: u64| async {
///         let open = Rejection::new(Reason::CircuitOpen, "prices");
///         Err::<u32, BoxError>(open.into())
///     }));
///
/// assert_eq!(service.oneshot(7).await?, 100);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
///
/// How do I fall back to what I remember of this request's key?
///
/// ```
/// # use seawall_retry::{Fallback, FallbackLayer};
/// # use std::{collections::HashMap, io};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # struct Query { book: u64 }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let remembered = HashMap::from([(7, 95)]);
/// let layer = FallbackLayer::new(Fallback::builder("prices").build()?)
///     .when(|error: &io::Error| error.kind() == io::ErrorKind::ConnectionReset)
///     .keep(|query: &Query| query.book)
///     .with(move |error, book| remembered.get(&book).copied().ok_or(error));
/// let service = ServiceBuilder::new()
///     .layer(layer)
///     .service(service_fn(|_: Query| async { Err(io::ErrorKind::ConnectionReset.into()) }));
///
/// assert_eq!(service.oneshot(Query { book: 7 }).await?, 95);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct FallbackLayer<R = Nowhere, W = Refusals, K = KeepNothing> {
    fallback: Fallback,
    when: W,
    keep: K,
    recover: R,
}

impl FallbackLayer {
    /// A layer for `fallback`, which is still to be told to what.
    pub const fn new(fallback: Fallback) -> Self {
        Self { fallback, when: Refusals::any(), keep: KeepNothing, recover: Nowhere }
    }
}

impl<R, W, K> FallbackLayer<R, W, K> {
    /// The same layer, where the errors fall that `when` is true of.
    pub fn when<E, F: Fn(&E) -> bool>(self, when: F) -> FallbackLayer<R, F, K> {
        self.asked(when)
    }

    /// The same layer, where refusals for one of these reasons fall.
    pub fn on_rejection(
        self,
        reasons: impl IntoIterator<Item = Reason>,
    ) -> FallbackLayer<R, Refusals, K> {
        self.asked(Refusals::only(reasons))
    }

    /// The same layer, where every error falls, bugs and bad requests included.
    pub fn on_any_error(self) -> FallbackLayer<R, AnyError, K> {
        self.asked(AnyError)
    }

    /// The same layer, where `keep` takes from each request what is needed if its call falls.
    ///
    /// It is called before each call: keep little, such as a key.
    pub fn keep<Request, T, F: Fn(&Request) -> T>(self, keep: F) -> FallbackLayer<R, W, Keep<F>> {
        self.keeping(Keep(keep))
    }

    /// The same layer, which falls back to `value`.
    pub fn value<T: Clone>(self, value: T) -> FallbackLayer<Value<T>, W, K> {
        self.to(Value(value))
    }

    fn asked<V>(self, when: V) -> FallbackLayer<R, V, K> {
        let Self { fallback, keep, recover, .. } = self;
        FallbackLayer { fallback, when, keep, recover }
    }

    fn keeping<L>(self, keep: L) -> FallbackLayer<R, W, L> {
        let Self { fallback, when, recover, .. } = self;
        FallbackLayer { fallback, when, keep, recover }
    }

    /// The same layer, which falls back to what a [`Recovers`](super::Recovers) of your own makes.
    pub fn to<Q>(self, recover: Q) -> FallbackLayer<Q, W, K> {
        let Self { fallback, when, keep, .. } = self;
        FallbackLayer { fallback, when, keep, recover }
    }
}

impl<R, W> FallbackLayer<R, W, KeepNothing> {
    /// The same layer, which falls back to what `with` makes of the error.
    pub fn with<T, E, F>(self, with: F) -> FallbackLayer<With<F>, W, KeepNothing>
    where
        F: Fn(E) -> Result<T, E>,
    {
        self.to(With(with))
    }

    /// The same layer, which falls back to what the async `with` makes of the error.
    pub fn with_async<T, E, F, Fut>(self, with: F) -> FallbackLayer<WithAsync<F>, W, KeepNothing>
    where
        F: Fn(E) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.to(WithAsync(with))
    }

    /// The same layer, which falls back to `service`, called with the same request: that is cloned
    /// before each call. To call it with less, say what to [`keep`](Self::keep).
    ///
    /// Where it fails, too, its error is the call's.
    pub fn service<S>(self, service: S) -> FallbackLayer<ToService<S>, W, KeepRequest> {
        self.keeping(KeepRequest).to(ToService::new(service))
    }
}

impl<R, W, L> FallbackLayer<R, W, Keep<L>> {
    /// The same layer, which falls back to what `with` makes of the error and of what was kept.
    pub fn with<K, T, E, F>(self, with: F) -> FallbackLayer<With<F>, W, Keep<L>>
    where
        F: Fn(E, K) -> Result<T, E>,
    {
        self.to(With(with))
    }

    /// The same layer, which falls back to what the async `with` makes of the error and of what was
    /// kept.
    pub fn with_async<K, T, E, F, Fut>(self, with: F) -> FallbackLayer<WithAsync<F>, W, Keep<L>>
    where
        F: Fn(E, K) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.to(WithAsync(with))
    }

    /// The same layer, which falls back to `service`, called with what was kept.
    ///
    /// Where it fails, too, its error is the call's.
    pub fn service<S>(self, service: S) -> FallbackLayer<ToService<S>, W, Keep<L>> {
        self.to(ToService::new(service))
    }
}

impl<S, R: Clone, W: Clone, K: Clone> Layer<S> for FallbackLayer<R, W, K> {
    type Service = FallbackService<S, R, W, K>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { fallback, when, keep, recover } = self.clone();
        FallbackService::new(inner, keep, Policy { fallback, when, recover })
    }
}

impl<R, W, K> fmt::Debug for FallbackLayer<R, W, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackLayer").field("fallback", &self.fallback).finish_non_exhaustive()
    }
}
