//! A cancelled call holds nothing.

use super::{
    CROWD, Inner, Middleware,
    bench::{Bench, bench, chain, start},
    law::Law,
};
use crate::Task;

const LAW: Law = Law("dropped_future_gives_back");

/// A response that is dropped, before its first poll or on its way, gives back all that its call held.
///
/// What it catches: a permit, a probe's slot or a place in a queue that only a finished call returns.
/// Callers drop futures all the time (a timeout, a `select!`, a client that hangs up), and after as
/// many as there are places the service is dead (tower-resilience #382: a breaker stuck until restart).
///
/// # Panics
///
/// Where the law is broken.
pub fn dropped_future_gives_back<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    for polled in [false, true] {
        drop_many(&mut service, &bench, polled);
    }
}

fn drop_many<S: Middleware>(service: &mut S, bench: &Bench, polled: bool) {
    let when = if polled { "on their way" } else { "before their first poll" };
    let task = Task::new();
    for dropped in 0..CROWD as u64 {
        let response = start(service, &task, dropped);
        let mut response = response.unwrap_or_else(|why| {
            LAW.broken(format_args!("after {dropped} futures dropped {when}, {why}"))
        });
        if polled && let std::task::Poll::Ready(Err(error)) = task.poll(response.as_mut()) {
            let error = chain(error);
            LAW.broken(format_args!(
                "after {dropped} futures dropped {when}, the call is refused: {error}"
            ));
        }
    }

    let left = bench.probe.in_flight();
    LAW.demand(left == 0, || {
        format!("{CROWD} futures were dropped {when}, and {left} inner calls still run")
    });
    if let Some(why) = bench.refuses(service, 1) {
        LAW.broken(format_args!("after {CROWD} futures dropped {when}, {why}"));
    }
}
