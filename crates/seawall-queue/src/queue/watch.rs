//! One job, watched until it is over.

use std::{fmt, time::Duration};

use tokio::time::sleep;

use super::{Queue, StorageError};
use crate::{
    job::{Counts, JobId, State},
    storage::{JobInfo, Progress},
};

/// Whoever watches sees no more than this anyway.
const OFTEN: Duration = Duration::from_millis(1);

/// What happens to one job: made by [`Queue::watch`].
///
/// It asks the storage from time to time, whichever process the job runs in, and costs nothing in between. What
/// comes and goes between two questions is not seen.
#[must_use = "it looks when it is asked for what has changed"]
pub struct Watch<T> {
    queue: Queue<T>,
    id: JobId,
    every: Duration,
    seen: Option<Seen>,
}

/// What makes a difference to who watches.
#[derive(PartialEq, Eq)]
struct Seen {
    state: State,
    counts: Counts,
    progress: Option<Progress>,
}

impl<T> Queue<T> {
    /// Watches a job: its state, its attempts, [how far it is](crate::Job::progress), and what came out of it.
    ///
    /// # Examples
    ///
    /// How do I wait for a job's result?
    ///
    /// ```
    /// # use seawall_queue::{BoxError, Job, Queue, Worker, job::Verdict};
    /// # use std::time::Duration;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let queue = Queue::<u32>::memory("squares").build()?;
    /// let worker = Worker::builder(queue.clone())
    ///     .handler(|job: Job<u32>| async move {
    ///         let square = job.payload().pow(2);
    ///         Ok::<_, BoxError>(Verdict::Done { result: Some(square.to_string().into_bytes()) })
    ///     })
    ///     .build()?;
    /// # let shutdown = tokio::time::sleep(Duration::from_millis(300));
    /// # let working = tokio::spawn(async move { worker.run_until(shutdown).await });
    ///
    /// let id = queue.push(7).await?;
    /// let job = queue.watch(id).over().await?.expect("it is kept for a while");
    /// assert_eq!(job.result.as_deref(), Some(&b"49"[..]));
    /// # Ok::<(), BoxError>(())
    /// # })?;
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn watch(&self, id: JobId) -> Watch<T> {
        Watch { queue: self.clone(), id, every: Duration::from_millis(100), seen: None }
    }
}

impl<T> Watch<T> {
    /// How often it looks: each 100 ms where not set, and no more often than each millisecond.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.max(OFTEN);
        self
    }

    /// How the job stands, as soon as that is not what was told before; at once the first time. `None` where
    /// nothing more is to come: it was over, or there is no such job, or not any more.
    ///
    /// # Errors
    ///
    /// Where the storage fails. Ask again: nothing is skipped.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has told nothing, and the next one tells it.
    pub async fn changed(&mut self) -> Result<Option<JobInfo<T>>, StorageError> {
        if self.seen.as_ref().is_some_and(|seen| seen.state.is_over()) {
            return Ok(None);
        }
        loop {
            let Some(job) = self.queue.job(self.id).await? else { return Ok(None) };
            let now = Seen::of(&job);
            if self.seen.as_ref() != Some(&now) {
                self.seen = Some(now);
                return Ok(Some(job));
            }
            sleep(self.every).await;
        }
    }

    /// How the job ended, once it has; `None` where there is no such job, or not any more.
    ///
    /// A dead letter is over, though somebody may bring it back.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn over(mut self) -> Result<Option<JobInfo<T>>, StorageError> {
        let mut last = None;
        while let Some(job) = self.changed().await? {
            last = Some(job);
        }
        Ok(last.filter(|job| job.state.is_over()))
    }
}

impl Seen {
    fn of<T>(job: &JobInfo<T>) -> Self {
        Self { state: job.state, counts: job.counts, progress: job.progress.clone() }
    }
}

impl<T> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("id", &self.id)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
