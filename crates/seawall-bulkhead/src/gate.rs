//! The layer's other face: a service that is not ready until it has a place for its next call.
//!
//! What is outside of it feels the pressure: a balancer turns to another member, a buffer fills. It
//! promises readiness, so it takes its place in `poll_ready` and keeps it until the call: a service
//! that is ready and not called holds a place that others may need. While the inner service is not
//! ready it holds none.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use seawall_core::{Classify, ErrIsFailure, Error, Flatten, Nanos};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Acquire, Bulkhead, Permit, future::ResponseFuture};

/// Wraps services so that they are not ready until they have a place: made by
/// [`BulkheadLayer::pending_while_full`](crate::BulkheadLayer::pending_while_full).
///
/// All services that it wraps share the bulkhead.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct BulkheadGateLayer<C = ErrIsFailure> {
    bulkhead: Bulkhead,
    classify: C,
}

impl<C> BulkheadGateLayer<C> {
    pub(crate) const fn new(bulkhead: Bulkhead, classify: C) -> Self {
        Self { bulkhead, classify }
    }

    /// The same layer for services whose error is to stay as it is.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, C: Clone> Layer<S> for BulkheadGateLayer<C> {
    type Service = BulkheadGate<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadGate::new(inner, self.bulkhead.clone(), self.classify.clone())
    }
}

/// A service that is not ready until it has a place: made by a [`BulkheadGateLayer`].
///
/// It waits in line for as long as it takes, however long the bulkhead's queue may be: whoever is not
/// ready is not a call yet. Nor does it shed: it has no request to ask for a priority.
///
/// Cloning shares the bulkhead; a clone has no place and is not ready.
///
/// # Panics
///
/// `call` panics where `poll_ready` did not say that it is ready.
pub struct BulkheadGate<S, C = ErrIsFailure> {
    inner: S,
    promise: Promise,
    classify: C,
    waits: Option<Acquire>,
}

/// What `poll_ready` promises: dropped, it gives the place back.
///
/// Less than a permit, which is larger than a register, and would be moved whole at each call.
struct Promise {
    bulkhead: Bulkhead,
    /// Whether there is a place for the next call.
    given: bool,
}

impl Promise {
    fn withdraw(&mut self) {
        if std::mem::take(&mut self.given) {
            drop(Permit::new(&self.bulkhead, 1, Nanos::ZERO));
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Withdraws a promise that an inner service which is not ready, or broken, or panics, does not let
/// come true.
struct Unless<'a> {
    promise: &'a mut Promise,
    ready: bool,
}

impl Drop for Unless<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.ready {
            self.promise.withdraw();
        }
    }
}

impl<S, C> BulkheadGate<S, C> {
    const fn new(inner: S, bulkhead: Bulkhead, classify: C) -> Self {
        Self { inner, promise: Promise { bulkhead, given: false }, classify, waits: None }
    }

    /// The bulkhead.
    pub const fn bulkhead(&self) -> &Bulkhead {
        &self.promise.bulkhead
    }

    seawall_core::inner_service!();
}

/// A clone has not been promised anything.
impl<S: Clone, C: Clone> Clone for BulkheadGate<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.bulkhead().clone(), self.classify.clone())
    }
}

impl<S, C, Request> Service<Request> for BulkheadGate<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.promise.given {
            return Poll::Ready(Ok(())); // what was promised stays true until the call
        }
        if self.waits.is_none() && self.promise.bulkhead.enter_unasked() {
            self.promise.given = true;
        } else {
            ready!(self.poll_place(cx));
        }
        let mut unless = Unless { promise: &mut self.promise, ready: false };
        let polled = self.inner.poll_ready(cx).map_err(Error::Inner);
        unless.ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        assert!(self.promise.given, "`poll_ready` must say `Ready` before each `call`");
        let bulkhead = self.promise.bulkhead.clone();
        let started = bulkhead.shared().begin();
        self.promise.given = false;
        let permit = Permit::new(bulkhead, 1, started);
        let classify = self.classify.clone();
        ResponseFuture::running(self.inner.call(request), permit, classify)
    }
}

impl<S, C> BulkheadGate<S, C> {
    /// Waits in line.
    #[inline(never)]
    fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waits =
            self.waits.get_or_insert_with(|| Acquire::patient(self.promise.bulkhead.clone()));
        let permit = ready!(Pin::new(waits).poll(cx));
        self.waits = None;
        if let Ok(permit) = permit {
            permit.hand_on();
            self.promise.given = true;
        }
        Poll::Ready(())
    }
}

impl<S: fmt::Debug, C: fmt::Debug> fmt::Debug for BulkheadGate<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadGate")
            .field("inner", &self.inner)
            .field("bulkhead", self.bulkhead())
            .field("classify", &self.classify)
            .field("has_place", &self.promise.given)
            .finish_non_exhaustive()
    }
}
