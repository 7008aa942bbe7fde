//! Whoever walks the chain of an error finds the first cause.

use super::{
    Inner, Middleware,
    bench::{Bench, bench, chain, describe},
    law::Law,
};
use crate::{Answer, Failure};

const LAW: Law = Law("error_stays_in_the_chain");

/// The inner service's error can be found in what comes out, by walking `source()`.
///
/// What it catches: errors that are printed into a string, and wrappers whose `source()` is `None`
/// (tower-resilience's `ResilienceError` keeps no source: a gRPC status inside it is lost).
///
/// # Panics
///
/// Where the law is broken.
pub fn error_stays_in_the_chain<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    bench.held.answer_with(|_| Answer::Err(Failure(41)));

    match bench.ask(&mut service, 1) {
        Ok(Err(error)) => {
            let error = error.into();
            let found = Failure::find(&*error);
            LAW.demand(found == Some(&Failure(41)), || {
                format!("the inner service's error is not in the chain \"{}\"", chain(error))
            });
        }
        Ok(answered) => {
            LAW.broken(format_args!("the inner service failed, and {}", describe(answered)))
        }
        Err(stuck) => LAW.broken(stuck),
    }
}
