//! The response: the life of one call with all its attempts.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::Error;
use tower_service::Service;

use crate::{
    Attempt, Decide, Replay, Retry,
    course::Course,
    drive::{Drive, Make},
};

pin_project! {
    /// The response of a [`RetryService`](crate::RetryService).
    ///
    /// What the last attempt held is dropped as soon as its response is there; the future may be kept
    /// longer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; and where it has to wait, or an attempt's time is
    /// limited, outside a tokio runtime with its time driver.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S: Service<Request>, Request, D, P> {
        #[pin]
        drive: Drive<Retry, Attempts<S, Request, P>, D, S::Future, S::Error>,
    }
}

/// What makes the further attempts, where the request can be sent again.
struct Attempts<S, Request, P> {
    again: Option<(S, Request)>,
    replay: P,
}

impl<S: Service<Request>, Request, D, P> ResponseFuture<S, Request, D, P> {
    #[inline]
    pub(crate) fn new(
        retry: Retry,
        decide: D,
        replay: P,
        first: (Course, Attempt),
        future: S::Future,
        again: Option<(S, Request)>,
    ) -> Self {
        let attempts = Attempts { again, replay };
        Self { drive: Drive::running(retry, attempts, decide, first, future) }
    }
}

impl<S, Request, P> Make<S::Future, S::Error> for Attempts<S, Request, P>
where
    S: Service<Request>,
    P: Replay<Request>,
{
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match &mut self.again {
            Some((service, _)) => service.poll_ready(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn make(&mut self, attempt: Attempt, _: Option<&S::Error>) -> S::Future {
        let (mut service, request) = self.again.take().expect("what is not repeatable ended");
        let again = if attempt.is_last() { None } else { self.replay.again(&request) };
        let future = service.call(request);
        self.again = again.map(|again| (service, again));
        future
    }

    #[inline]
    fn is_repeatable(&self) -> bool {
        self.again.is_some()
    }

    #[inline]
    fn release(&mut self) {
        self.again = None;
    }
}

impl<S, Request, D, P> Future for ResponseFuture<S, Request, D, P>
where
    S: Service<Request>,
    D: Decide<S::Response, S::Error>,
    P: Replay<Request>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().drive.poll_or(cx, |_, _, last, _| last)
    }
}

impl<S: Service<Request>, Request, D, P> fmt::Debug for ResponseFuture<S, Request, D, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("phase", &self.drive.phase()).finish_non_exhaustive()
    }
}
