//! Readiness is a promise of one instance, for one call.

use super::{
    Inner, Middleware, answer,
    bench::{Bench, bench},
    law::Law,
};
use crate::{Answer, Failure};

const LAW: Law = Law("calls_the_instance_that_was_ready");

/// The instance that is called is the one that said it was ready, at each call.
///
/// What it catches: a middleware that clones the inner service for its future and calls the clone
/// (tower-resilience #286, #288, #293), and one that tries again without asking again (#362). With a
/// service whose readiness is a permit, such a call panics or exceeds the limit.
///
/// # Panics
///
/// Where the law is broken.
pub fn calls_the_instance_that_was_ready<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    // One error among successes: a retry shows itself, and no breaker has reason to trip.
    bench.held.answer_with(|&request| match request {
        3 => Answer::Err(Failure(request)),
        _ => Answer::Ok(answer(request)),
    });

    for request in 0..8 {
        if let Err(stuck) = bench.ask(&mut service, request) {
            LAW.broken(format_args!("at call {request}, {stuck}"));
        }
    }

    let (calls, unready) = (bench.probe.calls(), bench.probe.unready_calls());
    LAW.demand(calls > 0, || "the inner service was never called");
    LAW.demand(unready == 0, || {
        format!("{unready} of {calls} calls went to an instance that was not polled ready")
    });
}
