//! An error in place of readiness holds nothing.

use super::{
    CROWD, Inner, Middleware,
    bench::{Bench, bench},
    law::Law,
};
use crate::{Failure, Settled, Task};

const LAW: Law = Law("readiness_error_gives_back");

/// A caller who is told that the inner service is broken holds nothing that others need.
///
/// What it catches: a permit that is taken before the inner service is asked, and kept beside its
/// error (tower's own `ConcurrencyLimit`).
///
/// # Panics
///
/// Where the law is broken.
pub fn readiness_error_gives_back<S: Middleware + Clone>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let service = make(inner);
    let task = Task::new();
    let mut told = Vec::new();
    for failed in 0..CROWD as u64 {
        bench.held.fail_readiness(Failure(failed));
        let mut clone = service.clone();
        let response = match task.settle(|cx| clone.poll_ready(cx)) {
            Settled::Ready(Ok(())) => {
                let mut response = Box::pin(clone.call(1)); // where it asks the inner service later
                let answered = task.settle(|cx| response.as_mut().poll(cx)).ready();
                answered.is_some().then_some(response)
            }
            _ => None,
        };
        told.push((clone, response));
    }

    if let Some(why) = bench.refuses(&mut service.clone(), 1) {
        LAW.broken(format_args!("with {CROWD} that were told of an error, {why}"));
    }
    drop(told);
}
