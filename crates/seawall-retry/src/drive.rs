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
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::{Error, marks};
use tokio::time::{Sleep, sleep};

use crate::{
    Attempt, Decide, Decision, GaveUp, Retry, RetryError,
    course::{Attempted, Course, Next},
    shared::Shared,
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

/// The last attempt's error, and why there is no other attempt.
type End<E> = (Error<E>, GaveUp);

/// Where a call stands that makes no attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Readies,
    Waits,
    Ended,
}

pin_project! {
    /// A call with its attempts `F`, made by `M`, judged by `D`.
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
        Self::at(retry, make, decide, course, attempt, None)
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
        Self::at(retry, make, decide, course, attempt, Some(future))
    }

    #[inline]
    const fn at(
        retry: R,
        make: M,
        decide: D,
        course: Course,
        attempt: Attempt,
        future: Option<F>,
    ) -> Self {
        let phase = Phase::Readies;
        Self { retry, make, decide, course, attempt, previous: None, phase, future, timer: None }
    }

    pub(crate) fn phase(&self) -> &'static str {
        match self.phase {
            _ if self.future.is_some() => "makes an attempt",
            Phase::Readies => "gets ready",
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
        self.poll_or(cx, Shared::error)
    }
}

impl<R: Borrow<Retry>, M: Make<F, E>, D, F, E> Drive<R, M, D, F, E> {
    /// Polls the call; where it fails, `error` makes of the last attempt's error what it fails with.
    ///
    /// What does well goes straight through, and its answer is handed on as it came: as a part of another
    /// result, written in parts and read back whole, it would cost more than all else here.
    #[inline]
    pub(crate) fn poll_or<T, X>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        error: impl FnOnce(&Shared, &mut Course, Error<E>, GaveUp) -> X,
    ) -> Poll<Result<T, X>>
    where
        D: Decide<T, E>,
        F: Future<Output = Result<T, E>>,
    {
        let (last, why) = loop {
            let before = marks();
            let mut this = self.as_mut().project();
            let end = match this.future.as_mut().as_pin_mut().map(|future| future.poll(cx)) {
                Some(Poll::Ready(Ok(answer))) => {
                    this.future.set(None); // what the attempt held is free, whatever comes
                    let is_over = match this.decide.decide(Ok(&answer)) {
                        Decision::Stop => {
                            self.shared().succeeded(&self.course);
                            true
                        }
                        more => self.as_mut().judge(&more, Attempted::Answered).is_some(),
                    };
                    if is_over {
                        self.end();
                        return Poll::Ready(Ok(answer));
                    }
                    None
                }
                Some(Poll::Ready(Err(error))) => {
                    self.as_mut().failed::<T>(error, marks() != before)
                }
                Some(Poll::Pending) => ready!(self.as_mut().poll_late(cx)),
                None => ready!(self.as_mut().poll_next(cx)),
            };
            if let Some(end) = end {
                break end;
            }
        };
        self.as_mut().end();
        let this = self.project();
        Poll::Ready(Err(error((*this.retry).borrow().shared(), this.course, last, why)))
    }

    fn shared(&self) -> &Shared {
        self.retry.borrow().shared()
    }

    /// Makes the next attempt once it is time, and what makes it is ready.
    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<End<E>>> {
        if self.phase != Phase::Readies
            && let Some(end) = ready!(self.as_mut().poll_wait(cx))
        {
            return Poll::Ready(Some(end));
        }
        let mut this = self.as_mut().project();
        match this.make.poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                this.course.send();
                let future = this.make.make(*this.attempt, this.previous.as_ref());
                this.future.set(Some(future));
                Poll::Ready(None)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Some((Error::Inner(error), GaveUp::Final))),
            Poll::Pending => self.poll_late(cx),
        }
    }

    /// Begins the next attempt once it is time; with the end where that is too late.
    fn poll_wait(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<End<E>>> {
        let this = self.as_mut().project();
        ready!(this.timer.as_pin_mut().expect(TWICE).poll(cx));
        let shared = (*this.retry).borrow().shared();
        if shared.overslept(this.course) {
            let late = || shared.timed_out().into();
            let last = this.previous.take().map_or_else(late, Error::Inner);
            return Poll::Ready(Some((last, GaveUp::Deadline)));
        }
        self.begin();
        Poll::Ready(None)
    }

    /// The next attempt begins.
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        *this.attempt = (*this.retry).borrow().shared().attempt(this.course);
        *this.phase = Phase::Readies;
        this.timer.set(None);
    }

    /// The attempt failed; the call's end, where that is it.
    #[inline(never)]
    fn failed<T>(mut self: Pin<&mut Self>, error: E, refused: bool) -> Option<End<E>>
    where
        D: Decide<T, E>,
    {
        let mut this = self.as_mut().project();
        this.future.set(None);
        let decision = match refused {
            true => this.decide.decide_refused(&error),
            false => this.decide.decide(Err(&error)),
        };
        if let Some(why) = self.as_mut().judge(&decision, Attempted::Failed) {
            return Some((Error::Inner(error), why));
        }
        *self.project().previous = Some(error);
        None
    }

    /// Ready when the attempt, which is pending, has taken too long; with the call's end, where that is it.
    #[inline(never)]
    fn poll_late(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<End<E>>> {
        let mut this = self.as_mut().project();
        if this.timer.is_none() {
            let shared = (*this.retry).borrow().shared();
            shared.start(this.course);
            match shared.time_for(*this.attempt) {
                Some(time) => this.timer.set(Some(sleep(time))),
                None => return Poll::Pending,
            }
        }
        if let Some(timer) = this.timer.as_pin_mut() {
            ready!(timer.poll(cx));
        }
        this.future.set(None);
        let late = self.shared().timed_out();
        let end = self.judge(&Decision::Retry, Attempted::TimedOut);
        Poll::Ready(end.map(|why| (late.into(), why)))
    }

    /// What follows from an attempt: why it was the last one, or the wait for the next.
    #[cold]
    fn judge(
        mut self: Pin<&mut Self>,
        decision: &Decision,
        attempted: Attempted,
    ) -> Option<GaveUp> {
        let this = self.as_mut().project();
        let (shared, repeatable) = ((*this.retry).borrow().shared(), this.make.is_repeatable());
        match shared.judge(this.course, decision, attempted, repeatable) {
            Next::End(why) => return Some(why),
            Next::Wait(wait) => self.wait(wait),
        }
        None
    }

    fn wait(mut self: Pin<&mut Self>, wait: Duration) {
        let mut this = self.as_mut().project();
        *this.previous = None;
        if wait.is_zero() {
            self.begin();
        } else {
            this.timer.set(Some(sleep(wait)));
            *this.phase = Phase::Waits;
        }
    }

    /// The call is over: what was kept for another attempt is dropped now, and not with the future.
    #[inline]
    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        *this.phase = Phase::Ended;
        this.timer.set(None);
        this.make.release();
    }
}
