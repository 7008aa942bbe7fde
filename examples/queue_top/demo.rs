//! A queue with a load of its own, so that there is something to see: in a file, as any other.
//!
//! Work comes in waves, more at their height than two workers can do. Most jobs are short; videos take
//! seconds, and say how far they are. Some are for later, some users send more than is done for one at a time,
//! some fail at first, and some always.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use seawall_core::{Backoff, BoxError};
use seawall_queue::{
    Job, NewJob, Plain, Priority, Queue, Worker, job::Verdict, sqlite::Durability,
    storage::Progress,
};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

const MS: Duration = Duration::from_millis(1);

/// How often something is pushed.
const STEP: Duration = Duration::from_millis(100);

/// From one height to the next.
const WAVE: f64 = 20.0;

/// The load: it ends, and its file goes, with this.
pub(crate) struct Demo {
    path: PathBuf,
    _load: JoinSet<()>,
    _directory: TempDir,
}

impl Demo {
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("demo.db");
        let queue = Queue::sqlite(&path)
            .codec(Plain)
            .key_limit(2)
            .durability(Durability::Process)
            .open()
            .await?;
        let mut load = JoinSet::new();
        for name in ["ada", "grace"] {
            let worker = Worker::builder(queue.clone())
                .name(name)
                .concurrency(8)
                .lease(1_500 * MS) // short, so that progress comes with a heartbeat every half second
                .max_attempts(3)
                .backoff(Backoff::constant(2_000 * MS))
                .handler(work)
                .build()?;
            load.spawn(async move {
                worker.run_until(std::future::pending()).await;
            });
        }
        load.spawn(async move {
            // It fails where the file is gone: then there is nothing to see any more.
            let _ = push(&queue).await;
        });
        Ok(Self { path, _load: load, _directory: directory })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

async fn push(queue: &Queue<Vec<u8>>) -> Result<(), BoxError> {
    let began = Instant::now();
    for n in 0_u64.. {
        let height = (began.elapsed().as_secs_f64() / WAVE * std::f64::consts::TAU).sin();
        for _ in 0..fastrand::u32(0..=(8.0 + 7.0 * height) as u32) {
            queue.push(any()).await?;
        }
        if n.is_multiple_of(50) {
            queue.push(r#"{"photo":"holiday.txt"}"#.as_bytes().to_vec()).await?;
            // Whoever wrote this one wants the terminal of who looks.
            queue.push(b"{\"photo\":\"\x1b]0;mine\x07\x1b[2J.txt\"}".to_vec()).await?;
        }
        sleep(STEP).await;
    }
    Ok(())
}

fn any() -> NewJob<Vec<u8>> {
    let n = fastrand::u32(..10_000);
    let user = fastrand::u32(..200);
    match fastrand::u32(..100) {
        0..=4 => Job::new(format!(r#"{{"video":"clip-{n}.mp4","user":{user}}}"#).into()),
        5..=9 => Job::new(format!(r#"{{"mail":"digest","user":{user}}}"#).into())
            .delay(fastrand::u32(1..30) * 1_000 * MS),
        // One user sends many, which hold up each other and nobody else.
        10..=13 => {
            Job::new(format!(r#"{{"mail":"import","user":7,"row":{n}}}"#).into()).key("user:7")
        }
        14..=20 => Job::new(format!(r#"{{"mail":"receipt","user":{user}}}"#).into())
            .priority(Priority::HIGH),
        _ => Job::new(format!(r#"{{"photo":"IMG_{n:04}.jpg","width":640}}"#).into()),
    }
}

async fn work(job: Job<Vec<u8>>) -> Result<Verdict, io::Error> {
    let text = String::from_utf8_lossy(job.payload());
    if text.contains(".txt") {
        return Ok(Verdict::refuse("not a photo: it begins with \"Dear all\""));
    }
    let parts = if text.contains("video") {
        fastrand::u32(20..100)
    } else if text.contains("import") {
        8
    } else {
        1
    };
    for part in 0..parts {
        if parts > 1 {
            job.progress(Progress {
                done: part.into(),
                total: parts.into(),
                note: format!("part {part}"),
            });
        }
        sleep(fastrand::u32(30..150) * MS).await;
    }
    match fastrand::u32(..100) {
        0..=2 if text.contains("photo") => Err(io::Error::other("the disk is full")),
        0..=10 if text.contains("import") => Err(io::Error::other("451: try again later")),
        _ => Ok(Verdict::DONE),
    }
}
