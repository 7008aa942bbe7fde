//! A refusal belongs to the call.

use super::{
    CROWD, Inner, Middleware,
    bench::{Bench, bench, chain},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("rejection_is_never_a_readiness_error");

/// A service that refuses says so to the call, and never by an error of `poll_ready`.
///
/// `refusing` makes the service in a state in which it refuses. What it catches: an error that means
/// "discard this instance" where "not now" is meant. A `Buffer` dies of it for good, and a balancer
/// throws the member away.
///
/// # Panics
///
/// Where the law is broken.
pub fn rejection_is_never_a_readiness_error<S: Middleware>(refusing: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = refusing(inner);
    let task = Task::new();
    for held in [false, true] {
        if held {
            bench.held.hold_readiness();
        }
        for poll in 1..=CROWD {
            if let Settled::Ready(Err(error)) = task.settle(|cx| service.poll_ready(cx)) {
                let error = chain(error);
                LAW.broken(format_args!("at poll {poll}, `poll_ready` fails: {error}"));
            }
        }
        if let Settled::Ready(Ok(())) = task.settle(|cx| service.poll_ready(cx)) {
            let mut response = Box::pin(service.call(1));
            let answered = task.settle(|cx| response.as_mut().poll(cx)).ready();
            LAW.demand(
                !matches!(answered, Some(Ok(_))),
                || "the service was to refuse, and the call succeeds",
            );
        }
    }
}
