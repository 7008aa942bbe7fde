//! The responses: the life of a call that was let in or refused at once, and of one that waits first.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{Error, Rejection};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::Reservation;

const TWICE: &str = "a response is not polled after it was ready";

pin_project! {
    /// The response of a call that was let in at once, or refused.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        life: Life<F>,
    }
}

pin_project! {
    #[project = LifeProjection]
    #[derive(Debug)]
    enum Life<F> {
        Running { #[pin] future: F },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(crate) const fn running(future: F) -> Self {
        Self { life: Life::Running { future } }
    }

    pub(crate) const fn rejected(rejection: Rejection) -> Self {
        Self { life: Life::Rejected { rejection: Some(rejection) } }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().life.project() {
            LifeProjection::Running { future } => future.poll(cx).map_err(Error::Inner),
            LifeProjection::Rejected { rejection } => {
                Poll::Ready(Err(rejection.take().expect(TWICE).into()))
            }
        }
    }
}

pin_project! {
    /// The response of a call that may wait: for its turn, and then for the inner service.
    ///
    /// Dropped before the inner service was called, it gives its turn back.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; and where it has to wait for its turn outside a tokio
    /// runtime with its time driver.
    #[must_use = "futures do nothing unless polled"]
    pub struct WaitingFuture<S: Service<Request>, Request> {
        #[pin]
        stage: Stage<S, Request, S::Future>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request, F> {
        Waits { over: Option<Pin<Box<Sleep>>>, call: Option<Call<S, Request>> },
        Readies { call: Option<Call<S, Request>> },
        Answers { #[pin] response: ResponseFuture<F> },
    }
}

/// What is to be called when its turn has come.
struct Call<S, Request> {
    turn: Reservation,
    service: S,
    request: Request,
}

impl<S: Service<Request>, Request> WaitingFuture<S, Request> {
    #[inline]
    pub(crate) fn running(future: S::Future) -> Self {
        Self { stage: Stage::Answers { response: ResponseFuture::running(future) } }
    }

    pub(crate) fn rejected(rejection: Rejection) -> Self {
        Self { stage: Stage::Answers { response: ResponseFuture::rejected(rejection) } }
    }

    #[cold]
    pub(crate) fn waiting(turn: Reservation, service: S, request: Request) -> Self {
        Self { stage: Stage::Waits { over: None, call: Some(Call { turn, service, request }) } }
    }
}

impl<S: Service<Request>, Request> Future for WaitingFuture<S, Request> {
    type Output = Result<S::Response, Error<S::Error>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().stage.project() {
            StageProjection::Answers { response } => response.poll(cx),
            _ => self.wait(cx),
        }
    }
}

impl<S: Service<Request>, Request> WaitingFuture<S, Request> {
    #[inline(never)]
    fn wait(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<S::Response, Error<S::Error>>> {
        loop {
            let mut stage = self.as_mut().project().stage;
            let next = match stage.as_mut().project() {
                StageProjection::Answers { response } => return response.poll(cx),
                StageProjection::Waits { over, call } => {
                    let wait = call.as_ref().expect(TWICE).turn.ready_in();
                    if over.is_some() || !wait.is_zero() {
                        ready!(over.get_or_insert_with(|| Box::pin(sleep(wait))).as_mut().poll(cx));
                    }
                    Stage::Readies { call: call.take() }
                }
                StageProjection::Readies { call: slot } => {
                    // Out of its slot while the service is polled: where that panics or fails, the turn
                    // goes back at once.
                    let mut call = slot.take().expect(TWICE);
                    match call.service.poll_ready(cx) {
                        Poll::Pending => {
                            *slot = Some(call);
                            return Poll::Pending;
                        }
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(Error::Inner(error))),
                        Poll::Ready(Ok(())) => {}
                    }
                    call.turn.commit();
                    let response = ResponseFuture::running(call.service.call(call.request));
                    Stage::Answers { response }
                }
            };
            stage.set(next);
        }
    }
}

impl<S: Service<Request>, Request> fmt::Debug for WaitingFuture<S, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Waits { .. } => "waits for its turn",
            Stage::Readies { .. } => "waits for the inner service",
            Stage::Answers { .. } => "answers",
        };
        f.debug_struct("WaitingFuture").field("stage", &stage).finish_non_exhaustive()
    }
}
