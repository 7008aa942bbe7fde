//! Jobs in a file: they outlive the process that pushed them, and one that is killed in the middle of it.
//!
//! Read in this order: this page; `builder`, how a file is opened; `schema`, what is in it; `ledger`, what
//! each call does; `row`, a job in its row; `writer`, many calls in one transaction; `outbox`, jobs in
//! a transaction of your own.
//!
//! # Examples
//!
//! How do jobs survive a restart?
//!
//! ```
//! # use seawall_queue::{Claim, Queue, job::Verdict};
//! # use std::time::Duration;
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct Resize {
//!     photo: u32,
//! }
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("jobs.db");
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//!
//! let queue = Queue::<Resize>::sqlite(&path).open().await?;
//! queue.push(Resize { photo: 7 }).await?; // it is on the disk now
//! drop(queue);
//!
//! let queue = Queue::<Resize>::sqlite(&path).open().await?;
//! for job in queue.claim(Claim::new(10, Duration::from_secs(30))).await? {
//!     assert_eq!(job.payload.photo, 7);
//!     queue.settle_one(job.lease, Verdict::DONE).await?;
//! }
//! # Ok::<(), seawall_core::BoxError>(())
//! # })?;
//! # Ok::<(), seawall_core::BoxError>(())
//! ```
//!
//! # What is lost, and when
//!
//! | [`Durability`] | a call is answered | the process is killed | the power is cut |
//! |---|---|---|---|
//! | `All` | after its fsync | nothing | nothing |
//! | `Pushes` (default) | pushes, and what people do, after their fsync; claims, settles and heartbeats as soon as they are written | nothing | what workers did last may be forgotten: such jobs run again, and that attempt is not counted |
//! | `Process` | as soon as it is written | nothing | the last jobs, too |
//!
//! In no case is the file damaged by it, and half of a transaction is never there. All this is as true as
//! what the disk says when it is asked for an fsync.
//!
//! # What it promises
//!
//! What every [storage](crate::storage) does, and beyond that:
//!
//! 1. What was acknowledged is there after a `SIGKILL` of any of its processes, at any moment.
//! 2. **Many share one fsync**: calls that come while the disk works are committed together.
//! 3. **Several processes** may push and work on one file, on one machine. They go by that machine's wall
//!    clock; when it steps, leases and delays are that much longer or shorter, and no token comes twice.
//! 4. No token comes twice after a power cut either: each opening leaves a gap in them.
//! 5. What a call costs does not grow with what waits or is over. Looking at jobs
//!    [by state](crate::storage::Look::In) does, and has a thread of its own.
//! 6. It waits for another writer no longer than it is told, and says [`SqliteError::Busy`] then.
//! 7. A file that is damaged, another program's, or a later version's is refused, and not touched.
//! 8. Who may [only look](SqliteBuilder::read_only) changes no byte of the database, and nobody waits for him.
//!
//! # What it does not do
//!
//! Go over a network's file system: its locks lie. See what another process pushed at once: there is no
//! bell between processes, so workers look from time to time. Keep payloads of megabytes well: a row
//! is written whole each time that its job moves; put the photo somewhere else, and its name here.

mod builder;
mod error;
mod ledger;
mod outbox;
mod row;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    convert::Infallible, fmt, future::Future, path::Path, sync::Arc, thread, time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use seawall_core::{Clock, ConfigError};
use tokio::sync::oneshot;

pub use rusqlite;

use self::{
    builder::Options,
    ledger::Ledger,
    writer::{CALLS, Call, Writer, ask, set_up},
};
pub use self::{
    builder::{Durability, SqliteBuilder},
    error::SqliteError,
    outbox::Outbox,
};
use crate::{
    job::{Cancelled, JobId, Kept, Settled},
    memory::{Bell, Seat, Wait},
    ring,
    storage::{
        Claim, Claimed, Enqueued, Heartbeat, Hint, JobInfo, Look, NewJob, Promoted, Requeued, Room,
        Settings, Settlement, Stats, Storage,
    },
};

/// A [`Storage`] in a file. Made by [`SqliteBuilder::open_storage`].
///
/// Cloning is cheap and shares the file. When the last clone is gone, what was called is finished, and the
/// file is closed.
#[derive(Clone)]
pub struct Sqlite(Arc<Shared>);

struct Shared {
    settings: Settings,
    clock: Clock,
    writer: ring::Sender<Box<dyn Call>>,
    reader: ring::Sender<Box<dyn Call>>,
    bells: Arc<Bells>,
    /// Ends when both threads have.
    ended: ring::Receiver<Infallible>,
}

/// Who waits in this process.
struct Bells {
    work: Bell,
    room: Bell,
}

impl Sqlite {
    async fn open(options: Options) -> Result<Self, SqliteError> {
        options.settings.check()?;
        let bells = Arc::new(Bells { work: Bell::new(0), room: Bell::new(0) });
        let (settings, clock) = (options.settings.clone(), options.clock.clone());
        let (alive, ended) = ring::bounded(1)?;
        let writer = start("seawall-sqlite", alive.clone(), {
            let (bells, options) = (Arc::clone(&bells), options.clone());
            // One that may not write says so to each that asks it to.
            move || if options.read_only { reading(&options) } else { writing(&options, bells) }
        });
        let writer = writer.await?;
        let reader = start("seawall-sqlite-read", alive, move || reading(&options)).await?;
        let opened = Self(Arc::new(Shared { settings, clock, writer, reader, bells, ended }));
        opened.write(0, false, |_| Ok(())).await?; // so that the bells know
        Ok(opened)
    }

    /// Closes the file for all clones, and returns when it is: what was called before is done. What is called
    /// later is told that it is [closed](SqliteError::Closed).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has closed the file, and does not wait for that.
    pub async fn close(&self) {
        self.0.writer.close();
        self.0.reader.close();
        self.0.ended.recv().await;
    }

    /// Has something done in a transaction.
    async fn write<R: Send + 'static>(
        &self,
        weight: usize,
        must_last: bool,
        work: impl Fn(&mut Ledger<'_>) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, SqliteError> {
        let (call, answer) = ask(weight, must_last, work);
        self.0.writer.send(call).await.map_err(|_| SqliteError::Closed)?;
        answer.await.unwrap_or(Err(SqliteError::Closed))
    }

    /// Has something looked at, beside those who write.
    async fn read<R: Send + 'static>(
        &self,
        work: impl Fn(&mut Ledger<'_>) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, SqliteError> {
        let (call, answer) = ask(1, false, work);
        self.0.reader.send(call).await.map_err(|_| SqliteError::Closed)?;
        answer.await.unwrap_or(Err(SqliteError::Closed))
    }
}

type Calls = ring::Sender<Box<dyn Call>>;

/// Starts a thread that opens the file and works on it, and waits until it has.
async fn start(
    name: &str,
    alive: ring::Sender<Infallible>,
    open: impl FnOnce() -> Result<Writer, SqliteError> + Send + 'static,
) -> Result<Calls, SqliteError> {
    let (sender, receiver) = ring::bounded(CALLS)?;
    let (opened, is_open) = oneshot::channel();
    let work = move || {
        match open() {
            Ok(writer) => {
                if opened.send(Ok(())).is_ok() {
                    writer.run(&receiver);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        }
        drop(alive); // after the file is closed
    };
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|error| SqliteError::Other(error.to_string().into()))?;
    is_open.await.unwrap_or(Err(SqliteError::Closed))?;
    Ok(sender)
}

fn connect(path: &Path, flags: OpenFlags, busy: Duration) -> Result<Connection, SqliteError> {
    // Each connection is one thread's, so SQLite need not lock it.
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    set_up(&conn, busy)?;
    Ok(conn)
}

fn writing(options: &Options, bells: Arc<Bells>) -> Result<Writer, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut conn = connect(&options.path, flags, options.busy_timeout)?;
    if options.verify {
        verify(&conn)?;
    }
    refuse(&conn, options)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        let error =
            ConfigError::new("path", options.path.display(), "a file on a disk of this machine");
        return Err(error.into());
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    schema::prepare(&mut conn, options.beside_others, &options.settings)?;
    let settings = options.settings.clone();
    let tell = move |totals: &ledger::Totals| {
        bells.work.set(totals.work(&settings));
        bells.room.set(totals.room(settings.capacity));
        bells.work.ring();
        bells.room.ring();
    };
    Ok(Writer {
        conn,
        settings: options.settings.clone(),
        clock: options.clock.clone(),
        durability: Some(options.durability),
        waits: true,
        tell: Box::new(tell),
    })
}

/// What is to be refused is seen before anything is written, its journal's mode too.
fn refuse(conn: &Connection, options: &Options) -> Result<(), SqliteError> {
    let known = schema::STEPS.len() as u32;
    match schema::version(conn)? {
        Some(found) if found > known => Err(SqliteError::Newer { found, known }),
        Some(_) => Ok(()),
        None if options.beside_others => Ok(()),
        None => {
            let others = "SELECT count(*) FROM sqlite_schema";
            let others: u32 = conn.query_row(others, [], |row| row.get(0))?;
            if others == 0 { Ok(()) } else { Err(SqliteError::Foreign) }
        }
    }
}

/// Reads the whole file, and says what is wrong with it.
fn verify(conn: &Connection) -> Result<(), SqliteError> {
    let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(SqliteError::Corrupt(found.into())) }
}

