//! The future of a call: one machine for closures and for services.
//!
//! ```text
//!            ready                 a result: that is it
//!  Readies ----------> Runs  ------------------------------> Ended
//!     ^                  |
//!     |   time is up     |  a result, or too late: once more
//!     +----- Waits <-----+
//! ```
//!
//! The timer of an attempt is set when the attempt is first pending, and lives in the future, where the
//! wait's timer lives too: there is never need for both.

use std::{
    borrow::Borrow,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{Error, marks};
use tokio::time::{Sleep, sleep};

use crate::{
    Attempt, Decide, GaveUp, Retry, RetryError,
    course::{Course, Next},
};

const TWICE: &str = "a call is not polled after it was ready";

/// What makes the attempts of a call.
pub(crate) trait Make<F, E> {
    /// Gets ready for the next.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    /// Makes the next.
    fn make(&mut self, attempt: Attempt, previous: Option<&E>) -> F;

    /// Whether there can be a next.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// There will be none: what was kept for it can go.
    fn release(&mut self) {}
}

impl<F, E, C: FnMut(Attempt, Option<&E>) -> F> Make<F, E> for C {
    #[inline]
    fn make(&mut self, attempt: Attempt, previous: Option<&E>) -> F {
        self(attempt, previous)
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Readies,
    Runs,
    Waits,
    Ended,
}

pin_project! {
    /// A call with its attempts `F`, made by `M`, judged by `D`.
    #[project = DriveProjection]
    pub(crate) struct Drive<R, M, D, F, E> {
        retry: R,
        make: M,
        decide: D,
        course: Course,
        attempt: Attempt,
        previous: Option<E>,
        phase: Phase,
        #[pin]
        future: Option<F>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<R: Borrow<Retry>, M, D, F, E> Drive<R, M, D, F, E> {
    /// A call whose first attempt is made when it is polled.
    #[inline]
    pub(crate) fn new(retry: R, make: M, decide: D) -> Self {
        let mut course = retry.borrow().shared().begin();
        let attempt = retry.borrow().shared().attempt(&mut course);
        Self::at(retry, make, decide, course, attempt, Phase::Readies, None)
    }

    /// A call whose first attempt is on its way.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn running(
        retry: R,
        make: M,
        decide: D,
        (course, attempt): (Course, Attempt),
        future: F,
    ) -> Self {
        Self::at(retry, make, decide, course, attempt, Phase::Runs, Some(future))
    }

    #[inline]
    const fn at(
        retry: R,
        make: M,
        decide: D,
        course: Course,
        attempt: Attempt,
        phase: Phase,
        future: Option<F>,
    ) -> Self {
        Self { retry, make, decide, course, attempt, previous: None, phase, future, timer: None }
    }

    pub(crate) fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Readies => "gets ready",
            Phase::Runs => "makes an attempt",
            Phase::Waits => "waits for the next attempt",
            Phase::Ended => "ended",
        }
    }
}

impl<R, M, D, F, T, E> Future for Drive<R, M, D, F, E>
where
    R: Borrow<Retry>,
    M: Make<F, E>,
    D: Decide<T, E>,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, RetryError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let before = marks();
            let (result, refused) = match this.phase {
                Phase::Readies => match this.make.poll_ready(cx) {
                    Poll::Ready(Ok(())) => {
                        this.course.send();
                        let future = this.make.make(*this.attempt, this.previous.as_ref());
                        this.future.set(Some(future));
                        *this.phase = Phase::Runs;
                        continue;
                    }
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(this.end(Err(Error::Inner(error)), GaveUp::Final));
                    }
                    Poll::Pending => (Err(ready!(this.poll_late(cx))), false),
                },
                Phase::Runs => match this.future.as_mut().as_pin_mut().expect(TWICE).poll(cx) {
                    Poll::Ready(result) => (result.map_err(Error::Inner), marks() != before),
                    Poll::Pending => (Err(ready!(this.poll_late(cx))), false),
                },
                Phase::Waits => {
                    ready!(this.timer.as_mut().as_pin_mut().expect(TWICE).poll(cx));
                    this.timer.set(None);
                    this.begin();
                    continue;
                }
                Phase::Ended => panic!("{TWICE}"),
            };
            this.future.set(None); // what the attempt held is free, whatever comes
            let shared = (*this.retry).borrow().shared();
            let repeatable = this.make.is_repeatable();
            match shared.judge(this.course, this.decide, &result, refused, repeatable) {
                Next::End(why) => return Poll::Ready(this.end(result, why)),
                Next::Wait(wait) => {
                    *this.previous = result.err().and_then(Error::into_inner);
                    if wait.is_zero() {
                        this.timer.set(None);
                        this.begin();
                    } else {
                        this.timer.set(Some(sleep(wait)));
                        *this.phase = Phase::Waits;
                    }
                }
            }
        }
    }
}

impl<R: Borrow<Retry>, M, D, F, E> DriveProjection<'_, R, M, D, F, E> {
    /// The next attempt begins.
    fn begin(&mut self) {
        *self.attempt = (*self.retry).borrow().shared().attempt(self.course);
        *self.phase = Phase::Readies;
    }

    /// Ready with what to say when the attempt, which is pending, has taken too long.
    fn poll_late<I>(&mut self, cx: &mut Context<'_>) -> Poll<Error<I>> {
        let shared = (*self.retry).borrow().shared();
        if self.timer.is_none() {
            match shared.time_for(*self.attempt) {
                Some(time) => self.timer.set(Some(sleep(time))),
                None => return Poll::Pending,
            }
        }
        if let Some(timer) = self.timer.as_mut().as_pin_mut() {
            ready!(timer.poll(cx));
        }
        Poll::Ready(shared.timed_out().into())
    }

    /// The call is over: what was kept for another attempt is dropped now, and not with the future.
    #[inline]
    fn end<T>(&mut self, result: Result<T, Error<E>>, why: GaveUp) -> Result<T, RetryError<E>>
    where
        M: Make<F, E>,
    {
        *self.phase = Phase::Ended;
        self.timer.set(None);
        self.make.release();
        (*self.retry).borrow().shared().end(self.course, result, why)
    }
}
