//! The compartment: work of one kind on threads of its own, bounded.
//!
//! Read [`places`] first (how many may come in), then `line` (who waits), `job` (one of them, from
//! admission to its end), `reply` (what its caller gets to know), `pool` (all of them together, and
//! what is promised), then this handle.

mod bell;
mod builder;
mod event;
mod job;
mod line;
mod panicked;
mod places;
mod pool;
mod reply;
mod shutdown;
mod threads;
mod waiting;

#[cfg(all(test, seawall_loom))]
#[path = "tests/loom_compartment.rs"]
mod loom_compartment;

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
};

use seawall_core::{Error, Name, Observe, Parker, Registry, Snapshot};

pub use self::{
    builder::CompartmentBuilder,
    event::{CompartmentEvent, CompartmentTurn},
    panicked::Panicked,
    shutdown::Drained,
};
use self::{
    job::{End, Inside},
    panicked::{message, quietly},
    pool::Pool,
};

/// Threads of its own for work of one kind, with a bounded queue: work that computes for long or
/// blocks takes neither the runtime's threads nor those of another compartment.
///
/// ```text
///   run(job) ──▶ room? ──yes──▶ queue ──▶ thread 0
///                  │ no        (bounded)  thread 1 ──▶ result to the caller
///                  ▼
///            BulkheadFull, at once
/// ```
///
/// Cloning is cheap and shares the threads and the queue.
///
/// # What a job can count on
///
/// - It runs on one of the compartment's threads, in the [context](seawall_core::context) of its
///   caller: deadline and priority are those of the call.
/// - Its panic is its caller's error; the thread goes on.
/// - Jobs begin in the order in which they were handed in.
/// - It begins before the deadline of its call and within
///   [`max_wait`](CompartmentBuilder::max_wait), or not at all.
///
/// # When the last handle is dropped
///
/// Nobody waits for a job then, since who waits has a handle. What runs, runs to its end on its
/// thread, which then goes; futures are cancelled. The drop itself does not wait, so it may happen
/// anywhere: in async code, and in a job of the compartment. To wait, call
/// [`shutdown`](Self::shutdown).
///
/// # Deadlock
///
/// A job that waits for another job of its own compartment holds a thread that the other may need:
/// with as many of them as there are threads, all wait for ever. [`run_blocking`](Self::run_blocking)
/// sees that it is called by a job of the same compartment, and runs in place; [`run`](Self::run) and
/// a detour over a second compartment can't. Two kinds of work that wait for each other want two
/// compartments, or a deadline.
///
/// # Examples
///
/// How do I keep work that computes off my runtime?
///
/// ```
/// # use seawall_bulkhead::{Compartment, Error, Reason};
/// # fn resize(image: Vec<u8>) -> Vec<u8> { image }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cpu = Compartment::builder("thumbnails").threads(2).queue(16).build()?;
///
/// let image = vec![0; 64];
/// match cpu.run(move || resize(image)).await {
///     Ok(small) => assert_eq!(small.len(), 64),
///     Err(Error::Rejected(refused)) => println!("come back later: {refused}"),
///     Err(Error::Inner(panicked)) => println!("a bug: {panicked}"),
/// }
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// # }).unwrap();
/// ```
///
/// How do I give a client its own runtime?
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// # use seawall_bulkhead::Compartment;
/// # use std::time::Duration;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let io = Compartment::builder("legacy").threads(2).limit(100).queue(16).runtime().build()?;
/// let page = io.run_async(|| async {
///     tokio::time::sleep(Duration::from_millis(1)).await; // the compartment's timer
///     "a page"
/// });
/// assert_eq!(page.await?, "a page");
/// # Ok::<(), seawall_core::BoxError>(())
/// # }).unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct Compartment {
    shared: Arc<Shared>,
}

impl Compartment {
    /// Begins to build the compartment called `name`, as it stands in rejections and snapshots and,
    /// with a number, in the names of its threads.
    pub fn builder(name: impl Into<Name>) -> CompartmentBuilder {
        CompartmentBuilder::new(name.into())
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// The compartment's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.pool().name
    }

