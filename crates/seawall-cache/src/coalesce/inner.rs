//! One call of the inner service: waits for its readiness, if need be.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    #[project = InnerProjection]
    pub(crate) enum Inner<S: Service<Request>, Request> {
        Readies { call: Option<(S, Request)> },
        Calls { #[pin] future: S::Future },
    }
}

impl<S: Service<Request>, Request> Inner<S, Request> {
    const fn called(future: S::Future) -> Self {
        Self::Calls { future }
    }

    pub(crate) const fn unready(call: (S, Request)) -> Self {
        Self::Readies { call: Some(call) }
    }
}

impl<S: Service<Request> + Clone, Request> Inner<S, Request> {
    /// Calls `service`, if it `is_ready`, or a clone of it as soon as that is.
    pub(crate) fn begin(service: &mut S, is_ready: &mut bool, request: Request) -> Self {
        if std::mem::take(is_ready) {
            Self::called(service.call(request))
        } else {
            Self::unready((service.clone(), request))
        }
    }

    /// `service` and `request` for a call that waits for something else before.
    pub(crate) fn postpone(service: &mut S, is_ready: &mut bool, request: Request) -> (S, Request) {
        if std::mem::take(is_ready) {
            // What the service had made ready is not needed now: another call may have it.
            *service = service.clone();
        }
        (service.clone(), request)
    }
}

impl<S: Service<Request>, Request> Future for Inner<S, Request> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                InnerProjection::Calls { future } => return future.poll(cx),
                InnerProjection::Readies { call } => {
                    let (service, _) = call.as_mut().expect("called once");
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        return Poll::Ready(Err(error));
                    }
                    let (mut service, request) = call.take().expect("called once");
                    service.call(request)
                }
            };
            self.set(Self::Calls { future });
        }
    }
}
