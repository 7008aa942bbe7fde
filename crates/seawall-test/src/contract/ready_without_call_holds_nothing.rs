//! Admission is taken in the call.

use super::{
    CROWD, Inner, Middleware,
    bench::{Bench, bench, chain},
    law::Law,
};
use crate::{Settled, Task};

const LAW: Law = Law("ready_without_call_holds_nothing");

/// A caller who asks for readiness and never calls holds nothing that others need.
///
/// What it catches: a permit that `poll_ready` takes (tower's own `ConcurrencyLimit`). Balancers and
/// `ready_cache` keep idle ready clones, and as many of them as there are places block everybody.
///
/// # Panics
///
/// Where the law is broken.
pub fn ready_without_call_holds_nothing<S: Middleware + Clone>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let service = make(inner);
    let task = Task::new();
    let mut idle = Vec::new();
    for asked in 0..CROWD {
        let mut clone = service.clone();
        match task.settle(|cx| clone.poll_ready(cx)) {
            Settled::Ready(Ok(())) => idle.push(clone),
            Settled::Ready(Err(error)) => {
                let error = chain(error);
                LAW.broken(format_args!(
                    "with {asked} ready and idle, `poll_ready` fails: {error}"
                ));
            }
            Settled::Waiting | Settled::Spinning => LAW.broken(format_args!(
                "with {asked} ready and idle, the next one does not get ready"
            )),
        }
    }

    if let Some(why) = bench.refuses(&mut service.clone(), 1) {
        LAW.broken(format_args!("with {CROWD} ready and idle, {why}"));
    }
    drop(idle);
}
