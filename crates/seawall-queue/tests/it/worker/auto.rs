//! A worker that finds its concurrency: more while jobs wait for too long, and how many such workers it would take.

use std::{ops::RangeInclusive, time::Duration};

use seawall_core::Clock;
use seawall_queue::{BoxError, Concurrency, Job, Queue, Worker, WorkerBuilder};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn sleeper(queue: &Queue<u32>, concurrency: Concurrency) -> WorkerBuilder<u32> {
    Worker::builder(queue.clone()).concurrency(concurrency).handler(|_: Job<u32>| async {
        sleep(SECOND).await;
        Ok::<_, BoxError>(())
    })
}

async fn full(jobs: u32) -> Result<Queue<u32>, BoxError> {
    let queue = Queue::memory("work").clock(Clock::tokio()).build()?;
    for job in 0..jobs {
        queue.push(job).await?;
    }
    Ok(queue)
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_too_long_gets_more_places() -> Result<(), BoxError> {
    let queue = full(2_000).await?;
    let worker = sleeper(&queue, Concurrency::auto(1..=64)).build()?;
    assert_eq!(worker.places(), 1);
    let seen = async {
        sleep(SECOND * 10).await;
        assert_eq!(worker.places(), 64);
        assert!(worker.desired_workers() > 4, "{}", worker.desired_workers());
        sleep(SECOND * 30).await;
    };
    let report = worker.run_until(seen).await;

    assert_eq!(report.done, 2_000, "one place would have done 40");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn places_that_are_not_needed_go_after_a_while() -> Result<(), BoxError> {
    let queue = full(500).await?;
    let worker = sleeper(&queue, Concurrency::auto(2..=64)).build()?;
    let seen = async {
        sleep(SECOND * 1_800).await;
        assert_eq!((worker.places(), worker.desired_workers()), (2, 1));
    };
    let report = worker.run_until(seen).await;

    assert_eq!((report.done, report.released), (500, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_number_stays_what_it_is() -> Result<(), BoxError> {
    let queue = full(500).await?;
    let worker = sleeper(&queue, Concurrency::fixed(3)).build()?;
    let seen = async {
        sleep(SECOND * 20).await;
        assert_eq!((worker.places(), worker.in_flight()), (3, 3));
        assert_eq!(queue.snapshot().state, "running");
    };
    worker.run_until(seen).await;
    Ok(())
}

#[test]
fn bounds_that_cannot_be_are_refused_by_name() {
    let queue = Queue::memory("work").build().expect("sound settings");
    let refused = |concurrency: Concurrency| {
        let error = sleeper(&queue, concurrency).build().expect_err("it cannot be");
        (error.field().to_owned(), error.value().to_owned())
    };
    assert_eq!(refused(Concurrency::fixed(0)), ("concurrency".into(), "0".into()));
    assert_eq!(
        refused(Concurrency::auto(RangeInclusive::new(8, 4))),
        ("concurrency".into(), "8..=4".into())
    );
    assert_eq!(refused(Concurrency::auto(1..=70_000)), ("concurrency".into(), "1..=70000".into()));
    let at_once = Concurrency::auto(1..=4).target_delay(Duration::ZERO);
    assert_eq!(refused(at_once), ("target_delay".into(), "0s".into()));
}
