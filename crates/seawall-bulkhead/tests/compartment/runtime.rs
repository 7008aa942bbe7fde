//! A compartment with a tokio runtime of its own.

use std::{sync::mpsc, thread, time::Duration};

use seawall_bulkhead::{Compartment, Reason};

use crate::support::{LONG, Witness, finish, finish_anywhere, gate, handed_in, one_thread, reason};

fn runtime(limit: usize, queue: usize) -> Compartment {
    Compartment::builder("io").threads(1).limit(limit).queue(queue).runtime().build().unwrap()
}

/// A future that is pending for good, and says when it is dropped.
async fn pending(begun: mpsc::Sender<()>, dropped: Witness) {
    begun.send(()).unwrap();
    let _dropped = dropped;
    std::future::pending().await
}

#[test]
fn a_future_has_the_threads_and_the_timers_of_the_compartment() {
    let io = runtime(1, 0);

    let name = finish_anywhere(io.run_async(|| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        thread::current().name().map(str::to_owned)
    }));

    assert_eq!(name.unwrap().as_deref(), Some("io-0"));
}

#[test]
fn a_closure_runs_there_too() {
    let io = runtime(1, 0);

    assert_eq!(io.run_blocking(|| 6 * 7).unwrap(), 42);
    let inner = io.clone();
    assert_eq!(io.run_blocking(move || inner.run_blocking(|| 1).unwrap()).unwrap(), 1);
}

#[test]
fn futures_that_wait_share_a_thread_up_to_the_limit() {
    let io = runtime(2, 1);
    let (tell, begun) = mpsc::channel();
    let (gone, _dropped) = mpsc::channel();
    let job = || {
        let (tell, gone) = (tell.clone(), Witness(gone.clone()));
        handed_in(io.run_async(move || pending(tell, gone)))
    };

    let _runs = [job(), job(), job()];
    begun.recv_timeout(LONG).unwrap();
    begun.recv_timeout(LONG).unwrap();

    assert_eq!(reason(io.run_blocking(|| ())), Reason::BulkheadFull);
    let gauges = io.snapshot().gauges;
    assert_eq!((gauges["running"], gauges["queued"]), (2.0, 1.0));
}

#[test]
fn a_caller_who_goes_cancels_its_future_and_lets_the_next_begin() {
    let io = runtime(1, 1);
    let (tell, begun) = mpsc::channel();
    let (gone, dropped) = mpsc::channel();
    let run = handed_in(io.run_async(move || pending(tell, Witness(gone))));
    begun.recv_timeout(LONG).unwrap();
    let next = handed_in(io.run_async(move || async move { dropped.try_recv().is_ok() }));

    drop(run);

    assert!(finish(next.into_inner()).unwrap(), "it was dropped before its place was given on");
    assert_eq!(io.snapshot().counters["cancelled"], 1);
}

#[test]
fn without_a_runtime_too_a_caller_who_goes_cancels_its_future() {
    let cpu = one_thread().build().unwrap();
    let (tell, begun) = mpsc::channel();
    let (gone, dropped) = mpsc::channel();
    let run = handed_in(cpu.run_async(move || pending(tell, Witness(gone))));
    begun.recv_timeout(LONG).unwrap();

    drop(run);

    dropped.recv_timeout(LONG).expect("it was dropped where it waited");
    cpu.run_blocking(|| ()).unwrap();
}

#[test]
fn a_caller_outside_tokio_is_refused_on_time_by_the_timers_of_the_compartment() {
    let io = Compartment::builder("io").threads(2).limit(1).queue(1).runtime();
    let io = io.max_wait(Duration::from_millis(20)).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(io.run(job));
    held.begun();

    assert_eq!(reason(finish_anywhere(io.run(|| ()))), Reason::BulkheadFull);

    held.open();
}

#[test]
fn a_caller_on_tokio_is_refused_on_time_though_a_job_blocks_the_threads() {
    let io = one_thread().runtime().max_wait(Duration::from_millis(20)).build().unwrap();
    let (held, job) = gate();
    let _run = handed_in(io.run(job));
    held.begun();

    assert_eq!(reason(finish(io.run(|| ()))), Reason::BulkheadFull);

    held.open();
}

#[tokio::test]
async fn the_last_handle_may_be_dropped_in_async_code() {
    let io = runtime(1, 0);
    io.run_async(|| async {}).await.unwrap();
    drop(io);
}

#[test]
fn the_last_handle_may_be_dropped_by_a_future_of_the_compartment() {
    let io = runtime(1, 0);
    let (tell, dropped) = mpsc::channel();
    let (go, told) = tokio::sync::oneshot::channel::<()>();
    let (own, task) = (io.clone(), io.clone());
    let run = finish(async move {
        let job = async move {
            let _ = told.await;
            drop(own);
            tell.send(()).unwrap();
        };
        // A task of the runtime, and not a job: nobody waits for it.
        task.run_async(move || async move { drop(tokio::spawn(job)) }).await
    });
    run.unwrap();

    drop(io);
    go.send(()).unwrap();

    dropped.recv_timeout(LONG).expect("the drop did not panic");
}

#[test]
#[allow(clippy::mem_forget, reason = "a caller who leaks its future is what this is about")]
fn a_future_that_runs_when_the_last_handle_goes_is_dropped() {
    let io = runtime(1, 0);
    let (tell, begun) = mpsc::channel();
    let (gone, dropped) = mpsc::channel();
    let mut run = Box::pin(io.run_async(move || pending(tell, Witness(gone))));
    let noop = std::task::Waker::noop();
    assert!(run.as_mut().poll(&mut std::task::Context::from_waker(noop)).is_pending());
    begun.recv_timeout(LONG).unwrap();

    // The borrow of the handle is over, and the caller never goes.
    std::mem::forget(run);
    drop(io);

    dropped.recv_timeout(LONG).expect("with the runtime");
}

#[test]
fn a_shutdown_drains_the_runtime_too() {
    let io = runtime(1, 1);
    let (held, job) = gate();
    let _run = handed_in(io.run(job));
    held.begun();
    let queued = handed_in(io.run_async(|| async { "its turn came" }));

    let drained = finish(async {
        let shutdown = handed_in(io.shutdown(LONG));
        held.open();
        shutdown.into_inner().await
    });

    assert_eq!((drained.finished, drained.dropped, drained.running), (2, 0, 0));
    assert_eq!(finish(queued.into_inner()).unwrap(), "its turn came");
}

#[test]
fn a_limit_other_than_one_a_thread_needs_a_runtime() {
    let error = one_thread().limit(2).build().unwrap_err();

    assert_eq!(
        error.to_string(),
        "`limit` is 2: it must be as many as there are threads (1), but on a `runtime`"
    );
}

#[test]
fn threads_of_a_runtime_that_do_not_start_are_an_error() {
    let error = one_thread().threads(2).runtime().stack_size(usize::MAX >> 1).build().unwrap_err();

    assert_eq!(error.field(), "threads");
}
