//! The response: the life of one call and of its timer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::{Error, Rejection, marks};
use tokio::time::{Sleep, sleep};

use super::{Timeout, allowance::Allowance};

const TWICE: &str = "a response is not polled after it was ready";

pin_project! {
    /// The response of a call that ends when its time is over.
    ///
    /// The timer is armed when the call is pending for the first time, and taken back, with all that the
    /// call holds, as soon as the response is ready; the future may be kept longer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; and where it has to wait outside a tokio runtime with
    /// its time driver.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        life: Life<F>,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<F> {
        Running { #[pin] future: F, #[pin] timer: Option<Sleep>, allowance: Allowance },
        Over { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(super) const fn running(future: F, timeout: Timeout, time: Option<Duration>) -> Self {
        let allowance = Allowance::new(timeout, time);
        Self { life: Life::Running { future, timer: None, allowance } }
    }

    #[cfg(feature = "tower")]
    pub(super) const fn rejected(rejection: Rejection) -> Self {
        Self { life: Life::Over { rejection: Some(rejection) } }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut life = self.project().life;
        let rejection = match life.as_mut().project() {
            LifeProjection::Running { future, timer, allowance } => {
                match ready!(poll(future, timer, allowance, cx)) {
                    // Handed on as it came: as a part of another result, written in parts and read back
                    // whole, it would cost as much as all else here.
                    Ok(Ok(answer)) => {
                        life.set(Life::Over { rejection: None });
                        return Poll::Ready(Ok(answer));
                    }
                    Ok(Err(error)) => {
                        life.set(Life::Over { rejection: None });
                        return Poll::Ready(Err(Error::Inner(error)));
                    }
                    Err(rejection) => rejection,
                }
            }
            LifeProjection::Over { rejection } => rejection.take().expect(TWICE),
        };
        life.set(Life::Over { rejection: None });
        Poll::Ready(Err(rejection.into()))
    }
}

/// Ready with what the call says, or with why it is over.
#[inline]
fn poll<F, T, E>(
    future: Pin<&mut F>,
    mut timer: Pin<&mut Option<Sleep>>,
    allowance: &mut Allowance,
    cx: &mut Context<'_>,
) -> Poll<Result<Result<T, E>, Rejection>>
where
    F: Future<Output = Result<T, E>>,
{
    allowance.begin()?;
    // The timer first: an inner future that uses up the task's budget at each poll would starve it.
    // The answer counts first: it is there, whatever the time is.
    let rings = |timer: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>| {
        timer.as_pin_mut().is_some_and(|timer| timer.poll(cx).is_ready())
    };
    let mut over = rings(timer.as_mut(), cx);
    let before = marks();
    if let Poll::Ready(result) = allowance.run(|| future.poll(cx)) {
        let refused = result.is_err() && marks() != before;
        if refused && allowance.has_run_out() {
            // A wait further in gave up for the time that it was given here: that says whose it was.
            return Poll::Ready(Err(allowance.over()));
        }
        return Poll::Ready(Ok(result));
    }
    if timer.is_none()
        && let Some(left) = allowance.left()
    {
        timer.set(Some(sleep(left)));
        over = rings(timer, cx);
    }
    if over { Poll::Ready(Err(allowance.over())) } else { Poll::Pending }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ResponseFuture");
        match &self.life {
            Life::Running { allowance, .. } => debug.field("running", allowance),
            Life::Over { rejection } => debug.field("over", rejection),
        };
        debug.finish_non_exhaustive()
    }
}
