//! The response: the life of one call whose attempts a policy wants and a retry allows.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use seawall_core::Error;
use tokio::time::{Sleep, sleep};
use tower::retry::Policy;
use tower_service::Service;

use crate::{
    Attempt, Decision, Retry,
    course::{Attempted, Course, Next},
};

const TWICE: &str = "a call is not polled after it was ready";
const AGAIN: &str = "what is not repeatable ended";

pin_project! {
    /// The response of a [`PolicyService`](crate::PolicyService).
    ///
    /// What the last attempt held is dropped as soon as its response is there; the future may be kept
    /// longer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; where the policy panics; and where an attempt's or the
    /// call's time is limited, outside a tokio runtime with its time driver.
    #[project = CallProjection]
    #[must_use = "futures do nothing unless polled"]
    pub struct PolicyFuture<S, Request, P>
    where
        S: Service<Request>,
        P: Policy<Request, S::Response, S::Error>,
    {
        retry: Retry,
        policy: P,
        course: Course,
        attempt: Attempt,
        again: Option<(S, Request)>,
        previous: Option<S::Error>,
        #[pin]
        state: State<S::Future, P::Future>,
        #[pin]
        timer: Option<Sleep>,
    }
}

pin_project! {
    /// The states of the drawing.
    #[project = StateProjection]
    enum State<F, W> {
        Readies,
        Runs { #[pin] future: F },
        Waits { #[pin] wait: W },
        Pauses,
        Ended,
    }
}

impl<S, Request, P> PolicyFuture<S, Request, P>
where
    S: Service<Request>,
    P: Policy<Request, S::Response, S::Error>,
{
    pub(super) fn new(
        retry: Retry,
        policy: P,
        (course, attempt): (Course, Attempt),
        again: Option<(S, Request)>,
        future: S::Future,
    ) -> Self {
        let state = State::Runs { future };
        Self { retry, policy, course, attempt, again, previous: None, state, timer: None }
    }
}

impl<S, Request, P> Future for PolicyFuture<S, Request, P>
where
    S: Service<Request>,
    P: Policy<Request, S::Response, S::Error>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let answer = match this.state.as_mut().project() {
                StateProjection::Readies => {
                    let (service, _) = this.again.as_mut().expect(AGAIN);
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {
                            this.make();
                            None
                        }
                        Poll::Ready(Err(error)) => Some(Err(Error::Inner(error))),
                        Poll::Pending => {
                            ready!(this.poll_late(cx));
                            this.is_late()
                        }
                    }
                }
                StateProjection::Runs { future } => match future.poll(cx) {
                    Poll::Ready(result) => this.judge(result),
                    Poll::Pending => {
                        ready!(this.poll_late(cx));
                        this.is_late()
                    }
                },
                StateProjection::Waits { wait } => {
                    if wait.poll(cx).is_pending() {
                        ready!(this.poll_over(cx));
                        this.retry.shared().ran_out(this.course);
                        Some(this.over())
                    } else {
                        this.waited()
                    }
                }
                StateProjection::Pauses => {
                    ready!(this.timer.as_mut().as_pin_mut().expect(TWICE).poll(cx));
                    this.waited()
                }
                StateProjection::Ended => panic!("{TWICE}"),
            };
            if let Some(answer) = answer {
                this.state.set(State::Ended);
                this.timer.set(None);
                *this.again = None;
                return Poll::Ready(answer);
            }
        }
    }
}

/// What is not a poll goes from one state to the next, or tells the call's answer.
impl<S, Request, P> CallProjection<'_, S, Request, P>
where
    S: Service<Request>,
    P: Policy<Request, S::Response, S::Error>,
{
    /// The next attempt begins with its wait for readiness.
    fn begin(&mut self) {
        *self.attempt = self.retry.shared().attempt(self.course);
        self.timer.set(None);
        self.state.set(State::Readies);
    }

    /// The service is ready for it.
    fn make(&mut self) {
        let (mut service, request) = self.again.take().expect(AGAIN);
        let again = self.policy.clone_request(&request);
        self.course.send();
        let future = service.call(request);
        *self.again = again.map(|again| (service, again));
        self.state.set(State::Runs { future });
    }

    /// The attempt ended.
    fn judge(
        &mut self,
        mut result: Result<S::Response, S::Error>,
    ) -> Option<Result<S::Response, Error<S::Error>>> {
        self.state.set(State::Ended); // what the attempt held is free, whatever comes
        self.timer.set(None);
        let request = self.again.as_mut().map(|(_, request)| request);
        let wait = request.and_then(|request| self.policy.retry(request, &mut result));
        // How long the policy waits it does not tell.
        let decision = wait.as_ref().map_or(Decision::Stop, |_| Decision::Pushback(Duration::ZERO));
        let attempted = if result.is_ok() { Attempted::Answered } else { Attempted::Failed };
        let next = self.retry.shared().judge(self.course, &decision, attempted, true);
        match wait {
            Some(wait) if matches!(next, Next::Wait(_)) => {
                *self.previous = result.err();
                self.state.set(State::Waits { wait });
                None
            }
            _ => Some(result.map_err(Error::Inner)),
        }
    }

    /// The attempt, or its wait for readiness, took too long: there is no result to ask the policy about.
    fn is_late(&mut self) -> Option<Result<S::Response, Error<S::Error>>> {
        self.state.set(State::Ended);
        *self.previous = None;
        let shared = self.retry.shared();
        let (decision, repeatable) = (Decision::Retry, self.again.is_some());
        match shared.judge(self.course, &decision, Attempted::TimedOut, repeatable) {
            Next::End(_) => return Some(Err(shared.timed_out().into())),
            Next::Wait(Duration::ZERO) => self.begin(),
            Next::Wait(wait) => {
                self.timer.set(Some(sleep(wait)));
                self.state.set(State::Pauses);
            }
        }
        None
    }

    /// The wait for the next attempt is over.
    fn waited(&mut self) -> Option<Result<S::Response, Error<S::Error>>> {
        if self.retry.shared().overslept(self.course) {
            return Some(self.over());
        }
        self.begin();
        None
    }

    /// The time of the whole call is over.
    fn over(&mut self) -> Result<S::Response, Error<S::Error>> {
        let late = || self.retry.shared().timed_out().into();
        Err(self.previous.take().map_or_else(late, Error::Inner))
    }

    /// Ready when the attempt, which is pending, has taken too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.retry.shared().start(self.course);
        let limit = self.timer.is_none().then(|| self.retry.shared().time_for(*self.attempt));
        self.poll_timer(limit.flatten(), cx)
    }

    /// Ready when the call, whose policy waits, has taken too long.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.timer.is_none().then(|| self.retry.shared().time_of(self.course));
        self.poll_timer(limit.flatten(), cx)
    }

    fn poll_timer(&mut self, limit: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(time) = limit {
            self.timer.set(Some(sleep(time)));
        }
        self.timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(cx))
    }
}

impl<S, Request, P> fmt::Debug for PolicyFuture<S, Request, P>
where
    S: Service<Request>,
    P: Policy<Request, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyFuture").field("course", &self.course).finish_non_exhaustive()
    }
}
