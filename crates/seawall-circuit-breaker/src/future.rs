//! The response: the life of one call through a circuit.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::{Classify, Error, Rejection, marks, meaning};

use crate::Permit;

pin_project! {
    /// The response of a [`CircuitBreakerService`](crate::CircuitBreakerService).
    ///
    /// The outcome is reported as soon as the inner response is there; the future may be kept
    /// longer. Dropped before that, the call counts as cancelled.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, C> {
        #[pin]
        life: Life<F, C>,
    }
}

pin_project! {
    #[project = LifeProjection]
    #[derive(Debug)]
    enum Life<F, C> {
        Running { #[pin] future: F, permit: Option<Permit>, classify: C },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(crate) const fn running(future: F, permit: Permit, classify: C) -> Self {
        Self { life: Life::Running { future, permit: Some(permit), classify } }
    }

    pub(crate) const fn rejected(rejection: Rejection) -> Self {
        Self { life: Life::Rejected { rejection: Some(rejection) } }
    }
}

impl<F, C, T, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<T, E>>,
    C: Classify<T, E>,
{
    type Output = Result<T, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const TWICE: &str = "a response is not polled after it was ready";
        match self.project().life.project() {
            LifeProjection::Running { future, permit: slot, classify } => {
                // Out of its slot while the inner future runs: if that panics, the permit is dropped
                // by the unwinding, and knows a panic from a cancelled call.
                let permit = slot.take().expect(TWICE);
                let before = marks();
                match future.poll(cx) {
                    Poll::Pending => {
                        *slot = Some(permit);
                        Poll::Pending
                    }
                    Poll::Ready(result) => {
                        permit.record(meaning(classify, &result, before));
                        Poll::Ready(result.map_err(Error::Inner))
                    }
                }
            }
            LifeProjection::Rejected { rejection } => {
                Poll::Ready(Err(rejection.take().expect(TWICE).into()))
            }
        }
    }
}
