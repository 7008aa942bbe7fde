//! A place in the queue belongs to a call, not to a service.

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    caller::Caller,
    law::Law,
};

const LAW: Law = Law("abandoned_waiter_lets_the_next_through");

/// A service that once waited for readiness, and that nobody polls any more, takes no free place.
///
/// `one_at_a_time` makes a service that lets one call through and makes others wait. What it catches:
/// a place in the queue that belongs to the service and not to the call (tower's own
/// `ConcurrencyLimit`): a `ready()` that a timeout has cancelled leaves a clone behind that is granted
/// the next permit and never uses it.
///
/// # Panics
///
/// Where the law is broken, and where the service does not make callers wait.
pub fn abandoned_waiter_lets_the_next_through<S: Middleware + Clone>(
    one_at_a_time: impl FnOnce(Inner) -> S,
) {
    let (inner, bench): (_, Bench) = bench();
    let service = one_at_a_time(inner);
    let [mut first, mut gone, mut next] = [(); 3].map(|()| Caller::new(service.clone()));
    for caller in [&mut first, &mut gone, &mut next] {
        LAW.demand(
            caller.go_on().is_none(),
            || "no call was answered, and one came back: this law is for services that wait",
        );
    }
    LAW.demand(
        bench.probe.calls() == 1,
        || "more than one call is on its way: this law is for one at a time",
    );

    gone.response = None; // its call is cancelled; the service lives on
    bench.answer_at_once();
    drop(first);

    LAW.demand(
        matches!(next.go_on(), Some(Ok(_))),
        || "the place is free, and it went to a service that nobody polls any more",
    );
    drop(gone);
}
