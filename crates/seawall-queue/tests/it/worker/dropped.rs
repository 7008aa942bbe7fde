//! A worker that vanishes: here its future is dropped, which settles nothing, as when its process is killed.

use std::{future::pending, sync::Arc, time::Duration};

use seawall_core::{Clock, sync::Mutex};
use seawall_queue::{
    BoxError, Job, Queue, Turn, Worker,
    job::{Cause, State},
};
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_job_that_ends_its_worker_each_time_is_dead_at_its_limit() -> Result<(), BoxError> {
    let turns = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&turns);
    let queue = Queue::memory("work")
        .clock(Clock::tokio())
        .on_event(move |event| tell.lock().push(event.turn))
        .build()?;
    let pill = queue.push(13).await?;
    let worker = || {
        Worker::builder(queue.clone())
            .concurrency(1)
            .max_crashes(3)
            .handler(|job: Job<u32>| async move {
                if *job.payload() == 13 {
                    pending::<()>().await;
                }
                Ok::<_, BoxError>(())
            })
            .build()
    };
    for _ in 0..3 {
        let ends = timeout(SECOND * 40, worker()?.run_until(pending())).await;
        assert!(ends.is_err(), "it had the pill");
        sleep(SECOND * 31).await;
    }
    let healthy = queue.push(1).await?;
    let report = worker()?.run_until(sleep(SECOND * 5)).await;

    assert_eq!((report.claimed, report.done), (1, 1), "{report:?}");
    assert_eq!(queue.job(healthy).await?.expect("it is kept").state, State::Done);
    let dead = queue.job(pill).await?.expect("it is kept");
    assert_eq!((dead.state, dead.counts.crashes), (State::Dead, 3));
    let turns = turns.lock();
    assert!(
        matches!(
            turns[..],
            [
                Turn::Recovered { id: one, .. },
                Turn::Recovered { id: two, .. },
                Turn::Died { id, cause: Cause::Crashes, .. },
            ] if [one, two, id] == [pill; 3]
        ),
        "{turns:?}"
    );
    drop(turns);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_runs_it_again_finds_all_places_free_and_keeps_no_lease_of_before()
-> Result<(), BoxError> {
    let queue = Queue::memory("work").clock(Clock::tokio()).build()?;
    queue.push(1).await?;
    let worker = Worker::builder(queue.clone())
        .concurrency(1)
        .handler(|job: Job<u32>| async move {
            if job.counts().crashes == 0 {
                pending::<()>().await;
            }
            Ok::<_, BoxError>(())
        })
        .build()?;
    assert!(timeout(SECOND, worker.run_until(pending())).await.is_err());
    yield_now().await; // the runtime drops its task
    assert_eq!(worker.in_flight(), 0);

    let report = worker.run_until(sleep(SECOND * 35)).await;
    assert_eq!((report.claimed, report.done, report.left), (2, 1, 0), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_to_the_storage_is_said_by_the_next() -> Result<(), BoxError> {
    let (queue, switches) = super::shaky::shaky(Clock::tokio());
    queue.push(1).await?;
    switches.settles.hangs();
    let worker =
        Worker::builder(queue.clone()).handler(|_| async { Ok::<_, BoxError>(()) }).build()?;
    assert!(timeout(SECOND, worker.run_until(pending())).await.is_err());
    assert_eq!(worker.in_flight(), 1);

    switches.settles.is_well();
    let report = worker.run_until(sleep(SECOND)).await;
    assert_eq!((report.claimed, report.done, report.left), (1, 1, 0), "{report:?}");
    Ok(())
}
