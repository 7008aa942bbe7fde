//! The service: times its calls, and makes none whose deadline has passed.

use std::{
    fmt,
    task::{Context, Poll},
};

use seawall_core::{Error, Reason};
use tower_service::Service;

use super::{ResponseFuture, SetTime, Timeout, Times, is_late};

/// A service whose calls end when their time is over: made by a
/// [`TimeoutLayer`](crate::TimeoutLayer).
///
/// Cloning shares the timeout.
///
/// # Readiness
///
/// It is ready when the inner service is, and once the caller's deadline has passed: then it refuses the
/// call. The time that is set does not cover the wait for readiness, of which no request is known yet;
/// to end that as well, time both in one: `timeout.call(|| service.oneshot(request))`.
pub struct TimeoutService<S, T = SetTime> {
    inner: S,
    timeout: Timeout,
    times: T,
    /// The deadline had passed: the inner service was not asked, and must not be called.
    refuses: bool,
}

impl<S, T> TimeoutService<S, T> {
    pub(super) const fn new(inner: S, timeout: Timeout, times: T) -> Self {
        Self { inner, timeout, times, refuses: false }
    }

    /// The timeout.
    pub const fn timeout(&self) -> &Timeout {
        &self.timeout
    }

    seawall_core::inner_service!();
}

/// A clone was not polled, and refuses nothing yet.
impl<S: Clone, T: Clone> Clone for TimeoutService<S, T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.timeout.clone(), self.times.clone())
    }
}

impl<S, T, Request> Service<Request> for TimeoutService<S, T>
where
    S: Service<Request>,
    T: Times<Request>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.refuses = self.refuses || is_late();
        if self.refuses {
            return Poll::Ready(Ok(())); // what was promised stays true until the call
        }
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let time = self.times.time(&request).or_else(|| self.timeout.time());
        let no_time = time.is_some_and(|time| time.is_zero());
        if std::mem::take(&mut self.refuses) || no_time || is_late() {
            return ResponseFuture::rejected(self.timeout.rejection(Reason::DeadlineExceeded));
        }
        ResponseFuture::running(self.inner.call(request), self.timeout.clone(), time)
    }
}

impl<S: fmt::Debug, T> fmt::Debug for TimeoutService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutService")
            .field("inner", &self.inner)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
