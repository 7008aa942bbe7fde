//! The pattern's own state is asked first.

use super::{
    Inner, Middleware,
    bench::{Bench, bench, describe},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("refuses_without_asking_inner");

/// A service that refuses does so at once, though the inner service is not ready and never will be.
///
/// `refusing` makes the service in a state in which it refuses. What it catches: a middleware that
/// asks the inner service first, so that a stuck dependency delays the very answer that was to save
/// from it (tower-resilience #381), and one that refuses by way of a timer (its bulkhead: 1 ms).
///
/// # Panics
///
/// Where the law is broken.
pub fn refuses_without_asking_inner<S: Middleware>(refusing: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = refusing(inner);
    let before = bench.probe.calls();
    bench.held.hold_readiness();
    let task = Task::new();

    match task.settle(|cx| service.poll_ready(cx)) {
        Settled::Ready(Ok(())) => {
            let mut response = Box::pin(service.call(1));
            match task.settle(|cx| response.as_mut().poll(cx)) {
                Settled::Ready(Err(_)) => {}
                Settled::Ready(answered) => LAW
                    .broken(format_args!("the service was to refuse, and {}", describe(answered))),
                Settled::Waiting | Settled::Spinning => {
                    LAW.broken("it was ready at once, and the refusal waits");
                }
            }
        }
        Settled::Ready(Err(_)) => {} // refused, if in the wrong place: another law's matter
        Settled::Waiting | Settled::Spinning => {
            LAW.broken("the inner service is not ready, and the refusal waits for it");
        }
    }

    let called = bench.probe.calls() - before;
    LAW.demand(called == 0, || format!("the service refused, and made {called} inner calls"));
}