    /// Runs `job` on one of the compartment's threads, and waits for it; on any executor.
    ///
    /// On a [`runtime`](CompartmentBuilder::runtime), it holds one of the threads until it returns.
    ///
    /// # Errors
    ///
    /// [`Error::Inner`] where the job panicked. [`Error::Rejected`] where it never ran:
    /// [`Reason::BulkheadFull`](seawall_core::Reason::BulkheadFull) at once where there is no room,
    /// or after `max_wait`;
    /// [`Reason::DeadlineExceeded`](seawall_core::Reason::DeadlineExceeded) where the deadline of the
    /// call passed first; [`Reason::ShuttingDown`](seawall_core::Reason::ShuttingDown) once
    /// [`shutdown`](Self::shutdown) was called, and for what still waits at its deadline.
    ///
    /// With tokio around (the caller's runtime, or else the compartment's own) a wait that is too long
    /// ends on time; elsewhere when a thread comes to the job.
    ///
    /// # Panics
    ///
    /// Where the wait is bounded and the caller's tokio runtime has no time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the job began takes the job out of the queue: its closure is dropped
    /// here and now, and its place is free. A job that has begun can't be stopped: it runs on, in its
    /// place, and its result is dropped. Nothing is handed in before the first poll.
    pub async fn run<T, F>(&self, job: F) -> Result<T, Error<Panicked>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.run_async(move || std::future::ready(job())).await
    }

    /// Runs the future that `job` makes on the compartment's threads, and waits for it; on any
    /// executor.
    ///
    /// On a [`runtime`](CompartmentBuilder::runtime) of its own, futures share the threads, and have
    /// tokio's timers and sockets; otherwise each holds a thread until it is done.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// Those of [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run), but a future that has begun is cancelled: it is dropped where it waits,
    /// by its thread, and its place is free after that.
    pub async fn run_async<T, F, Fut>(&self, job: F) -> Result<T, Error<Panicked>>
    where
        T: Send + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        #[cfg_attr(
            not(feature = "tokio"),
            allow(unused_mut, reason = "the timer alone changes it")
        )]
        let mut waiting = self.pool().submit(job)?;
        #[cfg(feature = "tokio")]
        while let Some(timeout) = self.timeout(&mut waiting) {
            match timeout.await {
                Ok(outcome) => return outcome,
                Err(_) => waiting.expire(),
            }
        }
        waiting.await
    }

    /// Runs `job` on one of the compartment's threads, and blocks the present one until it is done.
    ///
    /// Called by a job of this compartment, it runs in place: that job's thread is one of those that
    /// `job` may have, and would only wait.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run); a wait that is too long ends on time.
    pub fn run_blocking<T, F>(&self, job: F) -> Result<T, Error<Panicked>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if Inside::is(self.pool()) {
            return self.run_in_place(job);
        }
        let mut waiting = self.pool().submit(move || std::future::ready(job()))?;
        let parker = Parker::new();
        while let Some(left) = waiting.remaining() {
            match parker.block_on_for(left, pin!(&mut waiting)) {
                Some(outcome) => return outcome,
                None => waiting.expire(),
            }
        }
        parker.block_on(pin!(waiting))
    }

    fn run_in_place<T>(&self, job: impl FnOnce() -> T) -> Result<T, Error<Panicked>> {
        let pool = self.pool();
        match catch_unwind(AssertUnwindSafe(job)) {
            Ok(value) => {
                pool.stats.count(End::Completed);
                Ok(value)
            }
            Err(panic) => {
                pool.stats.count(End::Panicked);
                quietly(|| pool.tell_panicked(message(&*panic)));
                Err(Error::Inner(Panicked::new(panic)))
            }
        }
    }

    /// How it stands now.
    ///
    /// Gauges: `running`, `queued`. Counters: `completed`, `panicked`, `rejected` (never admitted),
    /// `cancelled` (the caller went), `expired` (waited too long), `dropped` (at a shutdown). Limits:
    /// `threads`, `running`, `queue`. States: `open`, `draining`, `closed`.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }

    /// A timer for the rest of the time that a job may wait, where that is bounded and there are timers.
    #[cfg(feature = "tokio")]
    fn timeout<'w, 'a, T>(
        &self,
        waiting: &'w mut waiting::Waiting<'a, T>,
    ) -> Option<tokio::time::Timeout<&'w mut waiting::Waiting<'a, T>>> {
        let left = waiting.remaining()?;
        let caller = tokio::runtime::Handle::try_current().ok();
        // The caller's first: a job can block the threads that would drive the other's timers.
        let runtime = caller.as_ref().or(self.pool().runtime.as_ref())?;
        let _inside = runtime.enter();
        Some(tokio::time::timeout(left, waiting))
    }

    fn pool(&self) -> &Arc<Pool> {
        &self.shared.pool
    }
}

impl fmt::Debug for Compartment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compartment")
            .field("name", &self.pool().name)
            .field("limits", &self.pool().limits)
            .finish_non_exhaustive()
    }
}

impl Observe for Compartment {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

/// What the handles share and the threads do not: with the last of it, the compartment ends.
pub(crate) struct Shared {
    pool: Arc<Pool>,
    #[cfg(feature = "tokio")]
    runtime: Option<tokio::runtime::Runtime>,
}

impl Shared {
    pub(crate) const fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            #[cfg(feature = "tokio")]
            runtime: None,
        }
    }

    #[cfg(feature = "tokio")]
    pub(crate) const fn on_runtime(pool: Arc<Pool>, runtime: tokio::runtime::Runtime) -> Self {
        Self { pool, runtime: Some(runtime) }
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        self.pool.snapshot()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.pool.places.close();
        self.pool.end();
        #[cfg(feature = "tokio")]
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // a plain drop waits, and panics in async code
        }
    }
}
