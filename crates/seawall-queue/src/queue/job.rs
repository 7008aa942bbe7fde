//! A job as its handler sees it.

use std::time::Duration;

use seawall_core::Priority;

use crate::{
    job::{Counts, JobId, Lease, Token},
    storage::{Claimed, NewJob},
};

/// A job in the hands of a handler. One that is to be pushed begins with [`Job::new`].
#[derive(Clone, Debug)]
pub struct Job<T> {
    claimed: Claimed<T>,
    /// Where it is run by a worker.
    #[cfg(all(feature = "worker", not(seawall_loom)))]
    ties: Option<std::sync::Arc<crate::worker::Ties>>,
}

impl<T> Job<T> {
    /// A job that is not in a queue yet, of normal priority, to be done at once; its methods say what is
    /// special about it.
    ///
    /// # Examples
    ///
    /// How do I push something once, though I am asked twice?
    ///
    /// ```
    /// # use seawall_queue::{Job, Queue, storage::Scope};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let queue = Queue::<&str>::memory("mail").build()?;
    /// let once = || Job::new("receipt 7").unique("receipt:7", Scope::Active);
    ///
    /// let first = queue.push(once()).await?;
    /// assert_eq!(queue.push(once()).await?, first); // who holds the key
    /// # Ok::<(), seawall_queue::BoxError>(())
    /// # })?;
    /// # Ok::<(), seawall_queue::BoxError>(())
    /// ```
    #[expect(
        clippy::new_ret_no_self,
        reason = "what a handler gets was pushed before: this is how"
    )]
    pub const fn new(payload: T) -> NewJob<T> {
        NewJob::new(payload)
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.claimed.lease.id
    }

    /// What fences whatever the handler writes elsewhere: who comes with a lower one is late.
    #[must_use]
    pub const fn token(&self) -> Token {
        self.claimed.lease.token
    }

    /// What each heartbeat and each settle must show.
    #[must_use]
    pub const fn lease(&self) -> Lease {
        self.claimed.lease
    }

    /// What there is to do.
    #[must_use]
    pub const fn payload(&self) -> &T {
        &self.claimed.payload
    }

    /// What there is to do, to keep.
    #[must_use]
    pub fn into_payload(self) -> T {
        self.claimed.payload
    }

    /// Which attempt this is; the first is 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.claimed.counts.attempts
    }

    /// Whether it is dead if this attempt fails.
    #[must_use]
    pub const fn is_last_attempt(&self) -> bool {
        self.claimed.counts.attempts >= self.claimed.limits.attempts
    }

    /// What happened to it so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.claimed.counts
    }

    /// How important it is.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.claimed.priority
    }

    /// Whom it shares the key's limit and turns with.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.claimed.key.as_deref()
    }

    /// How long it was ready and nobody claimed it.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.claimed.waited
    }
}

#[cfg(all(feature = "worker", not(seawall_loom)))]
impl<T> Job<T> {
    pub(crate) fn tied(claimed: Claimed<T>, ties: std::sync::Arc<crate::worker::Ties>) -> Self {
        Self { claimed, ties: Some(ties) }
    }

    /// Says how far it is. Whoever [watches](crate::Queue::watch) can see it within a quarter of a second, and
    /// of what was said in between only the last word; so it may be said as often as one likes.
    ///
    /// Costs a lock of its own; says nothing where no worker runs it.
    pub fn progress(&self, progress: crate::storage::Progress) {
        if let Some(ties) = &self.ties {
            ties.progress(progress);
        }
    }

    /// Why it is to stop, if it is: for work that can't be dropped at any `.await`, as on a thread that may
    /// block.
    #[must_use]
    pub fn stopped(&self) -> Option<crate::worker::Stop> {
        self.ties.as_ref().and_then(|ties| ties.stopped())
    }
}

impl<T> From<Claimed<T>> for Job<T> {
    fn from(claimed: Claimed<T>) -> Self {
        Self {
            claimed,
            #[cfg(all(feature = "worker", not(seawall_loom)))]
            ties: None,
        }
    }
}
