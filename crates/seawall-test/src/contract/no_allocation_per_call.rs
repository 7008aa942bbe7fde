//! A call that succeeds costs no memory.

use std::pin::pin;

use super::{
    Inner, Middleware,
    bench::{Bench, bench},
    law::Law,
};
use crate::{Task, allocations};

const LAW: Law = Law("no_allocation_per_call");

/// How many calls a service gets to set itself up, and how many are then counted.
const CALLS: u64 = 64;

/// A call that succeeds allocates nothing.
///
/// What it catches: `Box<dyn Future>`, a name that is copied for an event that nobody listens to, a
/// request that is cloned in case. Needs a [`CountingAllocator`](crate::CountingAllocator) as the
/// test's global allocator.
///
/// # Panics
///
/// Where the law is broken, and where no allocator counts.
pub fn no_allocation_per_call<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    let task = Task::new();
    bench.answer_at_once();
    let mut call = |request| {
        let ready = task.settle(|cx| service.poll_ready(cx)).ready();
        let ready = matches!(ready, Some(Ok(())));
        ready && {
            let mut response = pin!(service.call(request));
            let response = task.settle(|cx| response.as_mut().poll(cx)).ready();
            matches!(response, Some(Ok(_)))
        }
    };
    let warm = (0..CALLS).all(&mut call);
    LAW.demand(warm, || "not every call succeeds");

    let (succeeded, count) = allocations(|| (0..CALLS).all(call));

    LAW.demand(succeeded, || "not every call succeeds");
    LAW.demand(count == 0, || format!("{CALLS} calls made {count} allocations"));
}
