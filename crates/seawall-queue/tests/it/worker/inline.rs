//! A worker that polls its runs itself promises what others do, but that a blocked handler blocks only itself.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_core::Clock;
use seawall_queue::{BoxError, Job, Queue, Worker, job::State};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn queue() -> Result<Queue<u32>, BoxError> {
    Ok(Queue::memory("work").clock(Clock::tokio()).build()?)
}

#[tokio::test(start_paused = true)]
async fn what_waits_waits_at_the_same_time() -> Result<(), BoxError> {
    let queue = queue()?;
    for seconds in 1..=10 {
        queue.push(seconds).await?;
    }
    let worker = Worker::builder(queue)
        .inline()
        .handler(|job: Job<u32>| async move {
            sleep(SECOND * *job.payload()).await;
            Ok::<_, BoxError>(())
        })
        .build()?;
    let report = worker.run_until(sleep(SECOND * 10 + SECOND / 2)).await;
    assert_eq!((report.done, report.left), (10, 0), "{report:?}");
    Ok(())
}

/// More than begin in one turn, and more than it has places for.
#[tokio::test(start_paused = true)]
async fn many_are_done_with_few_places_and_never_more_at_a_time() -> Result<(), BoxError> {
    let queue = queue()?;
    for job in 0..1_000 {
        queue.push(job).await?;
    }
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let worker = Worker::builder(queue)
        .concurrency(150)
        .inline()
        .handler(move |job: Job<u32>| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Relaxed) + 1, Relaxed);
                if job.payload().is_multiple_of(3) {
                    sleep(Duration::from_millis(5)).await;
                }
                running.fetch_sub(1, Relaxed);
                Ok::<_, BoxError>(())
            }
        })
        .build()?;
    let report = worker.run_until(sleep(SECOND * 5)).await;
    assert_eq!((report.done, report.left), (1_000, 0), "{report:?}");
    assert!((2..=150).contains(&seen.load(Relaxed)), "{seen:?}");
    Ok(())
}

/// In the call, in a poll, at its end: promise 4.
#[tokio::test(start_paused = true)]
async fn who_panics_ends_no_other_run() -> Result<(), BoxError> {
    struct Trap;
    impl Drop for Trap {
        fn drop(&mut self) {
            panic!("it snaps");
        }
    }
    let queue = queue()?;
    for job in [1, 13, 2, 14, 3, 15, 4] {
        queue.push(job).await?;
    }
    let worker = Worker::builder(queue)
        .inline()
        .max_attempts(1)
        .timeout(SECOND)
        .handler(|job: Job<u32>| {
            assert_ne!(*job.payload(), 13, "in the call");
            async move {
                sleep(SECOND / 10).await;
                assert_ne!(*job.payload(), 14, "in a poll");
                if *job.payload() == 15 {
                    let _trap = Trap;
                    pending::<()>().await;
                }
                Ok::<_, BoxError>(())
            }
        })
        .build()?;
    let report = worker.run_until(sleep(SECOND * 5)).await;
    assert_eq!((report.done, report.died, report.panicked), (4, 3, 3), "{report:?}");
    Ok(())
}

/// Promise 3: nothing but the stop wakes this one.
#[tokio::test(start_paused = true)]
async fn who_is_cancelled_while_it_waits_is_woken_and_stopped() -> Result<(), BoxError> {
    let queue = queue()?;
    let id = queue.push(1).await?;
    let worker = Worker::builder(queue.clone())
        .inline()
        .handler(|_| async {
            pending::<()>().await;
            Ok::<_, BoxError>(())
        })
        .build()?;
    let shutdown = async {
        sleep(SECOND).await;
        queue.cancel(id).await.expect("it can't fail");
        sleep(SECOND * 15).await; // a heartbeat carries it
    };
    let report = worker.run_until(shutdown).await;
    assert_eq!((report.cancelled, report.left), (1, 0), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropped_it_drops_its_runs_and_their_places_are_free() -> Result<(), BoxError> {
    struct Trap;
    impl Drop for Trap {
        fn drop(&mut self) {
            panic!("it snaps");
        }
    }
    let queue = queue()?;
    let quiet = queue.push(1).await?;
    queue.push(13).await?;
    let worker = Worker::builder(queue.clone())
        .inline()
        .handler(|job: Job<u32>| async move {
            let _trap = (*job.payload() == 13).then(|| Trap);
            pending::<()>().await;
            Ok::<_, BoxError>(())
        })
        .build()?;

    assert!(
        timeout(SECOND, worker.run_until(pending())).await.is_err(),
        "no panic comes out of it"
    );

    assert_eq!(worker.in_flight(), 1, "how the one ended that panicked is still to be said");
    let job = queue.job(quiet).await?.expect("it is kept");
    assert_eq!(job.state, State::Leased, "nothing was said, its lease goes on");
    Ok(())
}
