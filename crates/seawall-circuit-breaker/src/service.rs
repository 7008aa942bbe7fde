//! The service: rejects at once while the circuit is open.

use std::task::{Context, Poll};

use seawall_core::{Classify, Error, marks, meaning};
use tower_service::Service;

use crate::{CircuitBreaker, ErrIsFailure, future::ResponseFuture, machine::Refusal};

/// A service whose calls go through a [`CircuitBreaker`]: made by a
/// [`CircuitBreakerLayer`](crate::CircuitBreakerLayer).
///
/// While the circuit rejects for certain, it is ready without asking the inner service, which may be
/// stuck, and the call's future ends at once in [`Error::Rejected`]. The call is let in when it is
/// made and not before: a service that is ready and never called holds nothing.
///
/// Cloning shares the circuit.
#[derive(Debug)]
pub struct CircuitBreakerService<S, C = ErrIsFailure> {
    inner: S,
    breaker: CircuitBreaker,
    classify: C,
    readiness: Readiness,
}

/// What `poll_ready` found, kept until `call`.
#[derive(Clone, Copy, Debug)]
enum Readiness {
    /// It was not asked.
    Unknown,
    /// The inner service is ready.
    Inner,
    /// The circuit rejects; the inner service was not asked, and must not be called.
    Rejects(Refusal),
}

impl<S, C> CircuitBreakerService<S, C> {
    /// A service that calls `inner` through `breaker`.
    pub const fn new(inner: S, breaker: CircuitBreaker, classify: C) -> Self {
        Self { inner, breaker, classify, readiness: Readiness::Unknown }
    }

    /// The breaker.
    pub const fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    seawall_core::inner_service!();
}

/// A clone was not polled: it must not take the readiness of the original's inner service for its
/// own.
impl<S: Clone, C: Clone> Clone for CircuitBreakerService<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.breaker.clone(), self.classify.clone())
    }
}

impl<S, C, Request> Service<Request> for CircuitBreakerService<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if let Readiness::Rejects(_) = self.readiness {
            return Poll::Ready(Ok(())); // what was promised stays true until the call
        }
        if let Some(refusal) = self.breaker.rejects() {
            self.readiness = Readiness::Rejects(refusal);
            return Poll::Ready(Ok(()));
        }
        let before = marks();
        match self.inner.poll_ready(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => {
                self.readiness = Readiness::Inner;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                Poll::Ready(Err(unready(&self.breaker, &self.classify, before, error)))
            }
        }
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        match std::mem::replace(&mut self.readiness, Readiness::Unknown) {
            Readiness::Rejects(refusal) => {
                self.breaker.count_rejection();
                ResponseFuture::rejected(self.breaker.rejection(refusal))
            }
            Readiness::Unknown | Readiness::Inner => match self.breaker.try_acquire_owned() {
                Ok(permit) => {
                    ResponseFuture::running(self.inner.call(request), permit, self.classify.clone())
                }
                Err(rejection) => ResponseFuture::rejected(rejection),
            },
        }
    }
}

/// Counts an inner service that cannot even get ready, as the call that it would have been.
pub(crate) fn unready<T, E>(
    breaker: &CircuitBreaker,
    classify: &impl Classify<T, E>,
    marks_before: u32,
    error: E,
) -> Error<E> {
    let result: Result<T, E> = Err(error);
    if let Ok(permit) = breaker.try_acquire() {
        permit.record(meaning(classify, &result, marks_before));
    }
    match result {
        Err(error) => Error::Inner(error),
        Ok(_) => unreachable!("it was made from an error"),
    }
}
