//! The face for balancers: unready while it refuses.

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("wakes_when_it_stops_refusing");

/// A service that is unready while it refuses wakes its callers when that is over.
///
/// This is the face for balancers. `refusing` makes the service in a state in which it is unready, and
/// `end` ends the state. What it catches: a pending `poll_ready` that nobody wakes, that wakes itself all
/// the time, or that asks the inner service.
///
/// # Panics
///
/// Where the law is broken.
pub fn wakes_when_it_stops_refusing<S: Middleware>(
    refusing: impl FnOnce(Inner) -> S,
    end: impl FnOnce(),
) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = refusing(inner);
    let task = Task::new();
    match task.settle(|cx| service.poll_ready(cx)) {
        Settled::Waiting => {}
        Settled::Spinning => LAW.broken("while it refuses, `poll_ready` wakes itself"),
        Settled::Ready(_) => LAW.broken("while it refuses, `poll_ready` is ready"),
    }
    let asleep = task.wakes();

    end();

    LAW.demand(task.wakes() > asleep, || "it refuses no more, and the waiting task was not woken");
    if let Some(why) = bench.refuses(&mut service, 1) {
        LAW.broken(format_args!("it refuses no more, and {why}"));
    }
}
