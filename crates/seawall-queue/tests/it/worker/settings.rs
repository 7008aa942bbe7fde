//! What is set, and what it does.

use std::{sync::Arc, time::Duration};

use seawall_core::{Backoff, Clock, Jitter, deadline, sync::Mutex};
use seawall_queue::{BoxError, Job, Memory, Queue, Worker, WorkerBuilder, storage::Settings};
use tokio::time::{Instant, sleep};

use crate::queue::Deaf;

const SECOND: Duration = Duration::from_secs(1);

fn queue() -> Queue<u32> {
    Queue::memory("work").clock(Clock::tokio()).build().expect("sound settings")
}

/// A worker whose runs fail, and what `look` saw of each.
fn failing<R: Send + 'static>(
    queue: &Queue<u32>,
    look: impl Fn(&Job<u32>) -> R + Send + Sync + 'static,
) -> (WorkerBuilder<u32>, Arc<Mutex<Vec<R>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let worker = Worker::builder(queue.clone()).handler(move |job: Job<u32>| {
        note.lock().push(look(&job));
        async { Err::<(), BoxError>("it fails".into()) }
    });
    (worker, seen)
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let refused = |set: fn(WorkerBuilder<u32>) -> WorkerBuilder<u32>| {
        let sound = failing(&queue(), |_| ()).0;
        let error = set(sound).build().expect_err("it cannot be");
        (error.field().to_owned(), error.value().to_owned())
    };
    let is = |field: &str, value: &str| (field.to_owned(), value.to_owned());

    assert_eq!(refused(|w| w.lease(Duration::from_millis(9))), is("lease", "9ms"));
    assert_eq!(refused(|w| w.max_attempts(0)), is("max_attempts", "0"));
    assert_eq!(refused(|w| w.max_crashes(0)), is("max_crashes", "0"));
    assert_eq!(refused(|w| w.timeout(Duration::ZERO)), is("timeout", "0s"));
    assert_eq!(refused(|w| w.poll(Duration::ZERO)), is("poll", "0s"));
    let error = Worker::builder(queue()).build().expect_err("it does nothing");
    assert_eq!(error.field(), "handler");
}

#[tokio::test(start_paused = true)]
async fn what_failed_waits_for_its_backoff() -> Result<(), BoxError> {
    let queue = queue();
    queue.push(1).await?;
    let start = Instant::now();
    let (worker, begun) = failing(&queue, move |_| start.elapsed().as_secs());
    let backoff = Backoff::exponential(SECOND * 10).jitter(Jitter::None);
    let worker = worker.max_attempts(3).backoff(backoff).build()?;
    worker.run_until(sleep(SECOND * 100)).await;

    assert_eq!(*begun.lock(), [0, 10, 30]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_knows_which_attempt_it_is_and_whether_it_is_the_last() -> Result<(), BoxError> {
    let queue = queue();
    queue.push(1).await?;
    queue.push(Job::new(2).max_attempts(1)).await?;
    let look = |job: &Job<u32>| (*job.payload(), job.attempt(), job.is_last_attempt());
    let (worker, seen) = failing(&queue, look);
    worker.concurrency(1).max_attempts(2).build()?.run_until(sleep(SECOND * 100)).await;

    assert_eq!(*seen.lock(), [(1, 1, false), (2, 1, true), (1, 2, true)]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_knows_how_much_time_it_has() -> Result<(), BoxError> {
    for limit in [None, Some(SECOND * 5)] {
        let queue = queue();
        queue.push(1).await?;
        let left = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&left);
        let worker = Worker::builder(queue).handler(move |_| {
            let note = Arc::clone(&note);
            async move {
                note.lock().push(deadline::remaining());
                Ok::<_, BoxError>(())
            }
        });
        let worker = match limit {
            Some(limit) => worker.timeout(limit),
            None => worker,
        };
        worker.build()?.run_until(sleep(SECOND)).await;

        let [left] = left.lock()[..] else { panic!("it ran once") };
        match (limit, left) {
            (None, left) => assert_eq!(left, None),
            (Some(limit), left) => {
                let spent = left.and_then(|left| limit.checked_sub(left));
                assert!(spent.is_some_and(|spent| spent < limit), "{left:?} of {limit:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_no_hint_tells_is_found_by_the_next_look() -> Result<(), BoxError> {
    let memory = Memory::new(Settings::new(10), Clock::tokio())?;
    let queue = Queue::builder("deaf").storage(Deaf(memory));
    let start = Instant::now();
    let (worker, begun) = failing(&queue, move |_| start.elapsed());
    let worker = worker.max_attempts(1).poll(SECOND * 10).build()?;
    let until = async {
        sleep(SECOND * 25).await;
        queue.push(1).await.expect("there is room");
        sleep(SECOND * 10).await;
    };
    worker.run_until(until).await;

    assert!(matches!(begun.lock()[..], [at] if at <= SECOND * 35), "{:?}", begun.lock());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_promote_makes_due_is_begun_at_once() -> Result<(), BoxError> {
    let memory = Memory::new(Settings::new(10), Clock::tokio())?;
    let queue = Queue::builder("deaf").storage(Deaf(memory));
    queue.push(Job::new(1).delay(SECOND * 5)).await?;
    let start = Instant::now();
    let (worker, begun) = failing(&queue, move |_| start.elapsed().as_secs());
    worker.max_attempts(1).poll(SECOND * 60).build()?.run_until(sleep(SECOND * 100)).await;

    assert_eq!(*begun.lock(), [5]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_looks_at_a_lease_is_told_whose_it_is() -> Result<(), BoxError> {
    let queue = queue();
    let id = queue.push(1).await?;
    let worker = Worker::builder(queue.clone()).name("ada").handler(|_| async {
        sleep(SECOND * 5).await;
        Ok::<_, BoxError>(())
    });
    let worker = worker.build()?;
    let look = async {
        sleep(SECOND).await;
        let job = queue.job(id).await.expect("memory does not fail").expect("it is there");
        assert_eq!(job.worker.as_deref(), Some("ada"));
    };
    worker.run_until(look).await;
    Ok(())
}
