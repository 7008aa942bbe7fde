//! The response: the life of one call through a split.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The response of a [`SplitService`](super::SplitService).
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S: Service<Request>, Request> {
        #[pin]
        life: Life<S, S::Future, Request>,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<S, F, Request> {
        /// The part's clone is not ready yet.
        Waiting { service: S, request: Option<Request> },
        Running { #[pin] future: F },
    }
}

impl<S: Service<Request>, Request> ResponseFuture<S, Request> {
    pub(crate) const fn new(service: S, request: Request) -> Self {
        Self { life: Life::Waiting { service, request: Some(request) } }
    }
}

impl<S: Service<Request>, Request> Future for ResponseFuture<S, Request> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.life.as_mut().project() {
                LifeProjection::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let request =
                        request.take().expect("a response is not polled after it was ready");
                    let future = service.call(request);
                    this.life.set(Life::Running { future });
                }
                LifeProjection::Running { future } => return future.poll(cx),
            }
        }
    }
}

impl<S: Service<Request>, Request> fmt::Debug for ResponseFuture<S, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
