//! The responses: the life of one call in its place, and of one that waits for it first.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{Classify, Error, Outcome, Rejection, marks, meaning};
use tower_service::Service;

use crate::{Acquire, Permit, acquire::Begun};

const TWICE: &str = "a response is not polled after it was ready";

pin_project! {
    /// The response of a call that took its place at once, or was refused.
    ///
    /// The place is given back as soon as the inner response is there; the future may be kept longer.
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
    #[inline]
    pub(crate) fn running(future: F, permit: Permit, classify: C) -> Self {
        Self { life: Life::Running { future, permit: Some(permit.of_call()), classify } }
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
        match self.project().life.project() {
            LifeProjection::Running { future, permit: slot, classify } => {
                assert!(slot.is_some(), "{TWICE}");
                let mut held = Held { slot, pending: false };
                let before = marks();
                match future.poll(cx) {
                    Poll::Pending => {
                        held.pending = true;
                        Poll::Pending
                    }
                    Poll::Ready(result) => {
                        held.record(meaning(classify, &result, before));
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

/// A permit in its slot, while the inner future is polled: dropped, it empties the slot, unless the
/// call goes on. So a panic frees the place, though the future is kept; and the permit, which is
/// larger than a register, stays where it is.
struct Held<'a> {
    slot: &'a mut Option<Permit>,
    pending: bool,
}

impl Held<'_> {
    #[inline]
    fn record(self, outcome: Outcome) {
        if let Some(permit) = &mut *self.slot {
            permit.tells(outcome);
        }
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.pending {
            *self.slot = None;
        }
    }
}

pin_project! {
    /// The response of a [`BulkheadService`](crate::BulkheadService): may wait for its place first, and
    /// then for the inner service.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; and where it has to wait for a limited time outside
    /// a tokio runtime with its time driver.
    #[must_use = "futures do nothing unless polled"]
    pub struct WaitingFuture<S: Service<Request>, Request, C> {
        #[pin]
        stage: Stage<S, Request, C, S::Future>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request, C, F> {
        Waits { place: Acquire, call: Option<(S, Request, C)> },
        Readies { permit: Option<Permit>, call: Option<(S, Request, C)> },
        Answers { #[pin] response: ResponseFuture<F, C> },
    }
}

impl<S: Service<Request>, Request, C> WaitingFuture<S, Request, C> {
    #[inline]
    pub(crate) fn running(future: S::Future, permit: Permit, classify: C) -> Self {
        Self::answering(ResponseFuture::running(future, permit, classify))
    }

    #[inline]
    pub(crate) fn rejected(rejection: Rejection) -> Self {
        Self::answering(ResponseFuture::rejected(rejection))
    }

    #[inline]
    fn answering(response: ResponseFuture<S::Future, C>) -> Self {
        Self { stage: Stage::Answers { response } }
    }

    #[cold]
    pub(crate) fn waiting(begun: Begun, service: S, request: Request, classify: C) -> Self {
        let call = Some((service, request, classify));
        let stage = match begun {
            Begun::Over(permit) => Stage::Readies { permit: Some(permit.of_call()), call },
            Begun::InLine(line) => Stage::Waits { place: Acquire::in_line(line), call },
        };
        Self { stage }
    }
}

impl<S, Request, C> Future for WaitingFuture<S, Request, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().stage.project() {
            StageProjection::Answers { response } => response.poll(cx),
            _ => self.wait(cx),
        }
    }
}

impl<S, Request, C> WaitingFuture<S, Request, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
{
    #[inline(never)]
    fn wait(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<S::Response, Error<S::Error>>> {
        loop {
            let mut stage = self.as_mut().project().stage;
            let next = match stage.as_mut().project() {
                StageProjection::Answers { response } => return response.poll(cx),
                StageProjection::Waits { place, call } => {
                    let permit = match ready!(Pin::new(place).poll(cx)) {
                        Ok(permit) => Some(permit.of_call()),
                        Err(rejection) => return Poll::Ready(Err(rejection.into())),
                    };
                    Stage::Readies { permit, call: call.take() }
                }
                StageProjection::Readies { permit: slot, call } => {
                    let permit = slot.take().expect(TWICE);
                    let (service, _, classify) = call.as_mut().expect(TWICE);
                    let before = marks();
                    match service.poll_ready(cx) {
                        Poll::Pending => {
                            *slot = Some(permit);
                            return Poll::Pending;
                        }
                        Poll::Ready(Err(error)) => {
                            let result = Err(error);
                            permit.record(meaning(classify, &result, before));
                            return Poll::Ready(result.map_err(Error::Inner));
                        }
                        Poll::Ready(Ok(())) => {}
                    }
                    let (mut service, request, classify) = call.take().expect(TWICE);
                    let future = service.call(request);
                    Stage::Answers { response: ResponseFuture::running(future, permit, classify) }
                }
            };
            stage.set(next);
        }
    }
}

impl<S: Service<Request>, Request, C> std::fmt::Debug for WaitingFuture<S, Request, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = match self.stage {
            Stage::Waits { .. } => "waits for its place",
            Stage::Readies { .. } => "waits for the inner service",
            Stage::Answers { .. } => "answers",
        };
        f.debug_struct("WaitingFuture").field("stage", &stage).finish_non_exhaustive()
    }
}
