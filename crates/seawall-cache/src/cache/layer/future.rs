//! The response: known at once, of a load, or of a call that passed by.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::Error;
use tower_service::Service;

use crate::{LoadError, cache::shared::Answer, coalesce::Inner};

const TWICE: &str = "a response is not polled after it was ready";

/// Boxed: a load costs more than that, and may go on in another task.
type Load<S, Request> = Pin<
    Box<
        dyn Future<
                Output = Answer<<S as Service<Request>>::Response, <S as Service<Request>>::Error>,
            > + Send,
    >,
>;

pin_project! {
    /// The response of a [`CacheService`](crate::CacheService).
    ///
    /// Dropped while others wait for the same, it leaves the call to one of them, who makes it anew.
    ///
    /// # Panics
    ///
    /// When the inner service does, if it is this call that polls it; and when it is polled again after
    /// it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S: Service<Request>, Request> {
        #[pin]
        life: Life<S, Request, S::Response, S::Error>,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<S: Service<Request>, Request, R, E> {
        Known { answer: Option<Answer<R, E>> },
        Loads { load: Load<S, Request> },
        Passes { #[pin] inner: Inner<S, Request> },
        Over,
    }
}

impl<S: Service<Request>, Request> ResponseFuture<S, Request> {
    pub(super) const fn known(answer: Answer<S::Response, S::Error>) -> Self {
        Self { life: Life::Known { answer: Some(answer) } }
    }

    pub(super) fn loading(
        load: impl Future<Output = Answer<S::Response, S::Error>> + Send + 'static,
    ) -> Self {
        Self { life: Life::Loads { load: Box::pin(load) } }
    }

    pub(super) const fn passing(inner: Inner<S, Request>) -> Self {
        Self { life: Life::Passes { inner } }
    }
}

impl<S: Service<Request>, Request> Future for ResponseFuture<S, Request> {
    type Output = Answer<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut life = self.project().life;
        let polled = match life.as_mut().project() {
            LifeProjection::Known { answer } => {
                return Poll::Ready(match answer.take().expect(TWICE) {
                    Err(Error::Rejected(refused)) => Err(refused.into()), // marks who polls
                    answer => answer,
                });
            }
            LifeProjection::Loads { load } => load.as_mut().poll(cx),
            LifeProjection::Passes { inner } => {
                inner.poll(cx).map_err(|error| Error::Inner(LoadError::failed(error)))
            }
            LifeProjection::Over => panic!("{TWICE}"),
        };
        if polled.is_ready() {
            life.set(Life::Over); // what the call held is given back now
        }
        polled
    }
}

impl<S: Service<Request>, Request> fmt::Debug for ResponseFuture<S, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = match self.life {
            Life::Known { .. } => "known",
            Life::Loads { .. } => "loads",
            Life::Passes { .. } => "passes by",
            Life::Over => "over",
        };
        f.debug_struct("ResponseFuture").field("life", &life).finish_non_exhaustive()
    }
}
