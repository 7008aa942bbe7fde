//! A place in the queue goes with the one who waits in it, and nothing else does.

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    caller::Caller,
    law::Law,
};

const LAW: Law = Law("dropped_waiter_lets_the_next_through");

/// Whoever stops waiting, before or after his turn has come, does not take the free place with him.
///
/// `one_at_a_time` makes a service that lets one call through and makes others wait. What it catches:
/// a waiter that is dropped from the queue with the permit that was just given to it, and a wake-up that
/// goes to somebody who has left.
///
/// # Panics
///
/// Where the law is broken, and where the service does not make callers wait.
pub fn dropped_waiter_lets_the_next_through<S: Middleware + Clone>(
    one_at_a_time: impl FnOnce(Inner) -> S,
) {
    let (inner, bench): (_, Bench) = bench();
    let service = one_at_a_time(inner);
    let [mut first, mut early, mut late, mut last] = [(); 4].map(|()| Caller::new(service.clone()));
    for caller in [&mut first, &mut early, &mut late, &mut last] {
        LAW.demand(
            caller.go_on().is_none(),
            || "no call was answered, and one came back: this law is for services that wait",
        );
    }
    LAW.demand(
        bench.probe.calls() == 1,
        || "more than one call is on its way: this law is for one at a time",
    );

    drop(early); // before its turn
    bench.answer_at_once();
    drop(first); // frees the place
    drop(late); // after its turn has come, before it knows

    LAW.demand(
        last.task.wakes() > 0,
        || "the place is free, those before have left, and the last one was not woken",
    );
    LAW.demand(
        matches!(last.go_on(), Some(Ok(_))),
        || "the place is free, those before have left, and the last one is not served",
    );
}
