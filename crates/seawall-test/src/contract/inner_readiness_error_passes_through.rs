//! "Discard this instance" is for the caller to hear.

use super::{
    Inner, Middleware,
    bench::{Bench, bench, chain, describe},
    law::Law,
};
use crate::Failure;

const LAW: Law = Law("inner_readiness_error_passes_through");

/// An error of the inner service's `poll_ready` reaches the caller, from `poll_ready` or from the
/// response of the call that was to be made.
///
/// What it catches: a middleware that takes the error for "not ready yet" and waits for ever, or
/// that goes on to call an instance that has asked to be discarded.
///
/// # Panics
///
/// Where the law is broken.
pub fn inner_readiness_error_passes_through<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    bench.held.fail_readiness(Failure(42));

    match bench.serve(&mut service, 1) {
        Ok(Err(error)) => {
            let error = error.into();
            let found = Failure::find(&*error);
            LAW.demand(found == Some(&Failure(42)), || {
                format!("the inner service's error is not in the chain \"{}\"", chain(error))
            });
        }
        Ok(answered) => LAW.broken(format_args!(
            "the inner service's readiness failed, and {}",
            describe(answered)
        )),
        Err(stuck) => LAW.broken(stuck),
    }
}