fn reading(options: &Options) -> Result<Writer, SqliteError> {
    // Beside a writer of this process it may do what readers must: bring the log's index up to date.
    let flags = if options.read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    let conn = connect(&options.path, flags, options.busy_timeout)?;
    conn.pragma_update(None, "query_only", true)?;
    if options.read_only {
        if options.verify {
            verify(&conn)?;
        }
        refuse(&conn, options)?;
        let (found, known) = (schema::version(&conn)?.unwrap_or(0), schema::STEPS.len() as u32);
        if found < known {
            return Err(SqliteError::Older { found, known });
        }
    }
    Ok(Writer {
        conn,
        settings: options.settings.clone(),
        clock: options.clock.clone(),
        durability: None,
        waits: true,
        tell: Box::new(|_| {}),
    })
}

impl Storage for Sqlite {
    type Error = SqliteError;

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    async fn enqueue(
        &self,
        jobs: Vec<NewJob<Vec<u8>>>,
        room: Room,
    ) -> Result<Vec<Enqueued>, SqliteError> {
        self.write(jobs.len(), true, move |ledger| ledger.enqueue(&jobs, room)).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed<Vec<u8>>>, SqliteError> {
        self.write(claim.max, false, move |ledger| ledger.claim(&claim)).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, SqliteError> {
        self.write(settlements.len(), false, move |ledger| ledger.settle(&settlements)).await
    }

    async fn heartbeat(
        &self,
        heartbeats: Vec<Heartbeat>,
        lease: Duration,
    ) -> Result<Vec<Kept>, SqliteError> {
        let weight = heartbeats.len();
        self.write(weight, false, move |ledger| ledger.heartbeat(&heartbeats, lease)).await
    }

    async fn promote(&self, budget: usize) -> Result<Promoted, SqliteError> {
        self.write(budget, false, move |ledger| ledger.promote(budget)).await
    }

    async fn cancel(&self, jobs: Vec<JobId>) -> Result<Vec<Cancelled>, SqliteError> {
        self.write(jobs.len(), true, move |ledger| ledger.cancel(&jobs)).await
    }

    async fn requeue(&self, jobs: Vec<JobId>) -> Result<Vec<Requeued>, SqliteError> {
        self.write(jobs.len(), true, move |ledger| ledger.requeue(&jobs)).await
    }

    async fn pause(&self, paused: bool) -> Result<(), SqliteError> {
        let pause = move |ledger: &mut Ledger<'_>| {
            ledger.totals.paused = paused;
            Ok(())
        };
        self.write(1, true, pause).await
    }

    async fn stats(&self) -> Result<Stats, SqliteError> {
        self.read(|ledger| ledger.stats()).await
    }

    async fn inspect(&self, look: Look) -> Result<Vec<JobInfo<Vec<u8>>>, SqliteError> {
        match &look {
            // After all that was called before, even by who did not wait for it.
            Look::At(ids) => {
                self.write(ids.len(), false, move |ledger| ledger.inspect(&look)).await
            }
            Look::In { .. } => self.read(move |ledger| ledger.inspect(&look)).await,
        }
    }

    fn wait(&self, hint: Hint) -> impl Future<Output = ()> + Send {
        Wait(Seat::new(match hint {
            Hint::Work => &self.0.bells.work,
            Hint::Room => &self.0.bells.room,
        }))
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
