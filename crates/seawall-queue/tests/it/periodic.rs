//! What periodic jobs promise: one process by example, several beside a slow reference.

mod several;

use std::{sync::Arc, time::Duration};

use seawall_core::{Clock, Nanos, sync::Mutex};
use seawall_queue::{BoxError, Job, Memory, Queue, Worker, storage::Settings};
use tokio::{join, time::sleep};

use crate::worker::shaky::{Shaky, shaky};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn count(queue: &Queue<u32>, counter: &str) -> u64 {
    queue.snapshot().counters[counter]
}

/// The moments at which jobs were done, in seconds.
type Done = Arc<Mutex<Vec<u64>>>;

fn seconds(clock: &Clock) -> u64 {
    clock.now().as_duration().as_secs()
}

fn worker(queue: Queue<u32>, done: &Done) -> Worker<u32> {
    let done = Arc::clone(done);
    let worker = Worker::builder(queue).lease(MINUTE).handler(move |_: Job<u32>| {
        done.lock().push(seconds(&Clock::tokio()));
        async { Ok::<_, BoxError>(()) }
    });
    worker.build().expect("sound settings")
}

fn taken(done: &Done) -> Vec<u64> {
    std::mem::take(&mut done.lock())
}

/// Waits for the next full minute, and half of one.
async fn half_past() {
    let clock = Clock::tokio();
    let into = clock.now().0 % Nanos::from(MINUTE).0;
    sleep(MINUTE + MINUTE / 2 - Duration::from_nanos(into)).await;
}

/// A queue that says "each minute", on a storage that can be made to fail.
async fn minutely(late: Duration) -> Result<(Queue<u32>, Shaky), BoxError> {
    let (queue, storage) = shaky(Clock::tokio());
    queue.every(MINUTE, 7).late(late).clock(Clock::tokio()).await?;
    Ok((queue, storage))
}

