//! Whose a job is: heartbeats that fail, hang or tell that it is lost, and what the runs do then.

use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use seawall_core::{Clock, sync::Mutex};
use seawall_queue::{
    BoxError, Claim, Job, Queue, Report, Worker, WorkerBuilder,
    job::{Settled, State, Verdict},
    storage::Progress,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use super::shaky::{Fare, shaky};

const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(30);

/// When a run was over, however it ended.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<Instant>>>);

struct Running(Ends);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.lock().push(Instant::now());
    }
}

impl Ends {
    fn since(&self, start: Instant) -> Vec<Duration> {
        let ends = self.0.lock();
        ends.iter().map(|end| end.duration_since(start)).collect()
    }
}

/// A worker of one place whose runs take `time`.
fn busy(queue: &Queue<u32>, time: Duration, ends: &Ends) -> WorkerBuilder<u32> {
    let ends = ends.clone();
    Worker::builder(queue.clone()).concurrency(1).lease(LEASE).seed(7).handler(move |_| {
        let running = Running(ends.clone());
        async move {
            sleep(time).await;
            drop(running);
            Ok::<_, BoxError>(())
        }
    })
}

async fn while_heartbeats(fare: fn(&Fare), time: Duration) -> Result<Report, BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    queue.push(1).await?;
    fare(&switches.heartbeats);
    let worker = busy(&queue, SECOND * 100, &Ends::default()).build()?;
    let until = async {
        sleep(time).await;
        switches.heartbeats.is_well();
        sleep(SECOND * 200 - time).await;
    };
    Ok(worker.run_until(until).await)
}

