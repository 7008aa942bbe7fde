//! What the inner service says is what the caller hears.

use super::{
    Inner, Middleware, answer,
    bench::{Bench, bench, describe},
    law::Law,
};

const LAW: Law = Law("response_passes_unchanged");

/// A call that the middleware lets through comes back with the inner service's own response.
///
/// What it catches: the answer to somebody else's request (a key that two requests share, a slot that
/// is used again too early), and a service that does not serve at all.
///
/// # Panics
///
/// Where the law is broken.
pub fn response_passes_unchanged<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    for request in 0..8 {
        match bench.serve(&mut service, request) {
            Ok(Ok(response)) => LAW.demand(response == answer(request), || {
                let own = answer(request);
                format!("request {request} is answered with {own}, and the response is {response}")
            }),
            Ok(answered) => LAW.broken(format_args!("at call {request}, {}", describe(answered))),
            Err(stuck) => LAW.broken(format_args!("at call {request}, {stuck}")),
        }
    }
}
