//! Jobs in a file: beside what a storage promises, and what only a file can be asked.

mod file;
mod killed;
#[cfg(feature = "worker")]
mod killed_workers;
mod lives;
mod outbox;
mod periodic;

use std::{future::Future, path::Path, time::Duration};

use seawall_queue::{
    Queue,
    sqlite::{Sqlite, SqliteBuilder},
    storage::{Claim, Claimed, Enqueued, NewJob, Room, Storage},
};
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(30);

#[cfg(feature = "conformance")]
#[test]
fn sqlite_keeps_what_a_storage_promises() {
    use seawall_core::Clock;
    use seawall_queue::{
        conformance::{Stand, Suite},
        sqlite::Durability,
    };

    Suite::new(|settings| async move {
        let (clock, hand) = Clock::manual();
        let directory = tempfile::tempdir().unwrap();
        let mut builder = Queue::<Vec<u8>>::sqlite(directory.path().join("jobs.db"))
            .capacity(settings.capacity)
            .keep_done(settings.keep_done)
            .keep_dead(settings.keep_dead)
            .durability(Durability::Process)
            .clock(clock);
        if let Some(limit) = settings.key_limit {
            builder = builder.key_limit(limit);
        }
        if settings.fair_keys {
            builder = builder.fair_keys();
        }
        let storage = builder.open_storage().await.unwrap();
        Stand::new(storage, move |time| {
            let _lives_as_long = &directory;
            hand.advance(time);
        })
    })
    .cases(8) // each is a new file
    .run();
}

/// Runs to its end, on a runtime of its own.
fn block<R>(call: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(call)
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn builder(directory: &Path) -> SqliteBuilder<String> {
    Queue::sqlite(directory.join("jobs.db"))
}

async fn open(directory: &Path) -> Sqlite {
    builder(directory).open_storage().await.unwrap()
}

async fn push(storage: &Sqlite, payload: &str) -> Enqueued {
    let job = NewJob::new(payload.as_bytes().to_vec());
    storage.enqueue(vec![job], Room::Refuse).await.unwrap()[0]
}

async fn claim(storage: &Sqlite, max: usize) -> Vec<Claimed<Vec<u8>>> {
    storage.claim(Claim::new(max, LEASE)).await.unwrap()
}

fn payloads(claimed: Vec<Claimed<Vec<u8>>>) -> Vec<String> {
    claimed.into_iter().map(|job| String::from_utf8(job.payload).unwrap()).collect()
}
