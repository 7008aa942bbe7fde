//! What a compartment promises to whoever hands a job in.

#![cfg(not(seawall_loom))]

#[path = "compartment/ends.rs"]
mod ends;
#[path = "compartment/panics.rs"]
mod panics;
#[cfg(feature = "tokio")]
#[path = "compartment/runtime.rs"]
mod runtime;
#[path = "compartment/support.rs"]
mod support;
#[cfg(feature = "tracing")]
#[path = "compartment/traced.rs"]
mod traced;
#[path = "compartment/waits.rs"]
mod waits;

use std::{
    sync::{Arc, mpsc},
    task::{self, Waker},
    thread,
};

use seawall_bulkhead::{Compartment, CompartmentBuilder, Error, Panicked, Reason, Registry};
use seawall_core::{
    Context, Priority, context,
    sync::unmodelled::{AtomicUsize, Ordering::SeqCst},
};

use support::{LONG, Witness, finish, finish_anywhere, gate, handed_in, one_thread, reason};

#[test]
fn a_job_runs_on_a_thread_of_the_compartment() {
    let cpu = Compartment::builder("thumbnails").threads(1).build().unwrap();

    let name = cpu.run_blocking(|| thread::current().name().map(str::to_owned)).unwrap();

    assert_eq!(name.as_deref(), Some("thumbnails-0"));
}

#[test]
fn a_job_can_be_awaited_on_any_executor() {
    let cpu = one_thread().build().unwrap();

    assert_eq!(finish_anywhere(cpu.run(|| 6 * 7)).unwrap(), 42);
    assert_eq!(finish_anywhere(cpu.run_async(|| async { 6 * 7 })).unwrap(), 42);
    assert_eq!(finish(cpu.run(|| 6 * 7)).unwrap(), 42);
}

#[test]
fn a_job_beyond_threads_and_queue_is_refused_at_once() {
    let cpu = Compartment::builder("cpu").threads(2).queue(1).build().unwrap();
    let (first, job) = gate();
    let _run_first = handed_in(cpu.run(job));
    let (second, job) = gate();
    let _run_second = handed_in(cpu.run(job));
    first.begun();
    second.begun();

    let queued = handed_in(cpu.run(|| "its turn came"));
    let refused = cpu.run_blocking(|| ()).unwrap_err();

    let rejection = refused.rejection().expect("it did not run");
    assert_eq!((rejection.reason(), rejection.name()), (Reason::BulkheadFull, "cpu"));
    assert_eq!(cpu.snapshot().counters["rejected"], 1);
    first.open();
    second.open();
    assert_eq!(finish(queued.into_inner()).unwrap(), "its turn came");
}

#[test]
fn with_no_queue_a_job_runs_or_is_refused() {
    let cpu = one_thread().queue(0).build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();

    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::BulkheadFull);

    held.open();
    finish(run.into_inner()).unwrap();
    cpu.run_blocking(|| ()).unwrap();
}

#[test]
fn who_has_an_answer_finds_a_place() {
    let cpu = one_thread().queue(0).build().unwrap();

    for job in 0..1_000 {
        assert_eq!(cpu.run_blocking(move || job).unwrap(), job);
    }
}

#[test]
fn jobs_begin_in_the_order_in_which_they_came() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();
    let (tell, order) = mpsc::channel();

    let mut runs: Vec<_> = (0..4)
        .map(|number| {
            let tell = tell.clone();
            handed_in(cpu.run(move || tell.send(number).unwrap()))
        })
        .collect();
    drop(runs.remove(1)); // one in the middle leaves
    held.open();

    for expected in [0, 2, 3] {
        assert_eq!(order.recv_timeout(LONG), Ok(expected));
    }
}

#[test]
fn a_caller_who_goes_before_its_job_began_takes_it_along() {
    let cpu = one_thread().queue(1).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();
    let (tell, dropped) = mpsc::channel();
    let witness = Witness(tell);

    let queued = handed_in(cpu.run(move || {
        let _witness = witness;
        panic!("it must not run");
    }));
    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::BulkheadFull);
    drop(queued);

    dropped.try_recv().expect("its closure was dropped at once");
    let next = handed_in(cpu.run(|| ()));
    held.open();
    finish(next.into_inner()).unwrap();
    assert_eq!(cpu.snapshot().counters["cancelled"], 1);
}

#[test]
fn a_job_that_began_runs_on_in_its_place_though_its_caller_goes() {
    let cpu = one_thread().queue(0).build().unwrap();
    let (held, job) = gate();
    let (tell, done) = mpsc::channel();
    let run = handed_in(cpu.run(move || {
        job();
        Witness(tell)
    }));
    held.begun();

    drop(run);

    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::BulkheadFull);
    held.open();
    done.recv_timeout(LONG).expect("it ran to its end, and its result was dropped");
    while cpu.snapshot().counters["completed"] == 0 {
        thread::yield_now();
    }
    // The place is given back after the count.
    while cpu.run_blocking(|| ()).is_err() {
        thread::yield_now();
    }
}

#[test]
fn a_result_that_nobody_waits_for_is_dropped_in_its_place() {
    struct Heavy(Compartment, mpsc::Sender<u64>);
    impl Drop for Heavy {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.snapshot().gauges["running"] as u64);
        }
    }
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let (tell, running) = mpsc::channel();
    let own = cpu.clone();
    let mut run = Box::pin(cpu.run(move || {
        job();
        Heavy(own, tell)
    }));
    let polled = run.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    held.begun();

    drop(run);
    held.open();

    assert_eq!(running.recv_timeout(LONG), Ok(1));
}

