//! How runs end: what their handlers say, what their worker tells them, and what a shutdown leaves them.

use std::{future::pending, sync::Arc, time::Duration};

use seawall_core::{Clock, sync::Mutex};
use seawall_queue::{
    BoxError, Job, Queue, Worker, WorkerBuilder,
    job::{Cause, State, Verdict},
    worker::Stop,
};
use tokio::time::{Instant, sleep};

use super::shaky::shaky;

const SECOND: Duration = Duration::from_secs(1);

fn queue() -> Queue<u32> {
    Queue::memory("work").clock(Clock::tokio()).build().expect("sound settings")
}

/// A worker whose runs take as many seconds as their payload says.
fn worker(queue: &Queue<u32>) -> WorkerBuilder<u32> {
    Worker::builder(queue.clone()).handler(|job: Job<u32>| async move {
        sleep(SECOND * *job.payload()).await;
        Ok::<_, BoxError>(())
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_is_what_becomes_of_the_job() -> Result<(), BoxError> {
    let queue = queue();
    let [snoozed, buried, failed, gone] =
        [queue.push(0).await?, queue.push(1).await?, queue.push(2).await?, queue.push(3).await?];
    let worker = Worker::builder(queue.clone()).handler(|job: Job<u32>| async move {
        let is_first = job.attempt() == 1 && job.counts().snoozes == 0;
        Ok::<_, BoxError>(match job.into_payload() {
            0 if is_first => Verdict::Snooze { delay: SECOND * 20 },
            1 => Verdict::Bury { cause: Cause::Refused, error: "never".into() },
            2 if is_first => Verdict::Retry { delay: SECOND * 10, error: "later".into() },
            3 => Verdict::Cancelled,
            _ => Verdict::DONE,
        })
    });
    let report = worker.build()?.run_until(sleep(SECOND * 60)).await;

    assert_eq!((report.claimed, report.done, report.snoozed), (6, 2, 1), "{report:?}");
    assert_eq!((report.died, report.retried, report.cancelled), (1, 1, 1), "{report:?}");
    for (id, state, attempts) in [
        (snoozed, State::Done, 1),
        (buried, State::Dead, 1),
        (failed, State::Done, 2),
        (gone, State::Cancelled, 1),
    ] {
        let job = queue.job(id).await?.expect("it is kept");
        assert_eq!((job.state, job.counts.attempts), (state, attempts), "{job:?}");
    }
    Ok(())
}

/// For work that no `.await` stops: here a task that lives on without its run.
#[tokio::test(start_paused = true)]
async fn who_asks_is_told_why_he_is_to_stop() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    let ids = [queue.push(0).await?, queue.push(1).await?];
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&told);
    let worker = Worker::builder(queue.clone()).drain(SECOND).handler(move |job: Job<u32>| {
        let note = Arc::clone(&note);
        tokio::spawn(async move {
            loop {
                sleep(SECOND).await;
                if let Some(why) = job.stopped() {
                    note.lock().push((*job.payload(), why));
                    return;
                }
            }
        });
        pending::<Result<(), BoxError>>()
    });
    let until = async {
        sleep(SECOND).await;
        queue.cancel(ids[0]).await.expect("memory does not fail");
        sleep(SECOND * 15).await;
        queue.push(2).await.expect("there is room");
        sleep(SECOND).await;
        switches.heartbeats.is_lost();
        sleep(SECOND * 15).await;
        switches.heartbeats.is_well();
        queue.push(3).await.expect("there is room");
        sleep(SECOND).await;
    };
    worker.build()?.run_until(until).await;
    sleep(SECOND * 2).await;

    let mut told = told.lock().clone();
    told.sort_by_key(|(job, _)| *job);
    let lost = [(1, Stop::Lost), (2, Stop::Lost)];
    assert_eq!(told, [&[(0, Stop::Cancelled)], &lost[..], &[(3, Stop::Shutdown)]].concat());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_ends_within_the_drain_is_done_and_nothing_else_begins() -> Result<(), BoxError> {
    let queue = queue();
    queue.push(8).await?;
    let worker = worker(&queue).drain(SECOND * 20).build()?;
    let start = Instant::now();
    let late = async {
        sleep(SECOND * 3).await;
        queue.push(1).await.expect("there is room")
    };
    let (report, late) = tokio::join!(worker.run_until(sleep(SECOND)), late);

    assert_eq!((report.claimed, report.done, report.released), (1, 1, 0), "{report:?}");
    assert!(start.elapsed() < SECOND * 9, "it waits for no more than there is to wait for");
    assert_eq!(queue.job(late).await?.expect("it waits").state, State::Ready);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_the_storage_has_not_heard_of_takes_its_place() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    for _ in 0..5 {
        queue.push(0).await?;
    }
    switches.settles.fails();
    let worker = worker(&queue).concurrency(2).build()?;
    let until = async {
        sleep(SECOND * 5).await;
        assert_eq!((worker.report().claimed, worker.in_flight()), (2, 2));
        switches.settles.is_well();
        sleep(SECOND * 5).await;
    };
    let report = worker.run_until(until).await;

    assert_eq!((report.claimed, report.done, report.left), (5, 5, 0), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_said_and_not_answered_is_said_again() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    queue.push(0).await?;
    switches.settles.hangs();
    let until = async {
        sleep(SECOND * 5).await;
        switches.settles.is_well(); // but for the call that hangs already
        sleep(SECOND * 15).await;
    };
    let report = worker(&queue).build()?.run_until(until).await;

    assert_eq!((report.claimed, report.done, report.left), (1, 1, 0), "{report:?}");
    Ok(())
}
