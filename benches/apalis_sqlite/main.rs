//! What does a job cost that apalis keeps in a file? To be run before or after `queue_file`, on the same disk:
//!
//! ```text
//! cargo run --release --manifest-path benches/apalis_sqlite/Cargo.toml --target-dir target
//! ```
//!
//! Each job is 200 bytes, pushed alone by one of so many tasks or in batches of 100 by one, and then worked on by one
//! worker, that does nothing with it. `synchronous` is FULL, as with ours: its own `setup` turns it off on one connection
//! of the pool, so that is done by another pool, which is closed. The rest is as it is by default; beside it, with a
//! batch of 100 claimed at once and 16 tasks, which its users are told to try.

#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a bench, and not one of the family's crates"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use apalis::prelude::{ParallelizeExt, TaskSink, WorkerBuilder, WorkerBuilderExt, WorkerContext};
use apalis_sqlite::{Config, SqlitePool, SqliteStorage};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

const JOBS: usize = 2_000;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), BoxError> {
    let directory = tempfile::tempdir_in("target")?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for producers in [1, 64] {
        runtime.block_on(pushed_alone(directory.path(), producers))?;
    }
    runtime.block_on(worked_on(directory.path(), false))?;
    runtime.block_on(worked_on(directory.path(), true))
}

async fn open(directory: &Path, name: &str) -> Result<SqlitePool, BoxError> {
    let options = SqliteConnectOptions::new()
        .filename(directory.join(name))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let setting_up =
        SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    SqliteStorage::setup(&setting_up).await?;
    setting_up.close().await;
    Ok(SqlitePoolOptions::new().connect_with(options).await?)
}

fn payload() -> String {
    "7".repeat(200)
}

fn rate(jobs: usize, began: Instant) -> f64 {
    jobs as f64 / began.elapsed().as_secs_f64()
}

async fn pushed_alone(directory: &Path, producers: usize) -> Result<(), BoxError> {
    let pool = open(directory, &format!("push{producers}.db")).await?;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..producers {
        let mut storage = SqliteStorage::<String>::new(&pool);
        tasks.push(tokio::spawn(async move {
            for _ in 0..JOBS / producers {
                storage.push(payload()).await?;
            }
            Ok::<_, BoxError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    println!("apalis: pushes: {producers} producers: {:.0} jobs/s", rate(JOBS, began));
    Ok(())
}

async fn worked_on(directory: &Path, in_batches: bool) -> Result<(), BoxError> {
    let pool = open(directory, &format!("work{in_batches}.db")).await?;
    let config = Config { batch_size: if in_batches { 100 } else { 10 }, ..Config::default() };
    let mut storage = SqliteStorage::<String>::new(&pool).with_config(config);
    let began = Instant::now();
    for _ in 0..JOBS / 100 {
        storage.push_bulk(vec![payload(); 100]).await?;
    }
    println!("apalis: pushed in batches of 100: {:.0} jobs/s", rate(JOBS, began));

    let left = Arc::new(AtomicUsize::new(JOBS));
    let builder = WorkerBuilder::new("jobs").backend(storage);
    let work = move |_: String, worker: WorkerContext| count(worker, Arc::clone(&left));
    let began = Instant::now();
    if in_batches {
        builder.concurrency(16).parallelize(tokio::spawn).build(work).run().await?;
        println!(
            "apalis: worked on, 100 claimed at once, 16 tasks: {:.0} jobs/s",
            rate(JOBS, began)
        );
    } else {
        builder.build(work).run().await?;
        println!("apalis: worked on: {:.0} jobs/s", rate(JOBS, began));
    }
    Ok(())
}

/// The last one stops the worker.
async fn count(worker: WorkerContext, left: Arc<AtomicUsize>) {
    if left.fetch_sub(1, Relaxed) == 1 {
        worker.stop().expect("it runs");
    }
}
