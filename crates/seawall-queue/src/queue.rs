//! The handle: a queue of one kind of job, wherever the jobs are kept.
//!
//! Read in this order: this page; `push`, how jobs go in; `work`, how a worker gets them and gives them
//! back; `control`, what people do; `watch`, one job until it is over; `job`, what a handler gets; `builder`,
//! how one is made; `erased`, any storage behind one type.

mod builder;
mod control;
mod erased;
mod error;
mod event;
mod job;
mod push;
mod shared;
#[cfg(all(feature = "worker", not(seawall_loom)))]
mod watch;
mod work;

use std::{fmt, sync::Arc};

use seawall_core::{Name, Observe, Registry, Snapshot};

pub(crate) use self::shared::Shared;
#[cfg(all(feature = "worker", not(seawall_loom)))]
pub use self::watch::Watch;
pub use self::{
    builder::{MemoryBuilder, QueueBuilder},
    control::DeadLetters,
    error::StorageError,
    event::{Event, Turn},
    job::Job,
};
use crate::storage::Settings;

/// A queue of jobs of type `T`: do later what need not be done now.
///
/// Cloning is cheap and shares the queue.
///
/// What is pushed is done at least once: a job whose worker vanishes is given to another one. So handlers
/// do no harm when they run twice, or fence what they write with the job's
/// [token](crate::job::Token).
///
/// # Examples
///
/// How do I have work done later, and slow down who is too fast?
///
/// ```
/// # use seawall_queue::{Claim, Job, Priority, Queue, job::Verdict};
/// # use std::time::Duration;
/// #[derive(Clone, Debug, PartialEq)]
/// struct Resize {
///     photo: u32,
///     width: u32,
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
///
/// let queue = Queue::<Resize>::memory("thumbnails").capacity(1024).build()?;
///
/// queue.push(Resize { photo: 7, width: 640 }).await?; // waits while it is full
/// let urgent = Job::new(Resize { photo: 8, width: 64 }).priority(Priority::HIGH);
/// queue.push(urgent).await?;
///
/// // What a worker does all the time:
/// for job in queue.claim(Claim::new(10, Duration::from_secs(30))).await? {
///     println!("attempt {}: {:?}", job.counts.attempts, job.payload);
///     queue.settle_one(job.lease, Verdict::DONE).await?;
/// }
/// # Ok::<(), seawall_core::BoxError>(())
/// # })?;
/// # Ok::<(), seawall_core::BoxError>(())
/// ```
pub struct Queue<T> {
    pub(crate) shared: Arc<Shared<T>>,
}

impl<T: Send + Sync> Queue<T> {
    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.shared.name
    }

    /// What its storage was told.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.shared.storage.settings()
    }

    /// How it stands now, as far as is known without asking the storage: what it was when somebody asked
    /// for [`stats`](Self::stats) last, which workers do all the time; in memory, what it is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry)
    where
        T: 'static,
    {
        registry.add(&self.shared);
    }
}

impl<T: Send + Sync> Observe for Queue<T> {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.shared.name)
            .field("settings", self.shared.storage.settings())
            .finish_non_exhaustive()
    }
}
