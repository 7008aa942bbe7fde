//! A `Pending` owes a wake-up.

use super::{
    Inner, Middleware,
    bench::{Bench, bench, describe},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("wakes_when_the_inner_service_is_ready");

/// Who waits for the inner service is woken when it becomes ready, and is then served.
///
/// A middleware may also refuse instead of waiting. What it catches: a `Pending` that nobody
/// registered a waker for, and one shared future that remembers only its last caller
/// (tower-resilience's reconnect: of ten callers one woke).
///
/// # Panics
///
/// Where the law is broken.
pub fn wakes_when_the_inner_service_is_ready<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    bench.answer_at_once();
    bench.held.hold_readiness();
    let task = Task::new();

    let response = match task.settle(|cx| service.poll_ready(cx)) {
        Settled::Ready(Ok(())) => {
            let mut response = Box::pin(service.call(7));
            match task.settle(|cx| response.as_mut().poll(cx)) {
                Settled::Ready(Err(_)) => return, // it refuses instead of waiting
                Settled::Ready(Ok(response)) => LAW.broken(format_args!(
                    "the inner service was not ready, and the response is {response}"
                )),
                Settled::Waiting | Settled::Spinning => Some(response),
            }
        }
        Settled::Ready(Err(_)) => return,
        Settled::Waiting | Settled::Spinning => None,
    };
    let asleep = task.wakes();
    bench.held.release_readiness();

    LAW.demand(
        task.wakes() > asleep,
        || "the inner service became ready, and the waiting task was not woken",
    );
    let mut response = match response {
        Some(response) => response,
        None => match task.settle(|cx| service.poll_ready(cx)) {
            Settled::Ready(Ok(())) => Box::pin(service.call(7)),
            _ => LAW.broken("the inner service became ready, and it did not"),
        },
    };
    match task.settle(|cx| response.as_mut().poll(cx)) {
        Settled::Ready(Ok(_)) => {}
        Settled::Ready(answered) => LAW.broken(describe(answered)),
        _ => LAW.broken("the inner service became ready, and the response stays pending"),
    }
}
