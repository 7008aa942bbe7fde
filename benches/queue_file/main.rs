//! What does a job cost that is kept in a file? `cargo bench -p seawall-benches --bench queue_file`
//!
//! Not by criterion: what is measured is the disk, and how many share it. Each figure is of one run of some
//! seconds; beside it stands how often this disk can be asked for an fsync, in the same run.
//!
//! | part | question |
//! |---|---|
//! | disk | how many fsyncs a second, of one page more each |
//! | pushes | how many durable pushes a second, by how many producers |
//! | whole | how many jobs a second are pushed, claimed and settled, all of it durable |
//! | worker | the same with a worker, by how many producers, each of whom waits for his push |
//! | flat | what a million that wait and a million that are done change |
//!
//! apalis, the peer that keeps jobs in SQLite, has a package of its own: see `apalis_sqlite` beside this.
//!
//! On two cores of an AMD EPYC at 2.6 GHz, 2026-11-28, jobs a second, on a disk that does 3 400 fsyncs a second in
//! one run and 1 800 in two later ones:
//!
//! | | 3 400 fsyncs | 1 800 |
//! |---|---|---|
//! | durable pushes by 64; 256; 1 024 producers | 47 800; 92 200; 131 400 | |
//! | whole, all durable, by 64; by 256 | 42 700; 60 500 | 32 600 and 37 100; 37 000 and 42 700 |
//! | with a worker, 64 to 1 024 producers | 15 700 to 19 800 | 9 400 to 15 600 |
//! | apalis 1.0: pushes of 64 producers; worked on, 16 tasks | | 905; 670 |
//!
//! What a million that wait and a million that are done change, in the three runs: a push 0.92 to 1.25 times, a claim
//! 1.19, 1.42 and 1.60, a settle 0.94 to 1.40.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_core::{BoxError, Clock};
use seawall_queue::{
    Job, Queue, Worker,
    job::Verdict,
    sqlite::{Durability, Sqlite},
    storage::{Claim, Keep, MAX_BATCH, NewJob, Room, Settlement, Storage},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

const PAYLOAD: usize = 200;
const LEASE: Duration = Duration::from_secs(600);
const MILLION: usize = 1_000_000;

fn main() {
    // `cargo test` starts benches too, and wants to know only that they start.
    if std::env::args().all(|argument| argument != "--bench") {
        return;
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("there are threads for a runtime");
    let directory =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk");
    disk(directory.path());
    for producers in [1, 16, 64, 256, 1_024] {
        pushes(&runtime, directory.path(), producers);
    }
    for durability in [Durability::All, Durability::Pushes] {
        for batch in [1, 64, 256] {
            whole(&runtime, directory.path(), durability, batch);
        }
    }
    for (producers, batch) in [(64, 1), (256, 1), (1_024, 1), (16, 64)] {
        worker(&runtime, directory.path(), producers, batch);
    }
    flat(&runtime, directory.path());
}

fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn disk(directory: &Path) {
    let clock = Clock::system();
    let mut file = File::create(directory.join("page")).expect("a file");
    let began = clock.now();
    for _ in 0..500 {
        file.write_all(&[7; 4_096]).and_then(|()| file.sync_data()).expect("a disk");
    }
    println!("disk: {:.0} fsyncs/s", rate(500, clock.now().since(began)));
}

async fn open(directory: &Path, name: &str, durability: Durability) -> Sqlite {
    let all = Keep { count: 10 * MILLION, age: LEASE * 1_000 };
    Queue::<Vec<u8>>::sqlite(directory.join(format!("{name}.db")))
        .capacity(10 * MILLION)
        .keep_done(all)
        .durability(durability)
        .open_storage()
        .await
        .expect("the file opens")
}

fn jobs(count: usize) -> Vec<NewJob<Vec<u8>>> {
    (0..count).map(|_| NewJob::new(vec![7; PAYLOAD])).collect()
}

async fn push(storage: &Sqlite, count: usize) {
    storage.enqueue(jobs(count), Room::Refuse).await.expect("the file works");
}

/// Claims some and settles them; how many that were.
async fn work(storage: &Sqlite, count: usize) -> usize {
    let claimed = storage.claim(Claim::new(count, LEASE)).await.expect("the file works");
    let done: Vec<_> =
        claimed.iter().map(|job| Settlement { lease: job.lease, verdict: Verdict::DONE }).collect();
    let count = done.len();
    if count > 0 {
        storage.settle(done).await.expect("the file works");
    }
    count
}

/// Each producer pushes one job at a time, and waits until it is on the disk.
fn pushes(runtime: &Runtime, directory: &Path, producers: usize) {
    let clock = Clock::system();
    let each = (200 * producers.min(128) / producers).max(20);
    runtime.block_on(async {
        let storage = open(directory, &format!("push{producers}"), Durability::Pushes).await;
        let began = clock.now();
        let producers: Vec<_> = (0..producers)
            .map(|_| {
                let storage = storage.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        push(&storage, 1).await;
                    }
                })
            })
            .collect();
        let count = producers.len();
        for producer in producers {
            producer.await.expect("it pushes");
        }
        let rate = rate(count * each, clock.now().since(began));
        println!("pushes: {count} producers: {rate:.0} jobs/s");
        storage.close().await;
    });
}

