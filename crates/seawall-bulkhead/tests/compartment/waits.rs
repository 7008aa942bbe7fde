//! How long a job may wait for its turn.

use std::time::Duration;

use seawall_bulkhead::{Clock, Reason};
use seawall_core::{Context, Deadline, deadline, marks};
use tokio_test::assert_ready;

use crate::support::{finish, finish_anywhere, gate, handed_in, one_thread, reason};

const WAIT: Duration = Duration::from_millis(50);

#[test]
fn a_job_that_waited_too_long_is_not_run() {
    let (clock, hand) = Clock::manual();
    let cpu = one_thread().max_wait(WAIT).clock(clock).build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();
    let queued = handed_in(cpu.run(|| panic!("it must not run")));

    hand.advance(WAIT);
    held.open();

    assert_eq!(reason(finish_anywhere(queued.into_inner())), Reason::BulkheadFull);
    assert_eq!(cpu.snapshot().counters["expired"], 1);
    assert!(finish_anywhere(run.into_inner()).is_ok(), "what has begun has time");
}

#[test]
fn a_job_that_waited_for_less_is_run() {
    let (clock, hand) = Clock::manual();
    let cpu = one_thread().max_wait(WAIT).clock(clock).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();
    let queued = handed_in(cpu.run(|| "in time"));

    hand.advance(WAIT - Duration::from_nanos(1));
    held.open();

    assert_eq!(finish_anywhere(queued.into_inner()).unwrap(), "in time");
}

#[test]
fn a_blocking_caller_is_refused_on_time_though_no_thread_is_free() {
    let cpu = one_thread().queue(1).max_wait(WAIT).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();

    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::BulkheadFull);
    assert_eq!(cpu.snapshot().gauges["queued"] as u64, 0, "its place is free");
    held.open();
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn a_caller_on_tokio_is_refused_on_time_though_no_thread_is_free() {
    let cpu = one_thread().queue(1).max_wait(WAIT).clock(Clock::tokio()).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();
    let start = tokio::time::Instant::now();

    let refused = cpu.run(|| ()).await;

    assert_eq!(reason(refused), Reason::BulkheadFull);
    assert!(start.elapsed() >= WAIT && start.elapsed() < 2 * WAIT, "{:?}", start.elapsed());
    assert_eq!(cpu.snapshot().gauges["queued"] as u64, 0, "its place is free");
    held.open();
}

#[test]
fn a_deadline_that_has_passed_is_told_at_the_door() {
    let (clock, hand) = Clock::manual();
    let cpu = one_thread().build().unwrap();
    let call = Context::new().with_deadline(Deadline::after_on(clock, WAIT));
    hand.advance(WAIT);

    let refused = call.run(|| cpu.run_blocking(|| panic!("it must not run")));

    assert_eq!(reason(refused), Reason::DeadlineExceeded);
    assert_eq!(cpu.snapshot().counters["rejected"], 1, "it never stood in the line");
}

#[test]
fn a_job_whose_deadline_passed_in_the_queue_is_not_run() {
    let (clock, hand) = Clock::manual();
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();
    let call = Context::new().with_deadline(Deadline::after_on(clock, WAIT));
    let queued = handed_in(call.scope(cpu.run(|| panic!("it must not run"))));

    hand.advance(WAIT);
    held.open();

    assert_eq!(reason(finish_anywhere(queued.into_inner())), Reason::DeadlineExceeded);
}

#[cfg(feature = "tokio")]
#[test]
fn a_deadline_ends_the_wait_on_time() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(cpu.run(job));
    held.begun();

    let refused = finish(deadline::scope(WAIT, cpu.run(|| ())));

    assert_eq!(reason(refused), Reason::DeadlineExceeded);
    held.open();
}

#[test]
fn a_job_that_began_in_time_is_answered_after_its_wait_is_over() {
    let cpu = one_thread().max_wait(WAIT).build().unwrap();
    let (held, job) = gate();
    let (tell, over) = std::sync::mpsc::channel();
    let mut run = handed_in(deadline::scope(
        WAIT,
        cpu.run(move || {
            job();
            tell.send(()).unwrap();
            "done"
        }),
    ));
    held.begun();

    let system = Clock::system();
    let begun = system.now();
    while system.now().since(begun) < 2 * WAIT {
        std::thread::yield_now();
    }
    assert!(run.poll().is_pending(), "it has begun, and goes on");
    held.open();

    over.recv_timeout(crate::support::LONG).unwrap();
    assert_eq!(finish(run.into_inner()).unwrap(), "done");
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_does_not_spin() {
    let cpu = one_thread().max_wait(WAIT).clock(Clock::tokio()).build().unwrap();
    let (held, job) = gate();
    let run = tokio::spawn(async move { cpu.run(job).await });
    tokio::task::yield_now().await;
    held.begun();

    tokio::time::sleep(2 * WAIT).await;
    held.open();

    run.await.unwrap().expect("it began in time");
}

#[test]
fn every_refusal_leaves_its_mark_on_the_callers_thread() {
    let (clock, hand) = Clock::manual();
    let cpu = one_thread().queue(1).max_wait(WAIT).clock(clock).build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();
    let mut queued = handed_in(cpu.run(|| ()));

    let before = marks();
    assert_eq!(reason(cpu.run_blocking(|| ())), Reason::BulkheadFull);
    assert_ne!(marks(), before, "at the door");

    hand.advance(WAIT);
    held.open();
    finish_anywhere(run.into_inner()).unwrap();
    while !queued.is_woken() {
        std::thread::yield_now();
    }
    let before = marks();
    let late = assert_ready!(queued.poll());
    assert_eq!(reason(late), Reason::BulkheadFull);
    assert_ne!(marks(), before, "late, by the thread that took the job");
}
