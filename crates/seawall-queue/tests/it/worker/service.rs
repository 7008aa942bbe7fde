//! Tower services as handlers.

#![cfg(feature = "tower")]

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::Clock;
use seawall_queue::{BoxError, Job, Queue, Worker};
use tokio::time::sleep;
use tower_service::Service;

/// Ready at the second look; a call before that is a mistake of who calls.
#[derive(Clone, Default)]
struct Slow {
    looks: u32,
}

impl Service<Job<u32>> for Slow {
    type Response = ();
    type Error = BoxError;
    type Future = Ready<Result<(), BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.looks += 1;
        if self.looks >= 2 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, job: Job<u32>) -> Self::Future {
        assert!(self.looks >= 2, "it was not ready");
        ready(if *job.payload() == 13 { Err("refused".into()) } else { Ok(()) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_called_when_it_is_ready_and_its_error_is_a_failed_attempt()
-> Result<(), BoxError> {
    let queue = Queue::memory("work").clock(Clock::tokio()).build()?;
    let bad = queue.push(13).await?;
    queue.push(1).await?;
    queue.push(2).await?;
    let worker = Worker::builder(queue.clone()).max_attempts(1).service(Slow::default()).build()?;
    let report = worker.run_until(sleep(Duration::from_secs(1))).await;

    assert_eq!((report.done, report.died, report.panicked), (2, 1, 0), "{report:?}");
    assert_eq!(queue.job(bad).await?.expect("it is kept").error.as_deref(), Some("refused"));
    Ok(())
}
