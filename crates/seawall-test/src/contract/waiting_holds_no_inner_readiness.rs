//! Nobody waits while he holds the inner service's readiness.

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    caller::Caller,
    law::Law,
};

const LAW: Law = Law("waiting_holds_no_inner_readiness");

/// Who waits for his turn does not keep the inner service ready meanwhile.
///
/// `one_at_a_time` makes a service that lets one call through and makes others wait. What it catches:
/// a middleware that gets the inner service ready and then waits for its own permit
/// (tower-resilience's bulkhead and rate limiter). Where readiness is a connection of a pool, the
/// callers of a slow compartment tie up the pool for all others: the very thing it should prevent.
///
/// # Panics
///
/// Where the law is broken, and where the service does not make callers wait.
pub fn waiting_holds_no_inner_readiness<S: Middleware + Clone>(
    one_at_a_time: impl FnOnce(Inner) -> S,
) {
    let (inner, bench): (_, Bench) = bench();
    let service = one_at_a_time(inner);
    let mut callers: Vec<_> = (0..4).map(|_| Caller::new(service.clone())).collect();

    for caller in &mut callers {
        LAW.demand(
            caller.go_on().is_none(),
            || "no call was answered, and one came back: this law is for services that wait",
        );
    }

    let (calls, reserved) = (bench.probe.calls(), bench.probe.reserved());
    LAW.demand(calls == 1, || {
        format!("{calls} calls are on their way: this law is for one at a time")
    });
    LAW.demand(reserved == 0, || {
        format!(
            "3 callers wait for their turn, and {reserved} inner instances wait ready with them"
        )
    });
}
