//! The response: shared with others, of a call that passed by, or none.

use std::{
    fmt,
    hash::Hash,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::Error;
use tower_service::Service;

use super::inner::Inner;
use crate::{LoadError, flight::Course};

const TWICE: &str = "a response is not polled after it was ready";

/// A call of which others may get the response too.
type Shared<S, Request, K> = Course<
    K,
    <S as Service<Request>>::Response,
    <S as Service<Request>>::Error,
    (S, Request),
    Inner<S, Request>,
>;

pin_project! {
    /// The response of a [`CoalesceService`](crate::CoalesceService).
    ///
    /// Dropped while others wait for the same, it leaves the call to one of them, who makes it anew.
    ///
    /// # Panics
    ///
    /// When the inner service does, if it is this call that polls it; and when it is polled again after
    /// it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S: Service<Request>, Request, K> {
        #[pin]
        life: Life<S, Request, K, S::Error>,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<S: Service<Request>, Request, K, E> {
        Shares { #[pin] course: Shared<S, Request, K> },
        Passes { #[pin] inner: Inner<S, Request> },
        Failed { error: Option<Error<LoadError<E>>> },
    }
}

impl<S: Service<Request>, Request, K> ResponseFuture<S, Request, K> {
    pub(super) const fn sharing(course: Shared<S, Request, K>) -> Self {
        Self { life: Life::Shares { course } }
    }

    pub(super) const fn passing(inner: Inner<S, Request>) -> Self {
        Self { life: Life::Passes { inner } }
    }

    pub(super) const fn failed(error: Error<LoadError<S::Error>>) -> Self {
        Self { life: Life::Failed { error: Some(error) } }
    }
}

impl<S, Request, K> Future for ResponseFuture<S, Request, K>
where
    S: Service<Request>,
    S::Response: Clone,
    K: Hash + Eq + Clone,
{
    type Output = Result<S::Response, Error<LoadError<S::Error>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().life.project() {
            LifeProjection::Shares { course } => course.poll_by(cx, Inner::unready),
            LifeProjection::Passes { inner } => {
                inner.poll(cx).map_err(|error| Error::Inner(LoadError::failed(error)))
            }
            LifeProjection::Failed { error } => {
                Poll::Ready(Err(match error.take().expect(TWICE) {
                    Error::Rejected(refused) => refused.into(), // marks the thread that polls
                    error @ Error::Inner(_) => error,
                }))
            }
        }
    }
}

impl<S: Service<Request>, Request, K> fmt::Debug for ResponseFuture<S, Request, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = match self.life {
            Life::Shares { .. } => "shares",
            Life::Passes { .. } => "passes by",
            Life::Failed { .. } => "failed",
        };
        f.debug_struct("ResponseFuture").field("life", &life).finish_non_exhaustive()
    }
}
