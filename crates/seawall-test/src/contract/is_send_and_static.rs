//! Servers move their services between threads.

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    law::Law,
};

const LAW: Law = Law("is_send_and_static");

/// The service and its response can be handed to another thread, as every server does.
///
/// The compiler checks it: a middleware that breaks it does not compile here.
///
/// # Panics
///
/// Where a call through the service fails.
pub fn is_send_and_static<S>(make: impl FnOnce(Inner) -> S)
where
    S: Middleware + Send + 'static,
    S::Future: Send + 'static,
{
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    if let Some(why) = bench.refuses(&mut service, 1) {
        LAW.broken(why);
    }
}
