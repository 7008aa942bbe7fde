//! Where a middleware is put to the test: the service inside it, and a caller outside.

use std::{
    fmt,
    pin::{Pin, pin},
};

use tower_service::Service;

use crate::{Answer, BoxError, Failure, Held, HeldHandle, Probe, ProbeHandle, Settled, Task};

/// The service that a middleware under test wraps: hand-released, and watched.
///
/// It fails with an error of type `E`. A closure that makes the middleware can reach its handles by
/// [`Probe::get_ref`] and [`Held::handle`], to bring the middleware into a state.
pub type Inner<E = Failure> = Probe<Held<u64, u64, E>>;

/// How many callers a law sends: a middleware under test must have room for fewer at once.
pub const CROWD: usize = 64;

/// What the inner service says to `request`.
#[must_use]
pub const fn answer(request: u64) -> u64 {
    request.wrapping_mul(3).wrapping_add(1_000)
}

/// What a law can test: numbers in, numbers out, and an error that can be boxed.
///
/// Every such service is one.
pub trait Middleware: Service<u64, Response = u64, Error: Into<BoxError>> {}

impl<S: Service<u64, Response = u64, Error: Into<BoxError>>> Middleware for S {}

/// The handles of an [`Inner`].
pub(super) struct Bench<E = Failure> {
    pub(super) held: HeldHandle<u64, u64, E>,
    pub(super) probe: ProbeHandle,
}

/// Why a call did not come back.
pub(super) enum Stuck {
    Unready,
    UnreadySpinning,
    NeverCalled,
    Unanswered,
    Spinning,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unready => "`poll_ready` stays pending and nobody wakes it",
            Self::UnreadySpinning => "`poll_ready` stays pending and wakes itself without end",
            Self::NeverCalled => "the response stays pending and the inner service was not called",
            Self::Unanswered => "the response stays pending though the inner service has answered",
            Self::Spinning => "the response stays pending and wakes itself without end",
        })
    }
}

pub(super) type Answered<E> = Result<u64, E>;

/// An inner service that holds its calls, and its handles.
pub(super) fn bench<E>() -> (Inner<E>, Bench<E>) {
    let (held, handle) = Held::new();
    let (inner, probe) = Probe::lenient(held);
    let held = handle;
    (inner, Bench { held, probe })
}

impl<E> Bench<E> {
    /// The handles of an inner service that somebody else made.
    pub(super) fn of(inner: &Inner<E>) -> Self {
        Self { held: inner.get_ref().handle(), probe: inner.handle() }
    }

    /// From now on each call is answered at once.
    pub(super) fn answer_at_once(&self) {
        self.held.answer_with(|&request| Answer::Ok(answer(request)));
    }

    /// Makes one call as a server would, answers it, and waits for what comes out.
    pub(super) fn serve<S: Service<u64>>(
        &self,
        service: &mut S,
        request: u64,
    ) -> Result<Result<S::Response, S::Error>, Stuck> {
        self.answer_at_once();
        let served = self.ask(service, request);
        self.held.hold_calls();
        served
    }

    /// Makes one call, which the inner service answers as it is told already.
    pub(super) fn ask<S: Service<u64>>(
        &self,
        service: &mut S,
        request: u64,
    ) -> Result<Result<S::Response, S::Error>, Stuck> {
        let calls = self.probe.calls();
        let task = Task::new();
        match task.settle(|cx| service.poll_ready(cx)) {
            Settled::Ready(Ok(())) => {}
            Settled::Ready(Err(error)) => return Ok(Err(error)),
            Settled::Waiting => return Err(Stuck::Unready),
            Settled::Spinning => return Err(Stuck::UnreadySpinning),
        }
        let mut response = pin!(service.call(request));
        match task.settle(|cx| response.as_mut().poll(cx)) {
            Settled::Ready(answered) => Ok(answered),
            Settled::Waiting if self.probe.calls() == calls => Err(Stuck::NeverCalled),
            Settled::Waiting => Err(Stuck::Unanswered),
            Settled::Spinning => Err(Stuck::Spinning),
        }
    }

    /// Why the service does not serve a call now; `None` where it does.
    pub(super) fn refuses<S: Middleware>(&self, service: &mut S, request: u64) -> Option<String> {
        match self.serve(service, request) {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(format!("the call is refused: {}", chain(error))),
            Err(stuck) => Some(stuck.to_string()),
        }
    }
}

/// Gets the service ready as `task` and calls it; the response is not polled yet.
pub(super) fn start<S: Middleware>(
    service: &mut S,
    task: &Task,
    request: u64,
) -> Result<Pin<Box<S::Future>>, String> {
    match task.settle(|cx| service.poll_ready(cx)) {
        Settled::Ready(Ok(())) => Ok(Box::pin(service.call(request))),
        Settled::Ready(Err(error)) => Err(format!("`poll_ready` fails: {}", chain(error))),
        Settled::Waiting => Err(Stuck::Unready.to_string()),
        Settled::Spinning => Err(Stuck::UnreadySpinning.to_string()),
    }
}

/// What came of a response, in words.
pub(super) fn describe<E: Into<BoxError>>(answered: Answered<E>) -> String {
    match answered {
        Ok(response) => format!("the response is {response}"),
        Err(error) => format!("the error is \"{}\"", chain(error)),
    }
}

/// An error in words, each level of it.
pub(super) fn chain(error: impl Into<BoxError>) -> String {
    let error = error.into();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
