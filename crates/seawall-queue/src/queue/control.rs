//! What people do with a queue and its jobs.

use std::fmt;

use super::{Queue, StorageError, Turn};
use crate::{
    job::{Cancelled, JobId, State},
    storage::{JobInfo, Look, MAX_BATCH, Requeued},
};

impl<T> Queue<T> {
    /// What is known of a job; `None` where there is no such, or not any more.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn job(&self, id: JobId) -> Result<Option<JobInfo<T>>, StorageError> {
        Ok(self.shared.storage.inspect(Look::At(vec![id])).await?.pop())
    }

    /// What is known of the jobs in a state: a page of them, the youngest first, below the last one of the
    /// page before.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn list(
        &self,
        state: State,
        limit: usize,
        before: Option<JobId>,
    ) -> Result<Vec<JobInfo<T>>, StorageError> {
        self.shared.storage.inspect(Look::In { state, limit, before }).await
    }

    /// Ends a job that waits, and has one stopped that runs: its worker learns of it with its next
    /// heartbeat.
    ///
    /// # Errors
    ///
    /// Where the storage fails; to cancel again is harmless.
    pub async fn cancel(&self, id: JobId) -> Result<Cancelled, StorageError> {
        let answers = self.shared.storage.cancel(vec![id]).await?;
        Ok(answers.first().copied().unwrap_or(Cancelled::Unknown))
    }

    /// Brings a dead letter back, with all of its attempts.
    ///
    /// # Errors
    ///
    /// Where the storage fails; to requeue again is harmless.
    pub async fn requeue(&self, id: JobId) -> Result<Requeued, StorageError> {
        let answers = self.requeue_many(vec![id]).await?;
        Ok(answers.first().copied().unwrap_or(Requeued::Unknown))
    }

    async fn requeue_many(&self, ids: Vec<JobId>) -> Result<Vec<Requeued>, StorageError> {
        let answers = self.shared.storage.requeue(ids.clone()).await?;
        for (id, answer) in ids.into_iter().zip(&answers) {
            if *answer == Requeued::Now {
                self.shared.tell(Turn::Requeued { id });
            }
        }
        Ok(answers)
    }

    /// Stops claims, for everybody who works on this queue; what runs goes on, and what is pushed goes in.
    ///
    /// # Errors
    ///
    /// Where the storage fails; to pause again is harmless.
    pub async fn pause(&self) -> Result<(), StorageError> {
        self.set_paused(true).await
    }

    /// Lets claims go on.
    ///
    /// # Errors
    ///
    /// Where the storage fails; to resume again is harmless.
    pub async fn resume(&self) -> Result<(), StorageError> {
        self.set_paused(false).await
    }

    async fn set_paused(&self, paused: bool) -> Result<(), StorageError> {
        self.shared.storage.pause(paused).await?;
        self.shared.seen.lock().paused = paused;
        self.shared.tell(if paused { Turn::Paused } else { Turn::Resumed });
        Ok(())
    }

    /// The jobs that failed for good.
    #[must_use]
    pub const fn dead_letters(&self) -> DeadLetters<'_, T> {
        DeadLetters { queue: self }
    }
}

/// A queue's jobs that failed for good: from [`Queue::dead_letters`].
pub struct DeadLetters<'a, T> {
    queue: &'a Queue<T>,
}

impl<T> DeadLetters<'_, T> {
    /// The youngest so many.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn list(&self, limit: usize) -> Result<Vec<JobInfo<T>>, StorageError> {
        self.queue.list(State::Dead, limit, None).await
    }

    /// The next so many below the last one of the page before.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn list_before(
        &self,
        limit: usize,
        before: JobId,
    ) -> Result<Vec<JobInfo<T>>, StorageError> {
        self.queue.list(State::Dead, limit, Some(before)).await
    }

    /// Brings back all that are there now, some at a time; how many came.
    ///
    /// # Errors
    ///
    /// Where the storage fails: those before it are back, and another call goes on from there.
    pub async fn requeue_all(&self) -> Result<usize, StorageError> {
        let (mut before, mut back) = (None, 0);
        loop {
            let page = self.queue.list(State::Dead, MAX_BATCH, before).await?;
            let Some(last) = page.last() else { return Ok(back) };
            before = Some(last.id);
            let answers = self.queue.requeue_many(page.iter().map(|job| job.id).collect()).await?;
            back += answers.iter().filter(|answer| **answer == Requeued::Now).count();
        }
    }
}

impl<T> fmt::Debug for DeadLetters<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("queue", &self.queue).finish()
    }
}
