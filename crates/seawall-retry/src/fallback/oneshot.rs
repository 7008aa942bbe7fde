//! One call of the service that is fallen back to: readiness first.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The answer of the service that a call fell back to.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct Oneshot<S, Request, F, E> {
        #[pin]
        stage: Stage<S, Request, F>,
        error: PhantomData<fn() -> E>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request, F> {
        Readies { call: Option<(S, Request)> },
        Answers { #[pin] future: F },
    }
}

impl<S, Request, F, E> Oneshot<S, Request, F, E> {
    pub(super) const fn new(service: S, request: Request) -> Self {
        let call = Some((service, request));
        Self { stage: Stage::Readies { call }, error: PhantomData }
    }
}

impl<S, Request, E> Future for Oneshot<S, Request, S::Future, E>
where
    S: Service<Request>,
    S::Error: Into<E>,
{
    type Output = Result<S::Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const TWICE: &str = "a response is not polled after it was ready";
        let mut stage = self.project().stage;
        loop {
            let future = match stage.as_mut().project() {
                StageProjection::Answers { future } => return future.poll(cx).map_err(Into::into),
                StageProjection::Readies { call } => {
                    ready!(call.as_mut().expect(TWICE).0.poll_ready(cx)).map_err(Into::into)?;
                    let (mut service, request) = call.take().expect(TWICE);
                    service.call(request)
                }
            };
            stage.set(Stage::Answers { future });
        }
    }
}

impl<S, Request, F, E> fmt::Debug for Oneshot<S, Request, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Readies { .. } => "readies",
            Stage::Answers { .. } => "answers",
        };
        f.debug_struct("Oneshot").field("stage", &stage).finish_non_exhaustive()
    }
}
