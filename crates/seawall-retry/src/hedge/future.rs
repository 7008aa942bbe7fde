//! The response of a hedged call, and the attempts after its first.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Hedge,
    racing::{Another, Racing},
};
use crate::{Attempt, Decide, Replay, budget::Withdrawal};

pin_project! {
    /// The response of a [`HedgeService`](crate::HedgeService).
    ///
    /// The attempts that lose are dropped as soon as the answer is there; the future may be kept longer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; and where it has to wait outside a tokio runtime with
    /// its time driver.
    #[must_use = "futures do nothing unless polled"]
    pub struct HedgeFuture<S, Request, R, D>
    where
        S: Service<Request>,
        S: Clone,
        R: Replay<Request>,
    {
        #[pin]
        racing: Racing<S::Future, Spares<S, Request, R>, D, Hedge>,
    }
}

/// None where the request must not be made twice.
type Spares<S, Request, R> = Option<Spare<S, Request, R>>;

/// What the attempts after the first are made with.
pub(super) struct Spare<S, Request, R> {
    service: S,
    request: Request,
    replay: R,
}

impl<S: Clone, Request, R: Clone> Spare<S, Request, R> {
    #[inline]
    pub(super) fn new(copy: Option<Request>, service: &S, replay: &R) -> Option<Self> {
        let spare = |request| Self { service: service.clone(), request, replay: replay.clone() };
        copy.map(spare)
    }
}

impl<S, Request, R> Another for Spares<S, Request, R>
where
    S: Service<Request> + Clone,
    R: Replay<Request>,
{
    type Future = Extra<S, Request, S::Future>;

    fn another(&mut self, attempt: Attempt, paid: Withdrawal) -> Option<Self::Future> {
        let (service, request) = if attempt.is_last {
            let spare = self.take()?;
            (spare.service, spare.request)
        } else {
            let spare = self.as_ref()?;
            (spare.service.clone(), spare.replay.again(&spare.request)?)
        };
        Some(Extra::Readies { call: Some((service, request, paid)) })
    }
}

pin_project! {
    /// An attempt after the first. It is paid for when it is called: one that never gets ready costs
    /// nothing.
    #[project = ExtraProjection]
    pub(super) enum Extra<S, Request, F> {
        Readies { call: Option<(S, Request, Withdrawal)> },
        Answers { #[pin] response: F },
    }
}

impl<S: Service<Request>, Request> Future for Extra<S, Request, S::Future> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match self.as_mut().project() {
                ExtraProjection::Answers { response } => return response.poll(cx),
                ExtraProjection::Readies { call: slot } => {
                    let (service, ..) = slot.as_mut().expect("it is called once");
                    ready!(service.poll_ready(cx))?;
                    let (mut service, request, mut paid) = slot.take().expect("it was there");
                    paid.send();
                    service.call(request)
                }
            };
            self.set(Self::Answers { response });
        }
    }
}

impl<S: Service<Request> + Clone, Request, R: Replay<Request>, D> HedgeFuture<S, Request, R, D> {
    #[inline]
    pub(super) const fn new(racing: Racing<S::Future, Spares<S, Request, R>, D, Hedge>) -> Self {
        Self { racing }
    }
}

impl<S, Request, R, D> Future for HedgeFuture<S, Request, R, D>
where
    S: Service<Request> + Clone,
    R: Replay<Request>,
    D: Decide<S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().racing.poll(cx)
    }
}

impl<S: Service<Request> + Clone, Request, R: Replay<Request>, D> fmt::Debug
    for HedgeFuture<S, Request, R, D>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture").finish_non_exhaustive()
    }
}
