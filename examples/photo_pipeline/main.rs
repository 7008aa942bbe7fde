//! Photos are accepted at once and resized later, by processes of which one is killed, and none is lost.
//!
//! ```text
//! cargo run --release --example photo_pipeline
//! cargo run --release --example photo_pipeline -- --photos 600 --rate 200 --workers 4 --dir photos
//! ```
//!
//! ```text
//!   uploader ── POST ──▶ server ── push ──▶ photos.db ◀── claim, settle ── worker-1
//!            ◀── 202 ───   │                (SQLite)  ◀─────────────────── worker-2   SIGKILL
//!                          └── keep ──▶ uploads/  ──▶ resize ──▶ thumbs/   worker-3
//! ```
//!
//! Each worker is a process; as it is ended by signals, all this is for Unix. In the midst of it one is killed
//! with `SIGKILL`: what it had waits until its leases are over, and then others do it. In the end each thumbnail
//! is decoded and measured; a photo that was accepted and has not all of them is lost, and then the exit code
//! is 1.
//!
//! | file | one idea |
//! |---|---|
//! | `main.rs` | the story |
//! | `args.rs` | what may be asked for |
//! | `picture.rs` | photos that nobody took |
//! | `album.rs` | **what is on the disk**: thumbnails that appear together, fenced by their claim's token |
//! | `upload.rs` | **where photos come in**: `EnqueueLayer` in an axum server |
//! | `worker.rs` | **a process that works**, and how it is told to end |
//! | `thumbs.rs` | **what is done with a photo** |
//! | `fleet.rs` | the processes, which end with their handle |
//! | `uploader.rs` | who uploads, and how long each answer took |
//! | `watch.rs` | the display |
//! | `check.rs`, `report.rs`, `sheet.rs` | the verdict, the table, the contact sheet |

#![forbid(unsafe_code)]

mod album;
mod args;
mod check;
mod fleet;
mod picture;
mod report;
mod sheet;
mod thumbs;
mod upload;
mod uploader;
mod watch;
mod worker;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use futures_util::future::try_join_all;
use seawall_core::BoxError;
use seawall_queue::{
    Queue,
    job::{JobId, State},
};
use tokio::{
    net::TcpListener,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep},
};

use crate::{
    album::{Album, Photo},
    args::{Args, Cli, Part},
    check::Verdict,
    fleet::Fleet,
    picture::Picture,
    report::{Incident, Report},
    watch::Stage,
};

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// How many different photos there are at most; they are uploaded in turn.
const PICTURES: u32 = 24;

/// How many photos are resized for the comparison, before anything else goes on.
const MEASURED: usize = 5;

/// How long nothing may move before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

const LOOK: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { part, args } = Cli::parse();
    let ended = match part {
        Some(Part::Work(work)) => worker::work(work).await.map(|()| ExitCode::SUCCESS),
        None => pipeline(&args).await,
    };
    ended.unwrap_or_else(|error| {
        eprintln!("photo_pipeline: {error}");
        ExitCode::FAILURE
    })
}

