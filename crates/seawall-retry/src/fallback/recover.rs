//! What a call falls back to.

use std::{
    fmt,
    future::{Future, Ready, ready},
    sync::Arc,
};

use seawall_core::sync::Mutex;
use tower_service::Service;

use super::{Kept, Oneshot, To};

/// Makes an answer of an error, and of what was [`Kept`] of the request.
#[diagnostic::on_unimplemented(
    message = "the layer does not know how to fall back from an `{E}` to a `{T}`",
    note = "say it with `value`, `with`, `with_async` or `service`"
)]
pub trait Recovers<K, T, E> {
    /// The answer.
    type Future: Future<Output = Result<T, E>>;

    /// What the call falls back to, for events.
    const TO: To;

    /// Begins to make the answer.
    fn recover(&self, kept: K, error: E) -> Self::Future;
}

/// What a layer falls back to that was not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nowhere;

/// A value, cloned for each call that falls.
#[derive(Clone, Copy, Debug)]
pub struct Value<T>(pub(super) T);

impl<K, T: Clone, E> Recovers<K, T, E> for Value<T> {
    type Future = Ready<Result<T, E>>;
    const TO: To = To::Value;

    fn recover(&self, _: K, _: E) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}

/// What a closure makes of the error.
#[derive(Clone, Copy)]
pub struct With<F>(pub(super) F);

impl<T, E, F: Fn(E) -> Result<T, E>> Recovers<(), T, E> for With<F> {
    type Future = Ready<Result<T, E>>;
    const TO: To = To::Closure;

    fn recover(&self, (): (), error: E) -> Self::Future {
        ready((self.0)(error))
    }
}

impl<K, T, E, F: Fn(E, K) -> Result<T, E>> Recovers<Kept<K>, T, E> for With<F> {
    type Future = Ready<Result<T, E>>;
    const TO: To = To::Closure;

    fn recover(&self, Kept(kept): Kept<K>, error: E) -> Self::Future {
        ready((self.0)(error, kept))
    }
}

/// What an async closure makes of the error.
#[derive(Clone, Copy)]
pub struct WithAsync<F>(pub(super) F);

impl<T, E, F, Fut> Recovers<(), T, E> for WithAsync<F>
where
    F: Fn(E) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Future = Fut;
    const TO: To = To::Closure;

    fn recover(&self, (): (), error: E) -> Fut {
        (self.0)(error)
    }
}

impl<K, T, E, F, Fut> Recovers<Kept<K>, T, E> for WithAsync<F>
where
    F: Fn(E, K) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Future = Fut;
    const TO: To = To::Closure;

    fn recover(&self, Kept(kept): Kept<K>, error: E) -> Fut {
        (self.0)(error, kept)
    }
}

/// Another service, which is called with what was kept of the request.
pub struct ToService<S> {
    /// Locked for as long as it takes to clone it, by a call that falls: it need not be `Sync`.
    service: Arc<Mutex<S>>,
}

impl<S> ToService<S> {
    pub(super) fn new(service: S) -> Self {
        Self { service: Arc::new(Mutex::new(service)) }
    }
}

impl<S, K, T, E> Recovers<Kept<K>, T, E> for ToService<S>
where
    S: Service<K, Response = T> + Clone,
    S::Error: Into<E>,
{
    type Future = Oneshot<S, K, S::Future, E>;
    const TO: To = To::Service;

    fn recover(&self, Kept(request): Kept<K>, _: E) -> Self::Future {
        let service = self.service.lock().clone();
        Oneshot::new(service, request)
    }
}

impl<S> Clone for ToService<S> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service) }
    }
}

impl<S> fmt::Debug for ToService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToService").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for With<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("With").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for WithAsync<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithAsync").finish_non_exhaustive()
    }
}
