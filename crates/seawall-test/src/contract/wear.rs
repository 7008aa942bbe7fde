//! How a middleware is brought to refuse.

use std::{cell::RefCell, pin::Pin};

use super::{Inner, Middleware, bench::Bench};
use crate::{Answer, Failure, Settled, Task};

/// What brings a middleware to refuse, or to make callers wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wear {
    /// Calls that fail: for circuit breakers.
    Failures,
    /// Calls that stay on their way: for bulkheads and concurrency limits.
    Load,
    /// Calls that succeed: for rate limits.
    Traffic,
}

/// How many calls are made at most: what has not refused by then does not refuse.
pub(super) const MANY: u64 = 4096;

/// What keeps the wear up: responses on their way.
pub(super) type Worn<S> = Vec<Pin<Box<<S as tower_service::Service<u64>>::Future>>>;

/// Wraps a closure that makes a service, so that the service refuses (or makes callers wait) already.
///
/// For a middleware without a handle that could be told to refuse.
///
/// # Examples
///
/// ```
/// # use seawall_test::contract::{self, Inner, Wear};
/// # use tower::{limit::ConcurrencyLimit, load_shed::LoadShed};
/// let full = contract::worn(
///     |inner: Inner| LoadShed::new(ConcurrencyLimit::new(inner, 3)),
///     Wear::Load,
/// );
/// contract::rejection_is_never_a_readiness_error(full);
/// ```
///
/// # Panics
///
/// The closure panics where the service serves some thousand calls and still does not refuse.
pub fn worn<S: Middleware>(make: impl Fn(Inner) -> S, wear: Wear) -> impl Fn(Inner) -> S {
    let kept = RefCell::new(Vec::new());
    move |inner| {
        let bench = Bench::of(&inner);
        let mut service = make(inner);
        let on_their_way = wear.out(&mut service, &bench);
        let on_their_way = on_their_way.expect("it never refuses: set its limits lower");
        kept.borrow_mut().push(on_their_way);
        service
    }
}

impl Wear {
    /// Calls `service` until a call does not reach the inner service; `None` where each does.
    pub(super) fn out<S: Middleware>(self, service: &mut S, bench: &Bench) -> Option<Worn<S>> {
        let mut on_their_way = Worn::<S>::new();
        for request in 0..MANY {
            if !self.once(service, bench, request, &mut on_their_way) {
                return Some(on_their_way);
            }
        }
        None
    }

    /// Makes one call; whether it has reached the inner service.
    pub(super) fn once<S: Middleware>(
        self,
        service: &mut S,
        bench: &Bench,
        request: u64,
        on_their_way: &mut Worn<S>,
    ) -> bool {
        match self {
            Self::Failures => bench.held.answer_with(|&n| Answer::Err(Failure(n))),
            Self::Traffic => bench.answer_at_once(),
            Self::Load => bench.held.hold_calls(),
        }
        let before = bench.probe.calls();
        let task = Task::new();
        if let Settled::Ready(Ok(())) = task.settle(|cx| service.poll_ready(cx)) {
            let mut response = Box::pin(service.call(request));
            if task.settle(|cx| response.as_mut().poll(cx)).ready().is_none() {
                on_their_way.push(response);
            }
        }
        bench.held.hold_calls();
        bench.probe.calls() > before
    }
}