async fn pipeline(args: &Args) -> Result<ExitCode, BoxError> {
    let temporary;
    let dir = match &args.dir {
        Some(dir) => dir,
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path()
        }
    };
    let told = worker::told_to_end()?;
    // Whichever is dropped takes its processes with it; the directory goes after them.
    let report = tokio::select! {
        told = story(args, dir) => told?,
        () = told => {
            eprintln!("\nphoto_pipeline: interrupted");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    println!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All of it, from the first picture to the last look.
async fn story(args: &Args, dir: &Path) -> Result<Report, BoxError> {
    fs::create_dir_all(dir)?;
    if fs::read_dir(dir)?.next().is_some() {
        return Err(format!("{} is not empty", dir.display()).into());
    }
    let album = Album::open(dir)?;
    let stage = Stage::new();
    let pictures = pictures(args).await?;
    let inline = inline(&pictures).await?;
    let queue = worker::open(&album).await?;
    if args.dir.is_some() {
        stage.say(&format!("the queue is {}", dir.join("photos.db").display()));
    }

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = upload::routes(queue.clone(), album.clone());
    let mut serving = JoinSet::new(); // ends with the story, whatever ends that
    serving.spawn(async move { axum::serve(listener, routes).await });

    let mut fleet = Fleet::new(dir);
    for _ in 0..args.workers {
        stage.works(&fleet.join()?);
    }
    let begun = Instant::now();
    let work = async {
        let upload = uploader::upload(address, &pictures, args, &stage);
        let (uploads, incident) =
            tokio::try_join!(upload, kill_one(&queue, &mut fleet, args, &stage))?;
        until_over(&queue, &mut fleet, uploads.accepted.len()).await?;
        Ok::<_, BoxError>((uploads, incident))
    };
    let (uploads, incident) = tokio::select! {
        worked = work => worked?,
        never = stage.show(&queue, args.photos.into()) => match never {},
    };
    let took = begun.elapsed();
    fleet.stop().await?;

    let verdict = Verdict::over(&queue, &album, &uploads.accepted).await?;
    let (out, accepted, had) = (args.out.clone(), uploads.accepted.clone(), incident.had.clone());
    spawn_blocking(move || sheet::write(&out, &album, &accepted, &had)).await??;
    Ok(Report { args: args.clone(), inline, uploads, incident, took, verdict })
}

/// The pool from which photos are uploaded.
async fn pictures(args: &Args) -> Result<Vec<Picture>, BoxError> {
    let paint = |index: u32| {
        let (seed, width) = (args.seed.wrapping_add(index.into()), args.width);
        async move { Ok::<_, BoxError>(spawn_blocking(move || Picture::new(seed, width)).await??) }
    };
    try_join_all((0..PICTURES.min(args.photos / 4)).map(paint)).await
}

/// How long it takes to resize a photo here, in the middle.
async fn inline(pictures: &[Picture]) -> Result<Duration, BoxError> {
    let some: Vec<_> = pictures.iter().take(MEASURED).cloned().collect();
    let measured = spawn_blocking(move || {
        let resize = |picture: &Picture| {
            let begun = Instant::now();
            thumbs::thumbnails(&picture.jpeg, |_, _| Ok::<_, image::ImageError>(()))?;
            Ok(begun.elapsed())
        };
        some.iter().map(resize).collect::<Result<Vec<_>, image::ImageError>>()
    });
    let mut took = measured.await??;
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

/// Kills a worker when a fifth of the photos is done, one that has some, and starts another in its place.
async fn kill_one(
    queue: &Queue<Photo>,
    fleet: &mut Fleet,
    args: &Args,
    stage: &Stage,
) -> Result<Incident, BoxError> {
    until_over(queue, fleet, args.photos as usize / 5).await?;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let Some((victim, _)) = held(queue).await?.pop_first() else {
            sleep(LOOK).await; // all that was uploaded is done, at this moment
            continue;
        };
        fleet.kill(&victim)?;
        // It is dead, and its leases are not over: what it has now is what it had.
        let had = held(queue).await?.remove(&victim).unwrap_or_default();
        let successor = fleet.join()?;
        let words = format!("SIGKILL; it had {} photos", had.len());
        stage.say(&format!("{victim}: {words}; {successor} comes in its place"));
        stage.ended(&victim, &words);
        stage.works(&successor);
        if !had.is_empty() {
            return Ok(Incident { victim, successor, had });
        }
    }
    Err("whenever a worker was killed it had nothing: upload more, or faster".into())
}

/// Which photos each worker has at this moment.
async fn held(queue: &Queue<Photo>) -> Result<BTreeMap<String, BTreeSet<JobId>>, BoxError> {
    let mut held = BTreeMap::<_, BTreeSet<_>>::new();
    for job in queue.list(State::Leased, watch::LEASES, None).await? {
        let worker = job.worker.ok_or("a lease without a worker")?;
        held.entry(worker.to_string()).or_default().insert(job.id);
    }
    Ok(held)
}

/// Waits until so many photos are over, as long as something moves.
async fn until_over(queue: &Queue<Photo>, fleet: &mut Fleet, many: usize) -> Result<(), BoxError> {
    let (mut seen, mut moved) = (0, Instant::now());
    loop {
        fleet.check()?;
        let stats = queue.stats().await?;
        let over = stats.done + stats.dead;
        if over >= many {
            return Ok(());
        }
        if over > seen {
            (seen, moved) = (over, Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            return Err(format!("nothing moves any more: {stats:?}").into());
        }
        sleep(LOOK).await;
    }
}
