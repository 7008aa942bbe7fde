//! The builder: every setting by name, checked when it is built.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use seawall_core::{Backoff, BoxError, Chance, ConfigError, Jitter, Name, sync::Mutex};
use tokio::sync::Notify;

use super::{
    Concurrency, Worker,
    handler::{self, Handle},
    outbox::Outbox,
    report::Tally,
    runs::Runs,
    scale::Scale,
    shared::{Shared, Terms},
};
use crate::{
    Job, Queue,
    job::{Limits, Verdict},
};

/// Builds a [`Worker`]: made by [`Worker::builder`].
///
/// | setting | default | why |
/// |---|---|---|
/// | `concurrency` | 16 | handlers mostly wait for others |
/// | `lease` | 30 s | a job of a worker that vanished waits so long; a heartbeat goes out each third of it |
/// | `max_attempts` | 5 | |
/// | `max_crashes` | 3 | a job that kills its worker three times would kill the fourth |
/// | `backoff` | 1 s, doubling to 10 min, full jitter | what failed at once fails at once again |
/// | `timeout` | none | how long a job may take is its own affair; set it, for what hangs is never given up without |
/// | `drain` | 25 s | less than the 30 s that schedulers wait before they kill |
/// | `inline` | no | a task for each run: what blocks one holds up no other |
/// | `poll` | 1 s | how late something is found whose hint was missed |
#[must_use = "a builder builds nothing until `build`"]
pub struct WorkerBuilder<T> {
    queue: Queue<T>,
    terms: Terms,
    seed: Option<u64>,
    handle: Option<Handle<T>>,
}

impl<T: Send + Sync + 'static> WorkerBuilder<T> {
    pub(super) fn new(queue: Queue<T>) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        let terms = Terms {
            name: Name::from(""),
            concurrency: Concurrency::fixed(16),
            lease: SECOND * 30,
            limits: Limits::default(),
            backoff: Backoff::exponential(SECOND).max(SECOND * 600).jitter(Jitter::Full),
            timeout: None,
            drain: SECOND * 25,
            poll: SECOND,
            inline: false,
        };
        Self { queue, terms, seed: None, handle: None }
    }

    /// What it is called, for people who look at leases; nothing is decided by it.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.terms.name = name.into();
        self
    }

    /// How many jobs it has at a time: a number from 1 to 65 536, or [bounds](Concurrency::auto) within which that
    /// finds itself.
    pub fn concurrency(mut self, jobs: impl Into<Concurrency>) -> Self {
        self.terms.concurrency = jobs.into();
        self
    }

    /// For how long a job is its own without a heartbeat: at least 10 ms.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.terms.lease = time;
        self
    }

    /// How many attempts a job has that has no number of its own: at least 1.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.terms.limits.attempts = attempts;
        self
    }

    /// After how many crashes of its workers a job is dead: at least 1.
    pub const fn max_crashes(mut self, crashes: u32) -> Self {
        self.terms.limits.crashes = crashes;
        self
    }

    /// How long a job that failed waits for its next attempt.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.terms.backoff = backoff;
        self
    }

    /// How long one attempt may take. It is dropped then, and has failed; what it calls in turn knows the
    /// deadline.
    pub const fn timeout(mut self, time: Duration) -> Self {
        self.terms.timeout = Some(time);
        self
    }

    /// How long runs may go on after the shutdown.
    pub const fn drain(mut self, time: Duration) -> Self {
        self.terms.drain = time;
        self
    }

    /// How often it looks without a hint.
    pub const fn poll(mut self, time: Duration) -> Self {
        self.terms.poll = time;
        self
    }

    /// Has it poll its runs itself, inside the future of [`run_until`](Worker::run_until), instead of in a task each.
    ///
    /// For handlers that end soon, or mostly wait, and never block: a task costs more than such a job. What it gives up:
    /// all runs share one thread at a time, and as long as one of them does not yield, nothing else of this worker goes
    /// on, not its heartbeats either. Everything else holds as before: panics are caught, leases kept, time-outs cut.
    ///
    /// # Examples
    ///
    /// How do I do many small jobs as fast as they come?
    ///
    /// ```
    /// # use seawall_queue::{BoxError, Job, Queue, Worker};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let queue = Queue::<u64>::memory("clicks").build()?;
    /// for click in 0..500 {
    ///     queue.push(click).await?;
    /// }
    ///
    /// let worker = Worker::builder(queue)
    ///     .concurrency(1_000) // as many are claimed and settled in one call, too
    ///     .inline()
    ///     .handler(|click: Job<u64>| async move { Ok::<_, BoxError>(drop(click)) })
    ///     .build()?;
    /// # let shutdown = tokio::time::sleep(std::time::Duration::from_millis(50));
    /// assert_eq!(worker.run_until(shutdown).await.done, 500);
    /// # Ok::<(), BoxError>(())
    /// # })?;
    /// # Ok::<(), BoxError>(())
    /// ```
    pub const fn inline(mut self) -> Self {
        self.terms.inline = true;
        self
    }

    /// Makes its chance (the backoff's jitter) repeatable.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What is done with each job.
    ///
    /// `Ok(())` is done; `Ok` of a [`Verdict`] is whatever it says; an error is a failed attempt, and its
    /// words are kept.
    pub fn handler<F, Fut, R, E>(mut self, handler: F) -> Self
    where
        F: Fn(Job<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<Verdict>,
        E: Into<BoxError>,
    {
        self.handle = Some(handler::function(handler));
        self
    }

    /// What is done with each job, as a Tower service with all of its layers; each run has a clone of it.
    #[cfg(feature = "tower")]
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: tower_service::Service<Job<T>> + Clone + Send + 'static,
        S::Response: Into<Verdict>,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        self.handle = Some(handler::service(service));
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// Where a setting can't be, or there is no handler: tells which.
    pub fn build(self) -> Result<Worker<T>, ConfigError> {
        let Self { queue, terms, seed, handle } = self;
        check(&terms)?;
        let aim = terms.concurrency.check()?;
        let Some(handle) = handle else {
            return Err(ConfigError::new("handler", "nothing", "a function or a service"));
        };
        let shared = Shared {
            queue,
            handle,
            chance: Chance::from_seed(seed.or_else(|| terms.backoff.chosen_seed())),
            terms,
            runs: Runs::default(),
            outbox: Outbox::default(),
            tally: Tally::default(),
            scale: Mutex::new(Scale::new(aim)),
            work: Notify::new(),
        };
        Ok(Worker { shared: Arc::new(shared) })
    }
}

fn check(terms: &Terms) -> Result<(), ConfigError> {
    const SHORTEST: Duration = Duration::from_millis(10);
    if terms.lease < SHORTEST {
        return Err(ConfigError::new("lease", format!("{:?}", terms.lease), "at least 10ms"));
    }
    if terms.limits.attempts == 0 {
        return Err(ConfigError::new("max_attempts", 0, "at least 1"));
    }
    if terms.limits.crashes == 0 {
        return Err(ConfigError::new("max_crashes", 0, "at least 1"));
    }
    if terms.timeout.is_some_and(|time| time.is_zero()) {
        return Err(ConfigError::new("timeout", "0s", "more than nothing"));
    }
    if terms.poll.is_zero() {
        return Err(ConfigError::new("poll", "0s", "more than nothing"));
    }
    terms.backoff.check().map_err(|error| error.of("backoff"))
}

impl<T> fmt::Debug for WorkerBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder").field("terms", &self.terms).finish_non_exhaustive()
    }
}