#[tokio::test(start_paused = true)]
async fn each_fire_is_done_once_at_its_moment_however_many_workers_there_are()
-> Result<(), BoxError> {
    half_past().await;
    let memory = Memory::new(Settings::new(100), Clock::tokio())?;
    let done = Done::default();
    let workers: Vec<_> = {
        let processes = (0..2).map(|_| Queue::builder("upkeep").storage(memory.clone()));
        let processes: Vec<_> = processes.collect();
        for queue in &processes {
            queue.every(MINUTE, 7).clock(Clock::tokio()).await?;
        }
        // Two workers a process.
        processes.iter().chain(&processes).map(|queue| worker(queue.clone(), &done)).collect()
    };
    let began = seconds(&Clock::tokio());

    let run = |at: usize| workers[at].run_until(sleep(MINUTE * 10));
    join!(run(0), run(1), run(2), run(3));

    // The fire of half a minute ago, and those that came.
    let came = (1..=10).map(|minute| (began / 60 + minute) * 60);
    let expected: Vec<_> = std::iter::once(began).chain(came).collect();
    assert_eq!(taken(&done), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_ends_or_is_dropped_fires_no_more_and_a_later_one_does()
-> Result<(), BoxError> {
    half_past().await;
    let (queue, _) = minutely(MINUTE / 3).await?;
    let done = Done::default();
    let worker = worker(queue, &done);

    worker.run_until(sleep(MINUTE)).await;
    assert_eq!(taken(&done).len(), 1);
    tokio::select! {
        () = sleep(MINUTE) => {}
        _ = worker.run_until(std::future::pending()) => {}
    }
    assert_eq!(taken(&done).len(), 1);
    sleep(MINUTE * 3).await;
    worker.run_until(sleep(MINUTE / 3)).await;
    assert!(taken(&done).is_empty(), "what nobody was there for is too late");
    worker.run_until(sleep(MINUTE / 3)).await;
    assert_eq!(taken(&done).len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_said_or_stopped_while_the_worker_runs_is_heeded() -> Result<(), BoxError>
{
    half_past().await;
    let (queue, _) = shaky(Clock::tokio());
    let done = Done::default();
    let worker = worker(queue.clone(), &done);
    let people = async {
        sleep(MINUTE).await;
        assert!(taken(&done).is_empty());
        let periodic = queue.every(MINUTE, 7).clock(Clock::tokio()).await?;
        assert_eq!(periodic.name().as_str(), "every 60s");
        let next = periodic.next().expect("it fires");
        assert!(next > Clock::tokio().now() && next < Clock::tokio().now() + MINUTE);

        sleep(MINUTE * 2).await;
        // The fire of half a minute ago is not too late for one who has begun to say it.
        assert_eq!(taken(&done).len(), 3);
        periodic.stop();
        assert_eq!(periodic.next(), None);
        sleep(MINUTE * 2).await;
        assert!(taken(&done).is_empty());

        // Its name is free again; and what was pushed is not pushed again by the new one.
        queue.every(MINUTE, 7).late(MINUTE).clock(Clock::tokio()).await?;
        sleep(MINUTE).await;
        assert_eq!(taken(&done).len(), 2);
        Ok::<_, BoxError>(())
    };
    let (_, people) = join!(worker.run_until(sleep(MINUTE * 7)), people);
    people
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_or_hangs_has_the_fire_when_it_is_back() -> Result<(), BoxError> {
    half_past().await;
    let (queue, storage) = minutely(MINUTE).await?;
    let done = Done::default();
    let worker = worker(queue.clone(), &done);
    let line = async {
        sleep(SECOND).await; // the fire of half a minute ago
        assert_eq!(taken(&done).len(), 1);
        for make_worse in
            [|line: &Shaky| line.enqueues.fails(), |line: &Shaky| line.enqueues.hangs()]
        {
            make_worse(&storage);
            sleep(MINUTE).await;
            assert!(taken(&done).is_empty());
            storage.enqueues.is_well();
            sleep(SECOND * 12).await; // a call that hangs is given up after ten
            assert_eq!(taken(&done).len(), 1);
            half_past().await; // and one in time
            assert_eq!(taken(&done).len(), 1);
        }
        // It takes it, and its answer is lost: the next ask finds it there.
        storage.enqueues.is_lost();
        sleep(MINUTE / 2 + SECOND * 5).await;
        storage.enqueues.is_well();
        sleep(SECOND * 5).await;
        assert_eq!(taken(&done).len(), 1);
        assert_eq!(count(&queue, "fires_missed"), 0);
    };
    join!(worker.run_until(sleep(MINUTE * 7)), line);
    assert!(worker.report().failed_calls >= 30);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fire_that_the_storage_did_not_take_in_time_is_missed_and_counted() -> Result<(), BoxError>
{
    half_past().await;
    let (queue, storage) = minutely(MINUTE / 6).await?;
    let done = Done::default();
    let worker = worker(queue.clone(), &done);
    let line = async {
        storage.enqueues.fails();
        sleep(MINUTE).await;
        storage.enqueues.is_well();
    };
    join!(worker.run_until(sleep(MINUTE * 2)), line);

    assert_eq!((taken(&done).len(), count(&queue, "fired")), (1, 1));
    assert_eq!(count(&queue, "fires_missed"), 1);
    Ok(())
}

#[tokio::test]
async fn a_full_queue_has_the_fire_once_there_is_room_and_sheds_nobody() -> Result<(), BoxError> {
    let (clock, _) = Clock::manual(); // a full hour
    let queue = Queue::<u32>::memory("small").capacity(1).build()?;
    let in_the_way = queue.push(1).await?;
    queue.every(MINUTE, Job::new(7).priority(seawall_queue::Priority::HIGH)).clock(clock).await?;

    let fired = queue.fire().await;
    assert_eq!((fired.pushed, fired.failed, fired.next), (0, 1, Some(SECOND)));
    queue.cancel(in_the_way).await?;
    assert_eq!(queue.fire().await.pushed, 1);
    assert_eq!(queue.fire().await.pushed, 0);
    Ok(())
}

#[tokio::test]
async fn who_panics_when_it_makes_a_job_holds_up_no_other_schedule() -> Result<(), BoxError> {
    let (clock, _) = Clock::manual();
    let queue = Queue::<u32>::memory("jobs").build()?;
    let broken = |_| -> u32 { panic!("no job today") };
    queue.every_with(MINUTE, broken).name("broken").clock(clock.clone()).await?;
    queue.every(MINUTE, 7).name("whole").clock(clock).await?;

    let fired = queue.fire().await;
    assert_eq!((fired.pushed, fired.failed), (1, 1));
    Ok(())
}

#[tokio::test]
async fn two_of_one_name_and_what_can_not_be_are_refused() -> Result<(), BoxError> {
    let queue = Queue::<u32>::memory("jobs").build()?;
    queue.every(MINUTE, 7).await?;

    let twice = queue.every(MINUTE, 8).await.unwrap_err();
    assert_eq!((twice.field(), twice.value()), ("name", "every 60s"));
    let never = queue.every(Duration::ZERO, 8).await.unwrap_err();
    assert_eq!(never.field(), "period");
    for late in [Duration::ZERO, Duration::MAX] {
        let error = queue.every(MINUTE * 2, 8).late(late).await.unwrap_err();
        assert_eq!(error.field(), "late");
    }
    queue.every(MINUTE, 8).name("the other").await?;
    Ok(())
}
