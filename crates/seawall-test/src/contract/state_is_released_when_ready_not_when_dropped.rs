//! The answer ends the call, not the destructor.

use super::{
    CROWD, Inner, Middleware,
    bench::{Bench, bench, chain, start},
    law::Law,
};
use crate::Task;

const LAW: Law = Law("state_is_released_when_ready_not_when_dropped");

/// A call that has its answer holds nothing, though its future is still around.
///
/// What it catches: a permit that is a field of the future and nothing more (tower's own
/// `ConcurrencyLimit`; linkerd2-proxy #751). A join of many calls keeps the finished futures until the
/// last is done, so that the first ones block the last ones.
///
/// # Panics
///
/// Where the law is broken.
pub fn state_is_released_when_ready_not_when_dropped<S: Middleware>(make: impl FnOnce(Inner) -> S) {
    let (inner, bench): (_, Bench) = bench();
    let mut service = make(inner);
    let task = Task::new();
    let mut finished = Vec::new();
    for kept in 0..CROWD as u64 {
        bench.answer_at_once();
        let response = start(&mut service, &task, kept);
        let mut response = response.unwrap_or_else(|why| {
            LAW.broken(format_args!("with {kept} finished futures still around, {why}"))
        });
        match task.settle(|cx| response.as_mut().poll(cx)).ready() {
            Some(Ok(_)) => finished.push(response),
            Some(Err(error)) => {
                let error = chain(error);
                LAW.broken(format_args!(
                    "with {kept} finished futures still around, the call is refused: {error}"
                ));
            }
            None => LAW.broken(format_args!(
                "with {kept} finished futures still around, the response stays pending"
            )),
        }
    }

    if let Some(why) = bench.refuses(&mut service, 1) {
        LAW.broken(format_args!("with {CROWD} finished futures still around, {why}"));
    }
    drop(finished);
}
