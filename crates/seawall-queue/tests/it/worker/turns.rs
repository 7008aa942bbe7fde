//! Whose turn it is, and when it is nobody's: keys, priorities, a pause.

use std::{sync::Arc, time::Duration};

use seawall_core::{Clock, Priority, sync::Mutex};
use seawall_queue::{BoxError, Job, NewJob, Queue, Worker, WorkerBuilder};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

type Begun = Arc<Mutex<Vec<u32>>>;

/// A worker whose runs take a second each, and what it began, in turn.
fn noted(queue: &Queue<u32>) -> (WorkerBuilder<u32>, Begun) {
    let begun = Begun::default();
    let note = Arc::clone(&begun);
    let worker = Worker::builder(queue.clone()).handler(move |job: Job<u32>| {
        note.lock().push(*job.payload());
        async {
            sleep(SECOND).await;
            Ok::<_, BoxError>(())
        }
    });
    (worker, begun)
}

#[tokio::test(start_paused = true)]
async fn who_has_many_jobs_of_one_key_holds_up_nobody_else() -> Result<(), BoxError> {
    let queue = Queue::memory("work").clock(Clock::tokio()).key_limit(2).build()?;
    for _ in 0..100 {
        queue.push(Job::new(0).key("many")).await?;
    }
    for _ in 0..4 {
        queue.push(Job::new(1).key("few")).await?;
    }
    let (worker, begun) = noted(&queue);
    let worker = worker.concurrency(4).build()?;
    worker.run_until(sleep(Duration::from_millis(1_500))).await;

    // Two rounds of two each; the limit holds though there are places.
    let begun = begun.lock();
    let of = |job| begun.iter().filter(|&&begun| begun == job).count();
    assert_eq!((of(0), of(1)), (4, 4), "{begun:?}");
    drop(begun);
    Ok(())
}

/// Who has ten thousand jobs, and another with ten that come later: his last begins before the hundredth.
#[tokio::test(start_paused = true)]
async fn no_key_waits_for_anothers_backlog() -> Result<(), BoxError> {
    let queue = Queue::memory("work").capacity(20_000).clock(Clock::tokio()).fair_keys().build()?;
    for (key, jobs) in [(0, 10_000), (1, 10)] {
        let jobs = (0..jobs).map(|_| NewJob::new(key).key(key.to_string()));
        queue.push_batch(jobs).await?;
        sleep(SECOND).await;
    }
    let (worker, begun) = noted(&queue);
    worker.concurrency(8).build()?.run_until(sleep(SECOND * 5)).await;

    let begun = begun.lock();
    let last = begun.iter().rposition(|&key| key == 1).expect("he has turns");
    let of = |key| begun[..last].iter().filter(|&&begun| begun == key).count();
    assert_eq!(of(1), 9, "{begun:?}");
    assert!(of(0) < 100, "{begun:?}");
    drop(begun);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_more_important_goes_first() -> Result<(), BoxError> {
    let queue = Queue::memory("work").clock(Clock::tokio()).build()?;
    queue.push(Job::new(3).priority(Priority::LOW)).await?;
    queue.push(Job::new(2)).await?;
    queue.push(Job::new(1).priority(Priority::HIGH)).await?;
    let (worker, begun) = noted(&queue);
    worker.concurrency(1).build()?.run_until(sleep(SECOND * 5)).await;

    assert_eq!(*begun.lock(), [1, 2, 3]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn while_paused_nothing_is_begun_and_what_runs_goes_on() -> Result<(), BoxError> {
    let queue = Queue::memory("work").clock(Clock::tokio()).build()?;
    queue.push(1).await?;
    let (worker, begun) = noted(&queue);
    let worker = worker.build()?;
    let many = || begun.lock().len();
    let control = async {
        sleep(SECOND / 2).await;
        queue.pause().await.expect("the memory answers");
        queue.push(2).await.expect("there is room");
        sleep(SECOND * 60).await;
        let paused = (many(), worker.report().done);
        queue.resume().await.expect("the memory answers");
        sleep(SECOND / 10).await;
        assert_eq!((paused, many()), ((1, 1), 2)); // at once, not with the next look
        sleep(SECOND * 2).await;
    };
    let report = worker.run_until(control).await;
    assert_eq!(report.done, 2);
    Ok(())
}
