//! `Ready` is a promise that is kept until the call.

use std::task::Poll;

use super::{
    Inner, Middleware,
    bench::{Bench, bench, start},
    law::Law,
};
use crate::Task;

const LAW: Law = Law("ready_is_kept_until_call");

/// Once it is ready it stays ready until it is called, however often it is asked.
///
/// What it catches: a readiness that each poll takes anew (a second permit, a second place in a
/// queue), so that the caller who asks twice waits for himself.
///
/// # Panics
///
/// Where the law is broken.
pub fn ready_is_kept_until_call<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    let task = Task::new();
    if let Err(why) = start(&mut service, &task, 0).map(drop) {
        LAW.broken(why);
    }

    let first = task.settle(|cx| service.poll_ready(cx)).ready();
    LAW.demand(matches!(first, Some(Ok(()))), || "it does not get ready");
    for poll in 2..=CHECKS {
        let again = task.enter(|cx| service.poll_ready(cx));
        LAW.demand(matches!(again, Poll::Ready(Ok(()))), || {
            format!("it was ready, nobody called it, and at poll {poll} it is not ready any more")
        });
    }

    if let Some(why) = bench.refuses(&mut service, 1) {
        LAW.broken(format_args!("after {CHECKS} polls, {why}"));
    }
}

/// More than the crowd, so that a permit taken at each poll runs out whatever the limit.
const CHECKS: usize = super::CROWD + 2;