#[tokio::test(start_paused = true)]
async fn heartbeats_that_fail_for_two_thirds_of_a_lease_stop_nobody() -> Result<(), BoxError> {
    for fare in [Fare::fails, Fare::hangs] {
        let report = while_heartbeats(fare, SECOND * 20).await?;
        assert_eq!((report.claimed, report.done, report.released), (1, 1, 0), "{report:?}");
        assert!(report.failed_calls > 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn heartbeats_that_fail_until_shortly_before_the_end_stop_nobody() -> Result<(), BoxError> {
    let report = while_heartbeats(Fare::fails, SECOND * 25).await?;
    assert_eq!((report.claimed, report.done, report.released), (1, 1, 0), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_before_its_lease_can_be_anothers() -> Result<(), BoxError> {
    for fare in [Fare::fails, Fare::hangs] {
        let (queue, switches) = shaky(Clock::tokio());
        let id = queue.push(1).await?;
        fare(&switches.heartbeats);
        let (start, ends) = (Instant::now(), Ends::default());
        let report = busy(&queue, SECOND * 100, &ends).build()?.run_until(sleep(SECOND * 29)).await;

        assert_eq!(ends.since(start)[0], LEASE * 9 / 10);
        assert!(report.released > 0, "{report:?}");
        let job = queue.job(id).await?.expect("it is there");
        assert_eq!((job.state, job.counts.attempts, job.counts.crashes), (State::Ready, 0, 0));
    }
    Ok(())
}

/// Somebody else's clock began to count when the storage acted, which may have been at once.
#[tokio::test(start_paused = true)]
async fn a_lease_is_as_old_as_the_question_for_it_and_no_younger() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    queue.push(1).await?;
    switches.claims_late_by.store(20_000, Ordering::Relaxed);
    switches.heartbeats.hangs();
    let (start, ends) = (Instant::now(), Ends::default());
    busy(&queue, SECOND * 100, &ends).build()?.run_until(sleep(SECOND * 29)).await;
    assert_eq!(ends.since(start)[0], LEASE * 9 / 10);

    let (queue, switches) = shaky(Clock::tokio());
    queue.push(1).await?;
    switches.heartbeats_late_by.store(5_000, Ordering::Relaxed);
    let (start, ends) = (Instant::now(), Ends::default());
    let until = async {
        sleep(SECOND * 16).await; // one was sent after a third of the lease, and answered
        switches.heartbeats.hangs();
        sleep(SECOND * 40).await;
    };
    busy(&queue, SECOND * 100, &ends).build()?.run_until(until).await;
    assert_eq!(ends.since(start)[0], LEASE / 3 + LEASE * 9 / 10);
    Ok(())
}

/// A run that is stopped and can't be settled is nobody's danger any more: it wakes the heart for nothing no
/// more, and takes no time from the heartbeats of others. A heart that looks at it again and again never
/// lets a paused clock go on: this test would not end.
#[tokio::test(start_paused = true)]
async fn a_storage_that_is_gone_is_waited_for_in_peace() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    let id = queue.push(1).await?;
    switches.heartbeats.fails();
    switches.settles.fails();
    let worker = busy(&queue, SECOND * 50, &Ends::default()).concurrency(2).build()?;
    let until = async {
        sleep(SECOND * 28).await; // the first one is stopped, and nobody hears of it
        queue.push(2).await.expect("the memory answers");
        switches.heartbeats.is_well();
        sleep(SECOND * 60).await;
        switches.settles.is_well();
        sleep(SECOND * 60).await;
    };
    let report = worker.run_until(until).await;

    assert_eq!((report.released, report.done, report.left), (1, 2, 0), "{report:?}");
    assert_eq!(queue.job(id).await?.expect("it is kept").state, State::Done);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_ends_the_run_and_it_says_nothing() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    let id = queue.push(1).await?;
    switches.heartbeats.is_lost();
    let (start, ends) = (Instant::now(), Ends::default());
    let worker = busy(&queue, SECOND * 100, &ends).build()?;
    let report = worker.run_until(sleep(SECOND * 15)).await;

    assert_eq!(ends.since(start), [LEASE / 3]); // the first heartbeat
    assert_eq!((report.lost, report.released, report.left), (1, 0, 0), "{report:?}");
    let job = queue.job(id).await?.expect("it is there");
    assert_eq!(job.state, State::Leased, "whoever has it now settles it");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_late_run_says_is_not_taken() -> Result<(), BoxError> {
    let (clock, hand) = Clock::manual();
    let queue = Queue::memory("work").clock(clock).build()?;
    let id = queue.push(1).await?;
    let go_on = Arc::new(Notify::new());
    let wait = Arc::clone(&go_on);
    let worker = Worker::builder(queue.clone())
        .concurrency(1)
        .lease(LEASE)
        .handler(move |_| {
            let wait = Arc::clone(&wait);
            async move {
                wait.notified().await;
                Ok::<_, BoxError>(())
            }
        })
        .build()?;
    let other = async {
        sleep(SECOND).await;
        hand.advance(LEASE + SECOND); // the worker's own clock stood still: its machine slept
        queue.promote(10).await.expect("the memory answers");
        let claim = queue.claim(Claim::new(1, LEASE)).await.expect("the memory answers");
        go_on.notify_one();
        sleep(SECOND).await;
        claim[0].lease
    };
    let lease = Mutex::new(None);
    let report = worker.run_until(async { *lease.lock() = Some(other.await) }).await;

    assert_eq!((report.lost, report.done), (1, 0), "{report:?}");
    assert_eq!(queue.job(id).await?.expect("it is there").state, State::Leased);
    let lease = lease.lock().take().expect("it came so far");
    let done = queue.settle_one(lease, Verdict::Done { result: None }).await?;
    assert_eq!(done, Settled::Done(State::Done));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn progress_that_a_heartbeat_lost_goes_with_the_next() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    let id = queue.push(1).await?;
    switches.heartbeats.fails();
    let half = Progress { done: 1, total: 2, note: "half".into() };
    let said = half.clone();
    let worker = Worker::builder(queue.clone())
        .lease(LEASE)
        .handler(move |job: Job<u32>| {
            job.progress(said.clone());
            async move {
                sleep(SECOND * 100).await;
                drop(job);
                Ok::<_, BoxError>(())
            }
        })
        .build()?;
    let seen = Mutex::new(Vec::new());
    let look = async || {
        let job = queue.job(id).await.expect("the memory answers").expect("it is there");
        seen.lock().push(job.progress);
    };
    let until = async {
        sleep(SECOND * 15).await; // one heartbeat failed
        look().await;
        switches.heartbeats.is_well();
        sleep(SECOND * 10).await;
        look().await;
        sleep(SECOND * 100).await;
    };
    worker.run_until(until).await;

    assert_eq!(*seen.lock(), [None, Some(half)]);
    Ok(())
}

/// On real threads, and so in real time; it waits for what happens, however long that takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_holds_up_no_lease() -> Result<(), BoxError> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let (clock, _stands_still) = Clock::manual();
    let (queue, switches) = shaky(clock);
    queue.push(0).await?; // blocks
    queue.push(1).await?;
    let (open, gate) = mpsc::channel::<()>();
    let (gate, opened) = (Arc::new(Mutex::new(gate)), Arc::new(Notify::new()));
    let goes_on = Arc::clone(&opened);
    let worker = Worker::builder(queue.clone())
        .lease(Duration::from_millis(300))
        .handler(move |job: Job<u32>| {
            let (gate, goes_on) = (Arc::clone(&gate), Arc::clone(&goes_on));
            async move {
                if *job.payload() == 1 {
                    goes_on.notified().await;
                } else if gate.lock().recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    return Err("no heartbeat goes out while it blocks");
                }
                Ok(())
            }
        })
        .build()?;
    let until = async {
        let both_kept = || switches.leases_kept.load(Ordering::Relaxed) >= 6; // three times
        while !both_kept() {
            sleep(Duration::from_millis(5)).await;
        }
        opened.notify_one();
        drop(open);
    };
    let report = worker.run_until(async { drop(timeout(PATIENCE, until).await) }).await;

    assert_eq!((report.done, report.retried, report.lost), (2, 0, 0), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_answered_late_buries_nobody() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    queue.push(1).await?;
    switches.claims_late_by.store(20_000, Ordering::Relaxed); // two thirds of a lease
    let worker = busy(&queue, SECOND * 100, &Ends::default()).build()?;
    let report = worker.run_until(sleep(SECOND * 150)).await;

    assert_eq!((report.claimed, report.done, report.lost), (1, 1, 0), "{report:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_comes_of_a_claim_after_the_shutdown_goes_back() -> Result<(), BoxError> {
    let (queue, switches) = shaky(Clock::tokio());
    let id = queue.push(1).await?;
    switches.claims_late_by.store(20_000, Ordering::Relaxed);
    let worker = busy(&queue, SECOND * 100, &Ends::default()).build()?;
    let report = worker.run_until(sleep(SECOND)).await;

    assert_eq!((report.claimed, report.released, report.left), (1, 1, 0), "{report:?}");
    let job = queue.job(id).await?.expect("it waits");
    assert_eq!((job.state, job.counts.attempts, job.counts.crashes), (State::Ready, 0, 0));
    Ok(())
}
