//! The other face: a service that is not ready while the circuit rejects.
//!
//! A balancer asks its members who is ready, and sends a call to one that is. A member that is ready
//! in order to reject would get most of the traffic, since it is always the fastest. So this face is
//! pending while the circuit rejects, and wakes when it is worth asking again.
//!
//! It promises readiness, so it takes its permit in `poll_ready` and keeps it until the call: a
//! member that is ready and not chosen holds one place among the probes. Don't put a buffer outside
//! it without something that sheds: calls would pile up while the circuit is open.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use seawall_core::{Classify, ErrIsFailure, Error, Flatten, marks};
use tower_layer::Layer;
use tower_service::Service;

use crate::{CircuitBreaker, Permit, future::ResponseFuture, machine::Refusal, service::unready};

/// Wraps services so that they are not ready while their circuit rejects: made by
/// [`CircuitBreakerLayer::pending_while_open`](crate::CircuitBreakerLayer::pending_while_open).
///
/// All services that it wraps share one circuit; a balancer's members want one layer each.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CircuitBreakerGateLayer<C = ErrIsFailure> {
    breaker: CircuitBreaker,
    classify: C,
}

impl<C> CircuitBreakerGateLayer<C> {
    pub(crate) const fn new(breaker: CircuitBreaker, classify: C) -> Self {
        Self { breaker, classify }
    }

    /// The same layer for services whose error is to stay as it is.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, C: Clone> Layer<S> for CircuitBreakerGateLayer<C> {
    type Service = CircuitBreakerGate<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakerGate::new(inner, self.breaker.clone(), self.classify.clone())
    }
}

/// A service that is not ready while its circuit rejects: made by a [`CircuitBreakerGateLayer`].
///
/// Cloning shares the circuit; a clone has no permit and is not ready.
///
/// # Panics
///
/// `call` panics where `poll_ready` did not say that it is ready. `poll_ready` panics where it has to
/// wait outside a tokio runtime with its time driver.
pub struct CircuitBreakerGate<S, C = ErrIsFailure> {
    inner: S,
    breaker: CircuitBreaker,
    classify: C,
    /// The promise that was given by `poll_ready`.
    permit: Option<Permit>,
    /// Allocated only while the circuit rejects.
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl<S, C> CircuitBreakerGate<S, C> {
    const fn new(inner: S, breaker: CircuitBreaker, classify: C) -> Self {
        Self { inner, breaker, classify, permit: None, waiting: None }
    }

    seawall_core::inner_service!();

    fn wait(&mut self, refusal: Refusal) {
        let breaker = self.breaker.clone();
        self.waiting = Some(Box::pin(async move { breaker.may_admit(refusal).await }));
    }
}

/// A clone has not been promised anything.
impl<S: Clone, C: Clone> Clone for CircuitBreakerGate<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.breaker.clone(), self.classify.clone())
    }
}

impl<S, C, Request> Service<Request> for CircuitBreakerGate<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        while self.permit.is_none() {
            if let Some(waiting) = &mut self.waiting {
                ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
            }
            if let Some(refusal) = self.breaker.rejects() {
                self.wait(refusal);
                continue;
            }
            let before = marks();
            if let Err(error) = ready!(self.inner.poll_ready(cx)) {
                let error = unready(&self.breaker, &self.classify, before, error);
                return Poll::Ready(Err(error));
            }
            match self.breaker.admit_owned() {
                Ok(permit) => self.permit = Some(permit),
                Err(refusal) => self.wait(refusal),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut permit =
            self.permit.take().expect("`poll_ready` must say `Ready` before each `call`");
        permit.start();
        ResponseFuture::running(self.inner.call(request), permit, self.classify.clone())
    }
}

impl<S: fmt::Debug, C: fmt::Debug> fmt::Debug for CircuitBreakerGate<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerGate")
            .field("inner", &self.inner)
            .field("breaker", &self.breaker)
            .field("classify", &self.classify)
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}
