//! A `Pending` is quiet.

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("waits_without_spinning");

/// While nothing happens, nothing is woken: not for readiness, not for a response, and not for the
/// response to a second call with the same request.
///
/// What it catches: `wake_by_ref` before `Pending` (tower-resilience's coalesce: 60 000 polls for one
/// follower of a 200 ms leader; its outlier detection: 51 000 in 200 ms). A busy wait burns a core,
/// and under a paused clock it never ends.
///
/// # Panics
///
/// Where the law is broken.
pub fn waits_without_spinning<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    let task = Task::new();

    bench.held.hold_readiness();
    spins_not(&mut service, &task, "the inner service is not ready");
    bench.held.release_readiness();

    let first = spins_not(&mut service, &task, "the inner service does not answer");
    let second = spins_not(&mut service, &task, "the same request is on its way already");
    drop((first, second));
}

/// Makes a call that can't come back yet, and keeps its response.
#[track_caller]
fn spins_not<S: Middleware>(
    service: &mut S,
    task: &Task,
    while_: &str,
) -> Option<impl Sized + use<S>> {
    match task.settle(|cx| service.poll_ready(cx)) {
        Settled::Spinning => LAW.broken(format_args!("while {while_}, `poll_ready` wakes itself")),
        Settled::Ready(Ok(())) => {
            let mut response = Box::pin(service.call(5));
            let settled = task.settle(|cx| response.as_mut().poll(cx));
            LAW.demand(!matches!(settled, Settled::Spinning), || {
                format!("while {while_}, the response wakes itself")
            });
            settled.ready().is_none().then_some(response)
        }
        Settled::Ready(Err(_)) | Settled::Waiting => None,
    }
}
