//! What whoever watches a job is told.

use std::time::Duration;

use seawall_core::{Backoff, Clock, Jitter};
use seawall_queue::{
    BoxError, Job, Queue, Worker,
    job::{JobId, State, Verdict},
    storage::Progress,
};
use tokio::{time::sleep, try_join};

const SECOND: Duration = Duration::from_secs(1);

fn queue() -> Queue<u32> {
    Queue::memory("watched").clock(Clock::tokio()).build().expect("sound settings")
}

/// Half of the work takes 1.5 seconds, and a heartbeat goes out each second. Odd ones fail once.
async fn work(queue: Queue<u32>) -> Result<(), BoxError> {
    let backoff = Backoff::constant(SECOND).jitter(Jitter::None);
    let worker = Worker::builder(queue).lease(SECOND * 3).backoff(backoff);
    let worker = worker.handler(|job: Job<u32>| async move {
        if job.payload() % 2 == 1 && job.attempt() == 1 {
            return Err("at first");
        }
        sleep(SECOND * 3 / 2).await;
        job.progress(Progress { done: 1, total: 2, note: "half".into() });
        sleep(SECOND * 3 / 2).await;
        Ok(Verdict::Done { result: Some(vec![*job.payload() as u8]) })
    });
    worker.build()?.run_until(sleep(SECOND * 60)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_once_and_the_end_is_the_last() -> Result<(), BoxError> {
    let queue = queue();
    let id = queue.push(3).await?;
    let watched = async {
        let mut watch = queue.watch(id).every(SECOND / 10);
        let mut told = Vec::new();
        while let Some(job) = watch.changed().await? {
            told.push((job.state, job.counts.attempts, job.progress.map(|p| p.done)));
        }
        assert!(watch.changed().await?.is_none());
        Ok::<_, BoxError>(told)
    };
    let (told, ()) = try_join!(watched, work(queue.clone()))?;

    assert_eq!(
        told,
        [
            (State::Ready, 0, None),
            (State::Retrying, 1, None),
            (State::Ready, 1, None), // due, and not claimed yet
            (State::Leased, 2, None),
            (State::Leased, 2, Some(1)),
            (State::Done, 2, Some(1)),
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_result_is_there_when_the_job_is_over() -> Result<(), BoxError> {
    let queue = queue();
    let id = queue.push(8).await?;
    let (job, ()) = try_join!(
        async { queue.watch(id).over().await.map_err(BoxError::from) },
        work(queue.clone())
    )?;

    let job = job.expect("it is kept");
    assert_eq!((job.state, job.result), (State::Done, Some(vec![8])));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_to_come_of_a_job_that_is_not_known() -> Result<(), BoxError> {
    let queue = queue();
    assert!(queue.watch(JobId(7)).changed().await?.is_none());
    assert!(queue.watch(JobId(7)).over().await?.is_none());
    Ok(())
}

/// Also where a heartbeat is far away: its third of a lease is ten seconds here.
#[tokio::test(start_paused = true)]
async fn progress_is_seen_soon_and_is_not_told_with_each_word() -> Result<(), BoxError> {
    let queue = queue();
    let id = queue.push(0).await?;
    let worker = Worker::builder(queue.clone()).lease(SECOND * 30).seed(7);
    let worker = worker.handler(|job: Job<u32>| async move {
        for done in 1..=200 {
            job.progress(Progress { done, total: 200, note: String::new() });
            sleep(SECOND / 100).await;
        }
        sleep(SECOND).await;
        Ok::<_, BoxError>(())
    });
    let worker = worker.build()?;
    let watched = async {
        let mut watch = queue.watch(id).every(SECOND / 1_000);
        let mut told = Vec::new();
        while let Some(job) = watch.changed().await? {
            told.extend(job.progress.map(|progress| progress.done));
        }
        told.dedup();
        Ok::<_, BoxError>(told)
    };
    let (told, _) = tokio::join!(watched, worker.run_until(sleep(SECOND * 10)));

    let told = told?;
    assert_eq!((told[0], told.last()), (1, Some(&200)), "{told:?}");
    assert!((8..=10).contains(&told.len()), "each quarter of a second of two: {told:?}");
    Ok(())
}
