//! One flat error for a stack of layers.
//!
//! Every layer of the family answers with [`Error<E>`](crate::Error) around the inner service's `E`.
//! Stacked, that would nest without end. [`Flatten`] wraps such a layer so that the error stays `E`:
//! a refusal becomes one by `From<Rejection>`.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tower_layer::Layer;
use tower_service::Service;

use crate::{Error, Rejection};

/// Wraps a layer so that the error of its services is the inner service's own.
///
/// Made by the `flatten()` of each layer of the family.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct Flatten<L>(L);

impl<L> Flatten<L> {
    /// Flattens the errors of what `layer` makes.
    pub const fn new(layer: L) -> Self {
        Self(layer)
    }
}

impl<L: Layer<S>, S> Layer<S> for Flatten<L> {
    type Service = FlattenService<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        FlattenService { inner: self.0.layer(inner) }
    }
}

/// A service whose errors are flat: made by [`Flatten`], and by the `flatten()` of a service that no layer makes.
#[derive(Clone, Copy, Debug)]
pub struct FlattenService<S> {
    inner: S,
}

impl<S> FlattenService<S> {
    /// Flattens the errors of a service that no layer makes.
    pub const fn new(inner: S) -> Self {
        Self { inner }
    }

    crate::inner_service!();
}

impl<S, Request, E> Service<Request> for FlattenService<S>
where
    S: Service<Request, Error = Error<E>>,
    E: From<Rejection>,
{
    type Response = S::Response;
    type Error = E;
    type Future = FlattenFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        self.inner.poll_ready(cx).map_err(Error::flatten)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        FlattenFuture { future: self.inner.call(request) }
    }
}

pin_project_lite::pin_project! {
    /// The response of a [`FlattenService`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct FlattenFuture<F> {
        #[pin]
        future: F,
    }
}

impl<F, T, E> Future for FlattenFuture<F>
where
    F: Future<Output = Result<T, Error<E>>>,
    E: From<Rejection>,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(self.project().future.poll(cx)).map_err(Error::flatten))
    }
}
