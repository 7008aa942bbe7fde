//! A panic is as a cancel.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    CROWD, Inner, Middleware,
    bench::{Bench, bench, start},
    law::Law,
};
use crate::{Answer, Task};

const LAW: Law = Law("panic_gives_back");

/// A panic in the inner service, in its `call` or in its future, gives back all that the call held.
///
/// What it catches: locks that are poisoned, permits that are not returned while unwinding, and a
/// request that is entered into a table before a `call` that panics (tower-resilience's coalesce: that
/// key is dead for good).
///
/// # Panics
///
/// Where the law is broken.
pub fn panic_gives_back<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    for in_call in [true, false] {
        panic_many(&mut service, &bench, in_call);
    }
}

fn panic_many<S: Middleware>(service: &mut S, bench: &Bench, in_call: bool) {
    let place = if in_call { "`call`" } else { "its future" };
    bench.held.answer_with(move |_| match in_call {
        true => Answer::PanicInCall,
        false => Answer::Panic,
    });
    let task = Task::new();
    for panicked in 0..CROWD {
        // The same request each time: what is kept by request must be given back too.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            start(service, &task, 1).map(|mut response| {
                task.settle(|cx| response.as_mut().poll(cx));
            })
        }));
        if let Ok(Err(why)) = outcome {
            LAW.broken(format_args!("after {panicked} panics in {place}, {why}"));
        }
    }

    if let Some(why) = bench.refuses(service, 1) {
        LAW.broken(format_args!("after {CROWD} panics in {place}, {why}"));
    }
}