#[test]
fn nothing_is_handed_in_before_the_first_poll() {
    let cpu = one_thread().build().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = ran.clone();

    drop(cpu.run(move || count.fetch_add(1, SeqCst)));

    cpu.run_blocking(|| ()).unwrap();
    assert_eq!(ran.load(SeqCst), 0);
}

#[test]
fn a_job_has_the_context_of_its_caller() {
    let cpu = one_thread().build().unwrap();
    let priority = || context::current().priority();

    let edge = Context::new().with_priority(Priority::HIGH);
    let seen = edge.run(|| cpu.run_blocking(priority)).unwrap();
    let in_future = edge.run(|| cpu.run_blocking(|| ()).map(|()| context::current()));
    let polled = finish(edge.scope(cpu.run_async(move || async move { priority() }))).unwrap();

    assert_eq!((seen, polled), (Some(Priority::HIGH), Some(Priority::HIGH)));
    assert_eq!(in_future.unwrap().priority(), Some(Priority::HIGH));
    assert_eq!(cpu.run_blocking(priority).unwrap(), None, "none is left behind");
}

#[test]
fn a_job_that_blocks_on_its_own_compartment_runs_the_other_in_place() {
    let cpu = one_thread().queue(0).build().unwrap();
    let inner = cpu.clone();

    let (outer, nested) = cpu
        .run_blocking(move || {
            let id = || thread::current().id();
            (id(), inner.run_blocking(id).unwrap())
        })
        .unwrap();

    assert_eq!(outer, nested);
    assert_eq!(cpu.snapshot().counters["completed"], 2);
}

#[test]
fn compartments_do_not_wait_for_each_other() {
    let one = one_thread().build().unwrap();
    let other = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(one.run(job));
    held.begun();

    assert_eq!(other.run_blocking(|| "free").unwrap(), "free");
    assert_eq!(other.run_blocking(|| 1).unwrap(), 1);
    held.open();
}

#[test]
fn a_job_of_another_compartment_is_no_reason_to_run_in_place() {
    let one = Compartment::builder("one").threads(1).build().unwrap();
    let other = Compartment::builder("other").threads(1).build().unwrap();

    let name = one
        .run_blocking(move || other.run_blocking(|| thread::current().name().map(str::to_owned)))
        .unwrap();

    assert_eq!(name.unwrap().as_deref(), Some("other-0"));
}

#[test]
fn clones_share_threads_and_queue() {
    let cpu = one_thread().queue(0).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();

    assert_eq!(reason(cpu.clone().run_blocking(|| ())), Reason::BulkheadFull);
    held.open();
}

#[test]
fn a_snapshot_has_the_numbers_and_no_registry_keeps_it_alive() {
    let cpu = Compartment::builder("cpu").threads(2).queue(3).build().unwrap();
    let registry = Registry::new();
    cpu.register(&registry);
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();

    let snapshot = registry.snapshots().remove(0);

    assert_eq!((&*snapshot.pattern, &*snapshot.name), ("compartment", "cpu"));
    assert_eq!(snapshot.state, "open");
    assert_eq!((snapshot.gauges["running"], snapshot.gauges["queued"]), (1.0, 0.0));
    let limit = |name| snapshot.limits[name];
    assert_eq!((limit("threads"), limit("running"), limit("queue")), (2.0, 2.0, 3.0));
    held.open();
    finish(run.into_inner()).unwrap();
    assert_eq!(cpu.snapshot().counters["completed"], 1);
    drop(cpu);
    assert!(registry.snapshots().is_empty());
}

#[test]
fn what_cannot_be_is_told_by_name() {
    let told = |builder: CompartmentBuilder| builder.build().unwrap_err().to_string();

    assert_eq!(told(one_thread().threads(0)), "`threads` is 0: it must be from 1 to 16384");
    assert_eq!(
        told(one_thread().queue(usize::MAX)),
        format!("`queue` is {}: it must be from 0 to 16777216", usize::MAX)
    );
    assert_eq!(
        told(one_thread().stack_size(1)),
        "`stack_size` is 1: it must be at least 16384 bytes"
    );
    assert_eq!(
        told(one_thread().max_wait(std::time::Duration::ZERO)),
        "`max_wait` is 0s: it must be above zero: without a wait, set `queue` to 0"
    );
    assert_eq!(
        told(Compartment::builder("a\0b")),
        "`name` is a\\u{0}b: it must be fit for a thread, and so without a NUL"
    );
}

#[test]
fn threads_that_do_not_start_are_an_error() {
    let error = one_thread().stack_size(usize::MAX >> 1).build().unwrap_err();

    assert_eq!(error.field(), "threads");
    assert!(error.value().starts_with("1 ("), "{error}");
}

#[test]
fn debug_shows_the_name_and_the_limits() {
    let cpu = Compartment::builder("cpu").threads(1).queue(2).build().unwrap();

    let shown = format!("{cpu:?}");

    assert!(shown.starts_with("Compartment { name: \"cpu\""), "{shown}");
    assert!(shown.contains("queue: 2"), "{shown}");
}

#[test]
fn it_can_be_sent_and_shared() {
    fn all<T: Send + Sync + Unpin>() {}
    fn sendable<T: Send + 'static>(_: T) {}
    all::<Compartment>();
    all::<CompartmentBuilder>();
    all::<Panicked>();
    all::<Error<Panicked>>();

    let cpu = one_thread().build().unwrap();
    sendable(async move { cpu.run(|| std::cell::Cell::new(1)).await });
}
