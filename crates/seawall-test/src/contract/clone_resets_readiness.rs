//! Readiness is not copied.

use std::pin::pin;

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("clone_resets_readiness");

/// The clone of a service that is ready asks for its own readiness.
///
/// What it catches: `#[derive(Clone)]` on a service that remembers that it is ready, so that the clone
/// calls an inner instance that never promised anything.
///
/// # Panics
///
/// Where the law is broken.
pub fn clone_resets_readiness<S: Middleware + Clone>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut original = make(inner);
    let task = Task::new();
    let Settled::Ready(Ok(())) = task.settle(|cx| original.poll_ready(cx)) else {
        LAW.broken("the original does not get ready");
    };
    let mut clone = original.clone();
    let (polls, unready) = (bench.probe.polls(), bench.probe.unready_calls());

    let refused = bench.refuses(&mut clone, 1);

    if let Some(why) = refused {
        LAW.broken(format_args!("the original is ready, and at its clone {why}"));
    }
    let asked = bench.probe.polls() > polls;
    LAW.demand(asked || bench.probe.unready_calls() == unready, || {
        "the clone called an inner instance that it never asked: the original's readiness was copied"
    });
    bench.answer_at_once();
    let mut response = pin!(original.call(2)); // it was promised, and nothing has changed since
    let answered = task.settle(|cx| response.as_mut().poll(cx)).ready();
    LAW.demand(
        matches!(answered, Some(Ok(_))),
        || "the clone was called, and the original is not served any more",
    );
}
