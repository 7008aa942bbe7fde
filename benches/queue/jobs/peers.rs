//! The peers, and what is not equal.
//!
//! | peer | what is not equal |
//! |---|---|
//! | apalis 1.0, in memory | An unbounded channel: nobody waits for room. No lease, no settling, no record of what was done, no retry unless a layer is added; a job that is lost with its worker is lost. Its sink can be cloned only with parts that its storage does not give out, and panics where two push at the same moment: one task pushes, and before the worker begins. By default jobs run one after the other in the worker's own task: that is beside ours inline. With `parallelize`, each runs in a task: beside ours with a task each. |
//!
//! apalis' storage in SQLite cannot be linked beside ours: it wants an older `libsqlite3-sys`, and there can be but one.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use apalis::prelude::{
    MemoryStorage, ParallelizeExt, TaskSink, WorkerBuilder, WorkerBuilderExt, WorkerContext,
};

async fn pushed(jobs: usize) -> MemoryStorage<u64> {
    let mut storage = MemoryStorage::new();
    for job in 0..jobs {
        storage.push(job as u64).await.expect("it has no bounds");
    }
    storage
}

/// One job after the other, in the worker's own task.
pub(crate) async fn apalis(jobs: usize) {
    let worker = WorkerBuilder::new("jobs").backend(pushed(jobs).await);
    let left = Arc::new(AtomicUsize::new(jobs));
    let worker = worker.build(move |job, worker| count(job, worker, Arc::clone(&left)));
    worker.run().await.expect("it does not fail");
}

/// A task each, 16 at a time.
pub(crate) async fn apalis_in_tasks(jobs: usize) {
    let worker = WorkerBuilder::new("jobs").backend(pushed(jobs).await);
    let left = Arc::new(AtomicUsize::new(jobs));
    let worker = worker
        .concurrency(16)
        .parallelize(tokio::spawn)
        .build(move |job, worker| count(job, worker, Arc::clone(&left)));
    worker.run().await.expect("it does not fail");
}

/// The last one stops the worker.
async fn count(job: u64, worker: WorkerContext, left: Arc<AtomicUsize>) {
    black_box(job);
    if left.fetch_sub(1, Relaxed) == 1 {
        worker.stop().expect("it runs");
    }
}
