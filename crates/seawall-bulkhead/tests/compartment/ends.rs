//! Shutting down, and letting go of the last handle.

use std::{
    sync::{Arc, Barrier, mpsc},
    time::Duration,
};

use seawall_bulkhead::{CompartmentTurn, Drained, Reason};
use seawall_core::sync::Mutex;
use tokio_test::assert_ready;

use crate::support::{LONG, Witness, finish, gate, handed_in, one_thread, reason};

/// Finished, dropped, running.
fn parts(drained: Drained) -> (u64, u64, u64) {
    (drained.finished, drained.dropped, drained.running)
}

thread_local! {
    static ON_EXIT: std::cell::RefCell<Option<Witness>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn a_shutdown_waits_for_what_runs_and_what_waits() {
    let cpu = one_thread().build().unwrap();
    cpu.run_blocking(|| ()).unwrap(); // before, so not part of the report
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    let queued = handed_in(cpu.run(|| "its turn came"));
    held.begun();

    let handle = cpu.clone();
    let shutdown = std::thread::spawn(move || handle.shutdown_blocking(LONG));
    while cpu.snapshot().state != "draining" {
        std::thread::yield_now();
    }
    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::ShuttingDown);
    held.open();
    let drained = shutdown.join().unwrap();

    assert_eq!(parts(drained), (2, 0, 0));
    assert!(drained.is_clean());
    assert_eq!(finish(queued.into_inner()).unwrap(), "its turn came");
    assert_eq!(cpu.snapshot().state, "closed");
    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::ShuttingDown);
}

#[test]
fn what_has_not_begun_by_the_deadline_is_dropped_and_its_caller_told() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();
    let mut queued = handed_in(cpu.run(|| panic!("it must not run")));

    let drained = cpu.shutdown_blocking(Duration::from_millis(1));

    assert_eq!(parts(drained), (0, 1, 1));
    assert!(!drained.is_clean());
    assert!(queued.is_woken());
    assert_eq!(reason(assert_ready!(queued.poll())), Reason::ShuttingDown);
    held.open();
    finish(run.into_inner()).expect("what ran has its answer all the same");
    assert_eq!(parts(cpu.shutdown_blocking(LONG)), (0, 0, 0), "a second one finds nothing");
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn an_async_shutdown_ends_at_its_deadline() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();

    let drained = cpu.shutdown(Duration::from_secs(5)).await;

    assert_eq!(parts(drained), (0, 0, 1));
    held.open();
}

#[cfg(feature = "tokio")]
#[test]
fn an_async_shutdown_ends_when_the_last_job_does() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();

    let drained = finish(async {
        let shutdown = handed_in(cpu.shutdown(LONG));
        held.open();
        shutdown.into_inner().await
    });

    assert_eq!(parts(drained), (1, 0, 0));
}

#[cfg(feature = "tokio")]
#[test]
fn a_shutdown_that_is_dropped_leaves_the_compartment_closed() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();

    finish(async { drop(handed_in(cpu.shutdown(LONG))) });

    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::ShuttingDown);
    held.open();
    finish(run.into_inner()).unwrap();
}

#[test]
fn listeners_hear_of_the_shutdown() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    let cpu = one_thread().on_event(move |event| hear.lock().push(event.turn.clone()));
    let cpu = cpu.build().unwrap();

    let drained = cpu.shutdown_blocking(LONG);

    assert_eq!(*heard.lock(), [CompartmentTurn::ShutDown(drained)]);
}

#[test]
fn with_the_last_handle_the_threads_go() {
    let cpu = one_thread().threads(3).build().unwrap();
    let (tell, gone) = mpsc::channel();
    let all_there = Arc::new(Barrier::new(3));
    let job = || {
        let (tell, all_there) = (tell.clone(), all_there.clone());
        cpu.run(move || {
            ON_EXIT.set(Some(Witness(tell)));
            all_there.wait();
        })
    };
    finish(async { tokio::try_join!(job(), job(), job()) }).unwrap();

    drop(cpu);

    for _ in 0..3 {
        gone.recv_timeout(LONG).expect("each thread ends");
    }
}

#[test]
fn the_threads_go_after_a_shutdown_though_there_are_handles() {
    let cpu = one_thread().build().unwrap();
    let (tell, gone) = mpsc::channel();
    cpu.run_blocking(move || ON_EXIT.set(Some(Witness(tell)))).unwrap();

    cpu.shutdown_blocking(LONG);

    gone.recv_timeout(LONG).expect("the thread ended");
    drop(cpu);
}

#[test]
fn what_runs_when_the_last_handle_is_dropped_runs_to_its_end() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let (tell, done) = mpsc::channel();
    let run = handed_in(cpu.run(move || {
        job();
        tell.send("done").unwrap();
    }));
    held.begun();

    drop(run);
    drop(cpu); // does not wait for it

    held.open();
    assert_eq!(done.recv_timeout(LONG), Ok("done"));
}

#[test]
fn the_last_handle_may_be_dropped_by_a_job() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let (tell, gone) = mpsc::channel();
    let own = cpu.clone();
    let run = handed_in(cpu.run(move || {
        ON_EXIT.set(Some(Witness(tell)));
        job();
        drop(own);
    }));
    held.begun();

    drop(run);
    drop(cpu);
    held.open();

    gone.recv_timeout(LONG).expect("the thread ended");
}