/// Many producers and some workers, all in batches.
fn whole(runtime: &Runtime, directory: &Path, durability: Durability, batch: usize) {
    let clock = Clock::system();
    let total = if batch == 1 { 16 * 500 } else { 16 * 10 * batch };
    runtime.block_on(async {
        let storage = open(directory, &format!("whole{durability:?}{batch}"), durability).await;
        let began = clock.now();
        let producers: Vec<_> = (0..16)
            .map(|_| {
                let storage = storage.clone();
                tokio::spawn(async move {
                    for _ in 0..total / 16 / batch {
                        push(&storage, batch).await;
                    }
                })
            })
            .collect();
        let workers: Vec<_> = (0..16)
            .map(|_| {
                let storage = storage.clone();
                tokio::spawn(async move {
                    let mut done = 0;
                    while done < total / 16 {
                        done += work(&storage, batch.min(total / 16 - done)).await;
                    }
                })
            })
            .collect();
        for task in producers.into_iter().chain(workers) {
            task.await.expect("it works");
        }
        let rate = rate(total, clock.now().since(began));
        println!("whole: {durability:?}, batches of {batch}: {rate:.0} jobs/s");
        storage.close().await;
    });
}

/// Many producers, each of whom waits until what he pushed is on the disk, and one worker.
fn worker(runtime: &Runtime, directory: &Path, producers: usize, batch: usize) {
    let clock = Clock::system();
    let each = (32_768 / producers).next_multiple_of(batch);
    let total = producers * each;
    let path = directory.join(format!("worker{producers}.db"));
    runtime.block_on(async {
        let queue = Queue::<String>::sqlite(path)
            .capacity(total)
            .durability(Durability::All)
            .open()
            .await
            .expect("the file opens");
        let (left, all_done) = (AtomicUsize::new(total), Arc::new(Notify::new()));
        let last = Arc::clone(&all_done);
        let worker = Worker::builder(queue.clone()).concurrency(MAX_BATCH).inline().handler(
            move |_: Job<String>| {
                if left.fetch_sub(1, Relaxed) == 1 {
                    last.notify_one();
                }
                async { Ok::<_, BoxError>(()) }
            },
        );
        let worker = worker.build().expect("it is allowed");

        let began = clock.now();
        for _ in 0..producers {
            let queue = queue.clone();
            tokio::spawn(async move {
                let payload = "7".repeat(PAYLOAD);
                for _ in 0..each / batch {
                    let jobs = std::iter::repeat_n(payload.clone(), batch);
                    queue.push_batch(jobs).await.expect("the file works");
                }
            });
        }
        let working = async move { worker.run_until(all_done.notified()).await };
        let report = tokio::spawn(working).await.expect("it works");
        assert_eq!(report.done, total as u64);
        let rate = rate(total, clock.now().since(began));
        println!("worker: {producers} producers, {batch} at a time: {rate:.0} jobs/s");
    });
}

/// What a push, a claim and a settle of 100 jobs take, without the disk.
fn flat(runtime: &Runtime, directory: &Path) {
    runtime.block_on(async {
        let storage = open(directory, "flat", Durability::Process).await;
        push(&storage, 1_000).await;
        let empty = cycle(&storage).await;
        for _ in 0..MILLION / MAX_BATCH {
            push(&storage, MAX_BATCH).await;
            work(&storage, MAX_BATCH).await;
        }
        for _ in 0..MILLION / MAX_BATCH {
            push(&storage, MAX_BATCH).await;
        }
        let stats = storage.stats().await.expect("the file works");
        let full = cycle(&storage).await;
        println!("flat: {} wait, {} are done", stats.waiting(), stats.done);
        for ((what, empty), full) in ["push", "claim", "settle"].into_iter().zip(empty).zip(full) {
            println!("flat: {what}: {empty:.1} us, {full:.1} us: {:.2} times", full / empty);
        }
        storage.close().await;
    });
}

/// Microseconds a job, the median of many batches.
async fn cycle(storage: &Sqlite) -> [f64; 3] {
    const BATCH: usize = 100;
    let clock = Clock::system();
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..101 {
        let began = clock.now();
        push(storage, BATCH).await;
        let pushed = clock.now();
        let claimed = storage.claim(Claim::new(BATCH, LEASE)).await.expect("the file works");
        let taken = clock.now();
        let done =
            claimed.iter().map(|job| Settlement { lease: job.lease, verdict: Verdict::DONE });
        storage.settle(done.collect()).await.expect("the file works");
        let settled = clock.now();
        times[0].push(pushed.since(began));
        times[1].push(taken.since(pushed));
        times[2].push(settled.since(taken));
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6 / BATCH as f64
    })
}
