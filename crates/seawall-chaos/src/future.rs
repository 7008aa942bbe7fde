//! The response of a service under chaos: the life of one call.
//!
//! ```text
//!  not struck ──────────────────────────────────▶ Running ──▶ the service's answer
//!                                                    ▲
//!  struck ──▶ Struck ── goes on ──▶ Readying ── ready ┘
//!               └────── is to fail ──▶ Done, with what `fail_with` makes of it
//! ```

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tower_service::Service;

use crate::{Pass, layer::Fail};

pin_project_lite::pin_project! {
    /// The response of a [`ChaosService`](crate::ChaosService).
    ///
    /// # Panics
    ///
    /// Where the plan says so. Where there is a latency to wait for and no tokio runtime with time.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Request, F>
    where
        S: Service<Request>,
    {
        #[pin]
        life: Life<S, Request, S::Future, F>,
    }
}

pin_project_lite::pin_project! {
    #[project = Stage]
    enum Life<S, Request, Future, F> {
        Struck {
            #[pin]
            pass: Pass,
            kept: Option<(S, Request, F)>,
        },
        Readying {
            service: S,
            request: Option<Request>,
        },
        Running {
            #[pin]
            future: Future,
        },
        Done,
    }
}

impl<S: Service<Request>, Request, F> ResponseFuture<S, Request, F> {
    #[inline]
    pub(crate) const fn running(future: S::Future) -> Self {
        let life = Life::Running { future };
        Self { life }
    }

    pub(crate) const fn struck(pass: Pass, service: S, request: Request, fail: F) -> Self {
        let kept = Some((service, request, fail));
        Self { life: Life::Struck { pass, kept } }
    }
}

const TWICE: &str = "a response is polled once to its end";

impl<S, Request, F> Future for ResponseFuture<S, Request, F>
where
    S: Service<Request>,
    F: Fail<S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut life = self.project().life;
        loop {
            let next = match life.as_mut().project() {
                Stage::Running { future } => return future.poll(cx),
                Stage::Struck { pass, kept } => {
                    let end = ready!(pass.poll(cx));
                    let (service, request, fail) = kept.take().expect(TWICE);
                    if let Err(injected) = end {
                        // Before `fail`, which is a user's and may panic.
                        life.set(Life::Done);
                        drop((service, request));
                        return Poll::Ready(fail.fail(injected));
                    }
                    let request = Some(request);
                    Life::Readying { service, request }
                }
                Stage::Readying { service, request } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        life.set(Life::Done);
                        return Poll::Ready(Err(error));
                    }
                    let future = service.call(request.take().expect(TWICE));
                    Life::Running { future }
                }
                Stage::Done => panic!("{TWICE}"),
            };
            life.set(next);
        }
    }
}

impl<S: Service<Request>, Request, F> fmt::Debug for ResponseFuture<S, Request, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.life {
            Life::Struck { .. } => "Struck",
            Life::Readying { .. } => "Readying",
            Life::Running { .. } => "Running",
            Life::Done => "Done",
        };
        f.debug_tuple("ResponseFuture").field(&stage).finish()
    }
}
