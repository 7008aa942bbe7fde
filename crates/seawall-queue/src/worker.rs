//! Who does the jobs: claims them, runs each in a task of its own, keeps their leases, and settles them.
//!
//! Read in this order: this page; `builder`, what can be set; `handler`, what is done with a job; `run`, one
//! run from its claim to its verdict; `crew`, who polls it; `runs`, those that are under way; `scale`, how many they
//! should be, pure. Then the six loops, each of which does one thing and waits for nothing but that: `claims`, `heart`,
//! `settles`, `promotes`, `scales`, `fires`; and `report`, what became of it all.
//!
//! ```text
//!              ┌──────────── runs: one task a job ───────────┐
//!   claims ──▶ │ handler ── verdict ─┐                       │
//!      ▲       └──────▲──────────────│───────────────────────┘
//!      │ room         │ stop         ▼
//!      └───────── settles ◀────── outbox       heart: all leases in one call
//!                                              promotes: what time makes due
//! ```
//!
//! # What it promises
//!
//! 1. **Said after done.** A job is settled after its handler came back, never before: a worker that vanishes
//!    leaves its jobs to others.
//! 2. **One at a time.** A run is stopped before its lease can be somebody else's: from the moment that a claim
//!    or a heartbeat was *sent*, nine tenths of a lease long, unless another one was answered. That a
//!    heartbeat fails means nothing, and it is sent again soon; only that none came through for so long does.
//! 3. **A lost lease ends the run,** and nothing that it says is taken.
//! 4. **Whoever panics fails.** A panic is a failed attempt, with its words; it ends no other run.
//! 5. **Whoever hangs is cut.** [`timeout`](WorkerBuilder::timeout) ends an attempt, and with it its heartbeat.
//! 6. **A blocked handler blocks itself.** Heartbeats go out from the future of [`run_until`](Worker::run_until),
//!    runs are tasks beside it; on a runtime of several threads a handler that never yields holds up no
//!    lease of another. On a runtime of one thread it does, and so does one that is run
//!    [inline](WorkerBuilder::inline): use `spawn_blocking` in it.
//! 7. **Never more than asked for**: what is claimed and not settled counts.
//! 8. **A shutdown loses nothing.** What was claimed and not begun goes back to its place at once; what runs
//!    has the time that [`drain`](WorkerBuilder::drain) says, and goes back without a lost attempt.

mod builder;
mod claims;
mod concurrency;
mod crew;
mod fires;
mod handler;
mod heart;
mod outbox;
mod promotes;
mod report;
mod run;
mod runs;
mod scale;
mod scales;
mod settles;
mod shared;

use std::{fmt, future::Future, pin::pin, sync::Arc};

use futures_util::future::{Either, join, join5, select};
use tokio::time::timeout;

pub(crate) use self::runs::Ties;
pub use self::{builder::WorkerBuilder, concurrency::Concurrency, report::Report, runs::Stop};
use self::{crew::Crew, shared::Shared};
use crate::Queue;

/// Does the jobs of a queue.
///
/// Cloning is cheap and shares what it counts and its places: two clones that run share the concurrency.
///
/// # Examples
///
/// How do I work on a queue until the process is told to end?
///
/// ```
/// # use seawall_queue::{BoxError, Job, Queue, Worker};
/// # use std::time::Duration;
/// # async fn resize(photo: u32) -> Result<(), std::io::Error> { Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let queue = Queue::<u32>::memory("thumbnails").build()?;
/// queue.push(7).await?;
///
/// let worker = Worker::builder(queue.clone())
///     .concurrency(16)
///     .lease(Duration::from_secs(30))
///     .max_attempts(5)
///     .handler(|job: Job<u32>| async move { resize(*job.payload()).await })
///     .build()?;
///
/// # let shutdown_signal = || tokio::time::sleep(Duration::from_millis(50));
/// let report = worker.run_until(shutdown_signal()).await;
/// assert_eq!(report.done, 1);
/// # Ok::<(), BoxError>(())
/// # })?;
/// # Ok::<(), BoxError>(())
/// ```
pub struct Worker<T> {
    shared: Arc<Shared<T>>,
}

impl<T: Send + Sync + 'static> Worker<T> {
    /// Begins to build a worker for `queue`.
    pub fn builder(queue: Queue<T>) -> WorkerBuilder<T> {
        WorkerBuilder::new(queue)
    }

    /// Works until `shutdown` is ready; then claims nothing more, waits for what runs as long as
    /// [`drain`](WorkerBuilder::drain) says, gives back the rest, and reports.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it stops every run where it is, and settles nothing: the jobs come back when their leases
    /// are over, and are counted as crashed. End it by `shutdown`. Its places are free for whoever runs it
    /// again, who also says what was on its way to the storage.
    pub async fn run_until(&self, shutdown: impl Future<Output = ()>) -> Report {
        let shared = &self.shared;
        let crew = Crew::new(shared.terms.inline); // dropped with this future, and all runs with it
        let loops = join5(
            heart::beat(shared),
            settles::settle(shared),
            promotes::promote(shared),
            scales::scale(shared),
            fires::fire(shared),
        );
        let mut upkeep = pin!(join(crew.work(), loops));

        let claims = pin!(claims::claim(shared, &crew, shutdown));
        if let Either::Right((never, _)) = select(claims, upkeep.as_mut()).await {
            match never.0 {}
        }
        let drained = pin!(timeout(shared.terms.drain, shared.runs.all_over()));
        if let Either::Left((Err(_), _)) = select(drained, upkeep.as_mut()).await {
            shared.runs.stop_all(Stop::Shutdown);
            // Their verdicts go out yet, as long as that may help.
            let given_back = pin!(timeout(shared.terms.lease, shared.runs.all_over()));
            select(given_back, upkeep.as_mut()).await;
        }
        shared.tally.report(shared.runs.len())
    }

    /// What became of the jobs so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.shared.tally.report(0)
    }

    /// How many jobs it has at this moment: they run, or how they ended is on its way to the storage.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.runs.len()
    }

    /// How many jobs it may have at this moment: what was set, or what [`Concurrency::auto`] has found.
    #[must_use]
    pub fn places(&self) -> usize {
        self.shared.scale.lock().places()
    }

    /// How many workers such as this one, with all the places that it may have, the queue asks for: for whatever starts
    /// and ends processes. One where nothing is known; it is never zero.
    #[must_use]
    pub fn desired_workers(&self) -> usize {
        self.shared.scale.lock().workers()
    }

    /// The queue that it works on.
    #[must_use]
    pub fn queue(&self) -> &Queue<T> {
        &self.shared.queue
    }
}

impl<T> Clone for Worker<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("terms", &self.shared.terms).finish_non_exhaustive()
    }
}
