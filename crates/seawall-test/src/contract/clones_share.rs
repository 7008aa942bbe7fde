//! Clones have one state.

use super::{
    Inner, Middleware, Wear,
    bench::{Bench, bench},
    law::Law,
    wear::MANY,
};

const LAW: Law = Law("clones_share");

/// What one clone has brought about holds for the others.
///
/// `wear` brings the service to refuse, or to make callers wait. What it catches: a state in the
/// service itself, so that each clone (one a connection, in a server) has a limit of its own.
///
/// # Panics
///
/// Where the law is broken, and where the service is never worn out.
pub fn clones_share<S: Middleware + Clone>(make: impl FnOnce(Inner) -> S, wear: Wear) {
    let (inner, bench): (_, Bench) = bench();
    let mut original = make(inner);
    let mut clone = original.clone();
    let Some(mut on_their_way) = wear.out(&mut original, &bench) else {
        LAW.broken(format_args!("{MANY} calls wear it not out: set its limits lower"));
    };

    let reached = wear.once(&mut clone, &bench, 1, &mut on_their_way);

    LAW.demand(!reached, || {
        format!("the original is worn out by {wear:?}, and its clone calls the inner service")
    });
}
