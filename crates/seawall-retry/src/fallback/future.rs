//! The response: the life of one call, and of what it falls back to.
//!
//! ```text
//!  Running ── Ok, or an error that is not asked for ──▶ Over
//!     └────── an error that is ──▶ Falling ───────────▶ Over
//! ```

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::{Falls, Recovers, service::Policy};

pin_project! {
    /// The response of a [`FallbackService`](crate::FallbackService).
    ///
    /// What the call holds is let go before it falls back, and what that holds as soon as it is ready.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, W, R, K, I> {
        #[pin]
        life: Life<F, W, R, K, I>,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<F, W, R, K, I> {
        Running { #[pin] future: F, kept: Option<(Arc<Policy<W, R>>, K)> },
        Falling { #[pin] instead: I, policy: Arc<Policy<W, R>> },
        Over,
    }
}

const TWICE: &str = "a response is not polled after it was ready";

impl<F, W, R, K, I> ResponseFuture<F, W, R, K, I> {
    #[inline]
    pub(super) const fn running(future: F, policy: Arc<Policy<W, R>>, kept: K) -> Self {
        Self { life: Life::Running { future, kept: Some((policy, kept)) } }
    }
}

impl<F, W, R, K, T, E> Future for ResponseFuture<F, W, R, K, R::Future>
where
    F: Future<Output = Result<T, E>>,
    W: Falls<E>,
    R: Recovers<K, T, E>,
    E: fmt::Debug,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut life = self.project().life;
        loop {
            let next = match life.as_mut().project() {
                LifeProjection::Running { future, kept } => match ready!(future.poll(cx)) {
                    Ok(response) => {
                        life.set(Life::Over);
                        return Poll::Ready(Ok(response));
                    }
                    Err(error) => {
                        let (policy, kept) = kept.take().expect(TWICE);
                        life.set(Life::Over); // before the user's closures, which may panic
                        if !policy.fallback.falls(&policy.when, R::TO, &error) {
                            return Poll::Ready(Err(error));
                        }
                        Life::Falling { instead: policy.recover.recover(kept, error), policy }
                    }
                },
                LifeProjection::Falling { instead, policy } => {
                    let result = ready!(instead.poll(cx));
                    if let Err(error) = &result {
                        policy.fallback.failed(R::TO, error);
                    }
                    life.set(Life::Over);
                    return Poll::Ready(result);
                }
                LifeProjection::Over => panic!("{TWICE}"),
            };
            life.set(next);
        }
    }
}

impl<F, W, R, K, I> fmt::Debug for ResponseFuture<F, W, R, K, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = match self.life {
            Life::Running { .. } => "running",
            Life::Falling { .. } => "falling",
            Life::Over => "over",
        };
        f.debug_struct("ResponseFuture").field("life", &life).finish_non_exhaustive()
    }
}
