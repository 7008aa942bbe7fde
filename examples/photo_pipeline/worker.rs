//! A process that works: it takes jobs from the file, and gives them back when it is told to end.

use std::{future::pending, io, os::fd::AsFd, time::Duration};

use seawall_core::{Backoff, BoxError};
use seawall_queue::{Job, Queue, Worker, sqlite::SqliteError, storage::Keep};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
};

use crate::{
    album::{Album, Photo},
    args::Work,
    thumbs::develop,
};

/// How many photos a process has at a time.
pub(crate) const AT_ONCE: usize = 2;

/// How long a killed worker's photos wait for it. Short, for a story that is; 30 seconds are usual.
pub(crate) const LEASE: Duration = Duration::from_millis(1_500);

/// How often a process looks for what another one has pushed: no bell rings between them.
const POLL: Duration = Duration::from_millis(25);

/// The queue of an album. All processes open it by the same words.
pub(crate) async fn open(album: &Album) -> Result<Queue<Photo>, SqliteError> {
    Queue::sqlite(album.dir().join("photos.db"))
        .capacity(10_000)
        .keep_done(Keep { count: 10_000, age: Duration::from_secs(3_600) }) // for the count in the end
        .open()
        .await
}

/// Works until it is told to end, and until what it has begun is done.
pub(crate) async fn work(Work { dir, name }: Work) -> Result<(), BoxError> {
    let shutdown = shutdown_signal()?; // before there is anything to lose
    let album = Album::open(&dir)?;
    let queue = open(&album).await?;
    let worker = Worker::builder(queue)
        .name(name)
        .concurrency(AT_ONCE)
        .lease(LEASE)
        .poll(POLL)
        .timeout(Duration::from_secs(30))
        .backoff(Backoff::exponential(Duration::from_millis(100)))
        .handler(move |job: Job<Photo>| {
            let album = album.clone();
            async move { spawn_blocking(move || develop(&album, &job)).await? }
        })
        .build()?;
    let report = worker.run_until(shutdown).await;
    match report.left {
        0 => Ok(()),
        left => Err(format!("{left} photos could not be given back").into()),
    }
}

/// Ready when the process is told to end, and when the one that has started it is gone, however it went.
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let told = told_to_end()?;
    Ok(async {
        tokio::select! {
            () = told => {}
            () = orphaned() => {}
        }
    })
}

/// Ready at SIGTERM and at Ctrl-C. From now on neither ends the process by itself.
pub(crate) fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ready when the other end of standard input is closed; never where that is no pipe.
async fn orphaned() {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let Ok(mut pipe) = stdin.and_then(pipe::Receiver::from_owned_fd) else {
        return pending().await;
    };
    while pipe.read(&mut [0; 16]).await.is_ok_and(|read| read > 0) {}
}
