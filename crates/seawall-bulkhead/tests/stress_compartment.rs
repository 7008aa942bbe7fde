//! Real threads, as many jobs as fit into a moment, with callers who go and jobs that panic: what
//! loom's small models leave out, and what ThreadSanitizer is run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which
//! does not see into the standard library.

#![cfg(not(seawall_loom))]

use std::{
    future::Future,
    panic::resume_unwind,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_bulkhead::{Compartment, CompartmentBuilder, Error, Reason};
use seawall_core::sync::unmodelled::{AtomicU64, Ordering::Relaxed};

const CALLERS: u64 = 4;
const JOBS: u64 = 3_000;
const LONG: Duration = Duration::from_secs(60);

/// What happened, as those saw it who did it.
#[derive(Debug, Default)]
struct Seen {
    began: AtomicU64,
    dropped: AtomicU64,
    answered: AtomicU64,
    panicked: AtomicU64,
    refused: AtomicU64,
    left: AtomicU64,
    running: AtomicU64,
}

/// Counts itself as dropped, run or not.
struct Closure(Arc<Seen>);

impl Drop for Closure {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Relaxed);
    }
}

fn body(seen: &Arc<Seen>, limit: u64, job: u64) -> impl FnOnce() -> u64 + Send + 'static {
    let closure = Closure(seen.clone());
    move || {
        let seen = &closure.0;
        seen.began.fetch_add(1, Relaxed);
        assert!(seen.running.fetch_add(1, Relaxed) < limit, "more run than may");
        seen.running.fetch_sub(1, Relaxed);
        if job.is_multiple_of(7) {
            resume_unwind(Box::new("a job that panics, without the noise"));
        }
        job
    }
}

fn call(compartment: &Compartment, seen: &Arc<Seen>, limit: u64, job: u64) {
    let body = body(seen, limit, job);
    let outcome = match job % 3 {
        0 => {
            // A caller who goes: sooner, later, or after the end.
            let mut run = pin!(compartment.run_async(move || async move { body() }));
            let mut cx = Context::from_waker(Waker::noop());
            match run.as_mut().poll(&mut cx) {
                std::task::Poll::Ready(outcome) => outcome,
                std::task::Poll::Pending => {
                    for _ in 0..job % 5 {
                        thread::yield_now();
                    }
                    seen.left.fetch_add(1, Relaxed);
                    return;
                }
            }
        }
        _ => compartment.run_blocking(body),
    };
    let count = match outcome {
        Ok(answer) => {
            assert_eq!(answer, job);
            &seen.answered
        }
        Err(Error::Inner(_)) => &seen.panicked,
        Err(Error::Rejected(refused)) => {
            assert_eq!(refused.reason(), Reason::BulkheadFull);
            &seen.refused
        }
    };
    count.fetch_add(1, Relaxed);
}

fn hammer(builder: CompartmentBuilder, limit: u64) {
    let compartment = builder.build().unwrap();
    let seen = Arc::new(Seen::default());
    let start = |caller| {
        let (compartment, seen) = (compartment.clone(), seen.clone());
        thread::spawn(move || {
            (0..JOBS).for_each(|job| call(&compartment, &seen, limit, job + caller));
        })
    };
    let callers: Vec<JoinHandle<()>> = (0..CALLERS).map(start).collect();
    callers.into_iter().for_each(|caller| caller.join().expect("no caller panics"));
    let drained = compartment.shutdown_blocking(LONG);

    assert!(drained.is_clean(), "{drained:?}");
    let count = |stat: &AtomicU64| stat.load(Relaxed);
    let snapshot = compartment.snapshot();
    let counter = |name| snapshot.counters[name];
    assert_eq!(count(&seen.dropped), CALLERS * JOBS, "each closure once");
    assert_eq!(
        count(&seen.answered) + count(&seen.panicked) + count(&seen.refused) + count(&seen.left),
        CALLERS * JOBS,
        "each caller once"
    );
    assert_eq!(counter("rejected"), count(&seen.refused));
    let ended = ["completed", "panicked", "cancelled"].map(counter);
    assert_eq!(ended.iter().sum::<u64>() + counter("rejected"), CALLERS * JOBS, "each job once");
    assert_eq!(ended[0] + ended[1], count(&seen.began));
    assert_eq!((counter("expired"), counter("dropped")), (0, 0));
    let gauges = ["running", "queued"].map(|name| snapshot.gauges[name]);
    assert_eq!(gauges.map(|gauge| gauge as u64), [0, 0]);
}

#[test]
fn every_job_ends_once_on_threads() {
    hammer(Compartment::builder("stress").threads(2).queue(3), 2);
}

#[cfg(feature = "tokio")]
#[test]
fn every_job_ends_once_on_a_runtime() {
    hammer(Compartment::builder("stress").threads(2).queue(3).limit(3).runtime(), 3);
}

#[test]
fn no_caller_is_forgotten_when_it_shuts_down_under_load() {
    for _ in 0..50 {
        let compartment = Compartment::builder("stress").threads(2).queue(2).build().unwrap();
        let start = |_| {
            let compartment = compartment.clone();
            thread::spawn(move || {
                let mut answers = 0_u64;
                loop {
                    match compartment.run_blocking(|| ()) {
                        Ok(()) => answers += 1,
                        Err(Error::Inner(panicked)) => panic!("{panicked}"),
                        Err(Error::Rejected(refused)) => match refused.reason() {
                            Reason::ShuttingDown => return answers,
                            reason => assert_eq!(reason, Reason::BulkheadFull),
                        },
                    }
                }
            })
        };
        let callers: Vec<JoinHandle<u64>> = (0..CALLERS).map(start).collect();
        while compartment.snapshot().counters["completed"] < 20 {
            thread::yield_now();
        }
        let drained = compartment.shutdown_blocking(LONG);

        let answers: u64 = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        assert!(drained.is_clean(), "{drained:?}");
        assert_eq!(answers, compartment.snapshot().counters["completed"]);
    }
}
