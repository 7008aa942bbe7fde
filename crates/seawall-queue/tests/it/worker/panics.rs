//! Panics where nobody expects one: whatever of the user's code panics, its place is free again.

use std::{error::Error, fmt, time::Duration};

use seawall_core::Clock;
use seawall_queue::{BoxError, Job, Queue, Report, Worker};
use tokio::time::sleep;

#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words for it")
    }
}

impl Error for Unspeakable {}

struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("it snaps")
    }
}

/// One place, one job that panics, one behind it.
async fn report<F, Fut>(handler: F) -> Result<Report, BoxError>
where
    F: Fn(Job<u32>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let queue = Queue::memory("work").clock(Clock::tokio()).build()?;
    queue.push(13).await?;
    queue.push(1).await?;
    let worker = Worker::builder(queue)
        .concurrency(1)
        .max_attempts(1)
        .timeout(Duration::from_secs(1))
        .handler(handler)
        .build()?;
    Ok(worker.run_until(sleep(Duration::from_secs(10))).await)
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_asked_for_words() -> Result<(), BoxError> {
    let report = report(|job| async move {
        match *job.payload() {
            13 => Err(Unspeakable.into()),
            _ => Ok(()),
        }
    })
    .await?;
    assert_eq!((report.done, report.died, report.panicked), (1, 1, 1), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_future_that_panics_when_it_is_dropped() -> Result<(), BoxError> {
    let report = report(|job| async move {
        if *job.payload() == 13 {
            let _trap = Trap;
            std::future::pending::<()>().await;
        }
        Ok(())
    })
    .await?;
    assert_eq!((report.done, report.died, report.panicked), (1, 1, 1), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_before_there_is_a_future() -> Result<(), BoxError> {
    let report = report(|job| {
        assert_ne!(*job.payload(), 13);
        async { Ok(()) }
    })
    .await?;
    assert_eq!((report.done, report.died, report.panicked), (1, 1, 1), "{report:?}");
    Ok(())
}
