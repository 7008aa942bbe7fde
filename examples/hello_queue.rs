//! A queue in fifty lines: thumbnails that are made later, one that fails at first, and one that never will.
//!
//! Run it with `cargo run --example hello_queue`.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use seawall::{
    BoxError,
    prelude::*,
    queue::{job::Verdict, storage::Scope},
};

const MS: Duration = Duration::from_millis(1);

static TRIES: AtomicU32 = AtomicU32::new(0);

/// Takes ten milliseconds. The disk is full at first; photo 13 is no photo.
async fn resize(photo: u32) -> Result<(), io::Error> {
    tokio::time::sleep(10 * MS).await;
    match photo {
        7 if TRIES.fetch_add(1, Relaxed) == 0 => Err(io::Error::other("the disk is full")),
        13 => Err(io::Error::new(io::ErrorKind::InvalidData, "not a photo")),
        _ => Ok(()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let queue = Queue::<u32>::memory("thumbnails")
        .capacity(1_000)
        .on_event(|event| println!("    [{}] {:?}", event.name, event.turn))
        .build()?;

    for photo in 1..=20 {
        queue.push(photo).await?; // accepted: the caller goes on
    }
    let once = || Job::new(21).unique("photo:21", Scope::Active);
    let (first, again) = (queue.push(once()).await?, queue.push(once()).await?);
    println!("photo 21 was pushed twice, and is {first:?} and {again:?}");

    let worker = Worker::builder(queue.clone())
        .concurrency(4)
        .backoff(Backoff::constant(20 * MS))
        .handler(|job: Job<u32>| async move {
            match resize(*job.payload()).await {
                // No attempt will do: a dead letter at once, with its reason.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    Ok(Verdict::refuse(error.to_string()))
                }
                other => other.map(Verdict::from),
            }
        })
        .build()?;
    let report = worker.run_until(tokio::time::sleep(300 * MS)).await;

    println!("{} done, {} tried again, {} died", report.done, report.retried, report.died);
    for letter in queue.dead_letters().list(10).await? {
        println!("photo {:?}: {}", letter.payload, letter.error.unwrap_or_default());
    }
    Ok(())
}
