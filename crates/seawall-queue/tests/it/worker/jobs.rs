//! What the worker promises, on a paused clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use seawall_core::Clock;
use seawall_queue::{
    BoxError, Job, Queue, Report, Worker, WorkerBuilder, job::State, worker::Stop,
};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn queue() -> Queue<u32> {
    Queue::memory("work").clock(Clock::tokio()).build().expect("sound settings")
}

fn worker(queue: &Queue<u32>) -> WorkerBuilder<u32> {
    Worker::builder(queue.clone()).seed(7)
}

async fn after(time: Duration, worker: WorkerBuilder<u32>) -> Report {
    worker.build().expect("sound settings").run_until(sleep(time)).await
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_is_done_once() -> Result<(), BoxError> {
    let queue = queue();
    for job in 0..1_000 {
        queue.push(job).await?;
    }
    let ran = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&ran);
    let report = after(
        SECOND,
        worker(&queue).handler(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, BoxError>(()) }
        }),
    )
    .await;

    assert_eq!((report.claimed, report.done, report.left), (1_000, 1_000, 0));
    assert_eq!(ran.load(Ordering::Relaxed), 1_000);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_a_time_than_asked_for() -> Result<(), BoxError> {
    let queue = queue();
    for job in 0..100 {
        queue.push(job).await?;
    }
    let now = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let (n, m) = (Arc::clone(&now), Arc::clone(&most));
    let report = after(
        SECOND * 60,
        worker(&queue).concurrency(7).handler(move |_| {
            let (n, m) = (Arc::clone(&n), Arc::clone(&m));
            async move {
                m.fetch_max(n.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(SECOND).await;
                n.fetch_sub(1, Ordering::Relaxed);
                Ok::<_, BoxError>(())
            }
        }),
    )
    .await;

    assert_eq!(report.done, 100);
    assert_eq!(most.load(Ordering::Relaxed), 7);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_longer_than_its_lease_keeps_it() -> Result<(), BoxError> {
    let queue = queue();
    queue.push(1).await?;
    let report = after(
        SECOND * 200,
        worker(&queue).lease(SECOND * 10).handler(|_| async {
            sleep(SECOND * 100).await;
            Ok::<_, BoxError>(())
        }),
    )
    .await;

    assert_eq!((report.claimed, report.done, report.lost), (1, 1, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_panics_has_failed_and_nobody_else() -> Result<(), BoxError> {
    let queue = queue();
    let bad = queue.push(13).await?;
    for job in 0..10 {
        queue.push(job).await?;
    }
    let report = after(
        SECOND * 3_600,
        worker(&queue).max_attempts(3).handler(|job: Job<u32>| async move {
            assert_ne!(*job.payload(), 13, "an unlucky number");
            Ok::<_, BoxError>(())
        }),
    )
    .await;

    assert_eq!((report.done, report.panicked, report.died), (10, 3, 1));
    let dead = queue.job(bad).await?.expect("it is kept");
    assert_eq!(dead.state, State::Dead);
    assert!(dead.error.is_some_and(|error| error.contains("an unlucky number")));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_cut() -> Result<(), BoxError> {
    let queue = queue();
    queue.push(1).await?;
    let report = after(
        SECOND * 3_600,
        worker(&queue).max_attempts(2).timeout(SECOND * 5).handler(|_| async {
            std::future::pending::<()>().await;
            Ok::<_, BoxError>(())
        }),
    )
    .await;

    assert_eq!((report.timed_out, report.died, report.left), (2, 1, 0));
    Ok(())
}

/// A thread that may block can't be dropped: it asks.
#[tokio::test(start_paused = true)]
async fn who_works_on_after_his_time_can_see_why_he_is_to_stop() -> Result<(), BoxError> {
    let queue = queue();
    queue.push(1).await?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let report = after(
        SECOND * 60,
        worker(&queue).max_attempts(1).timeout(SECOND * 5).handler(move |job: Job<u32>| {
            let tell = tell.clone();
            tokio::spawn(async move {
                while job.stopped().is_none() {
                    sleep(SECOND / 10).await;
                }
                tell.send(job.stopped()).expect("somebody listens");
            });
            std::future::pending::<Result<(), BoxError>>()
        }),
    )
    .await;

    assert_eq!((report.timed_out, report.died), (1, 1));
    let told = timeout(SECOND, told.recv()).await.expect("it has asked since");
    assert_eq!(told, Some(Some(Stop::TimedOut)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_gives_back_what_runs_too_long_and_counts_no_attempt() -> Result<(), BoxError> {
    let queue = queue();
    let id = queue.push(1).await?;
    let start = Instant::now();
    let report = after(
        SECOND,
        worker(&queue).drain(SECOND * 5).handler(|_| async {
            std::future::pending::<()>().await;
            Ok::<_, BoxError>(())
        }),
    )
    .await;

    assert_eq!(start.elapsed().as_secs(), 1 + 5, "no more patience than was asked for");
    assert_eq!((report.released, report.left), (1, 0));
    let job = queue.job(id).await?.expect("it is there");
    assert_eq!((job.state, job.counts.attempts, job.counts.crashes), (State::Ready, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_is_cancelled_is_stopped_by_the_next_heartbeat() -> Result<(), BoxError> {
    let queue = queue();
    let id = queue.push(1).await?;
    let worker = worker(&queue)
        .lease(SECOND * 3)
        .handler(|_| async {
            std::future::pending::<()>().await;
            Ok::<_, BoxError>(())
        })
        .build()?;
    let stop = async {
        sleep(SECOND * 3 / 2).await;
        queue.cancel(id).await.expect("the memory answers");
        assert_eq!(worker.in_flight(), 1);
        sleep(SECOND).await;
        assert_eq!(worker.in_flight(), 0);
    };
    let report = worker.run_until(stop).await;

    assert_eq!((report.cancelled, report.left), (1, 0));
    assert_eq!(queue.job(id).await?.expect("it is kept").state, State::Cancelled);
    Ok(())
}
