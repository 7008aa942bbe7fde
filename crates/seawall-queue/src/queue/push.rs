//! How jobs go in: waiting for room, refused where there is none, or at somebody's cost.

use std::pin::{Pin, pin};

use seawall_core::Error;
#[cfg(feature = "tokio")]
use seawall_core::{Reason, Rejection, deadline};

use super::{Queue, StorageError};
use crate::{
    job::JobId,
    storage::{Enqueued, MAX_BATCH, NewJob, Room},
};

impl<T> Queue<T> {
    /// Puts a job in, and waits for room while there is none. Its id, or that of the job who holds its
    /// unique key.
    ///
    /// Once it answers, the job will be done at least once, as long as the storage keeps what it promised.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`Reason::DeadlineExceeded`] where the call's
    /// [deadline](seawall_core::deadline) comes before there is room; the job is not in. [`Error::Inner`]
    /// where the storage fails, or the payload can't be encoded. A storage that failed may have taken it: push
    /// again only what may be done twice, or is [unique](NewJob::unique).
    ///
    /// [`Reason::DeadlineExceeded`]: seawall_core::Reason::DeadlineExceeded
    ///
    /// # Cancel safety
    ///
    /// In memory: dropped before it is ready, nothing is in. Elsewhere, it may be in.
    pub async fn push(&self, job: impl Into<NewJob<T>>) -> Result<JobId, Error<StorageError>> {
        let job = job.into();
        let answer = match &self.shared.local {
            Some(local) => self.within_deadline(pin!(local.memory.push(job))).await?,
            None => {
                let push = self.shared.storage.push(vec![job]);
                one(&self.within_deadline(pin!(push)).await?.map_err(Error::Inner)?)
            }
        };
        self.shared.entered(&[answer]);
        answer.id().ok_or_else(|| self.shared.full().into())
    }

    /// Puts a job in, if there is room.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`Reason::QueueFull`](seawall_core::Reason::QueueFull) where there is none;
    /// [`Error::Inner`] as for [`push`](Self::push).
    pub async fn try_push(&self, job: impl Into<NewJob<T>>) -> Result<JobId, Error<StorageError>> {
        self.enqueue_one(job.into(), Room::Refuse).await
    }

    /// Puts a job in, at the cost of one that waits and is of lower priority, if there is no room: that is
    /// a dead letter then.
    ///
    /// # Errors
    ///
    /// As [`try_push`](Self::try_push), where none is of lower priority.
    pub async fn push_or_shed(
        &self,
        job: impl Into<NewJob<T>>,
    ) -> Result<JobId, Error<StorageError>> {
        self.enqueue_one(job.into(), Room::Shed).await
    }

    async fn enqueue_one(&self, job: NewJob<T>, room: Room) -> Result<JobId, Error<StorageError>> {
        let answer = self.offer(job, room).await.map_err(Error::Inner)?;
        answer.id().ok_or_else(|| self.shared.full().into())
    }

    /// Puts a job in, or says what is in its way.
    pub(crate) async fn offer(&self, job: NewJob<T>, room: Room) -> Result<Enqueued, StorageError> {
        let answers = self.shared.storage.enqueue(vec![job], room).await?;
        let answer = one(&answers);
        self.shared.entered(&[answer]);
        Ok(answer)
    }

    /// Puts many in, and waits for room while there is none for some. What became of each, in their order.
    ///
    /// They go in by [`MAX_BATCH`] at a time; each of these may go in as a whole or in parts.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push); of what was to go in, some may be in then.
    ///
    /// # Cancel safety
    ///
    /// Some may be in.
    pub async fn push_batch<J: Into<NewJob<T>>>(
        &self,
        jobs: impl IntoIterator<Item = J>,
    ) -> Result<Vec<Enqueued>, Error<StorageError>> {
        let mut jobs = jobs.into_iter().map(Into::into).peekable();
        let mut answers = Vec::new();
        while jobs.peek().is_some() {
            let batch = jobs.by_ref().take(MAX_BATCH).collect();
            let push = pin!(self.shared.storage.push(batch));
            let part = self.within_deadline(push).await?.map_err(Error::Inner)?;
            self.shared.entered(&part);
            answers.extend(part);
        }
        Ok(answers)
    }

    /// No wait passes the call's deadline.
    #[inline]
    async fn within_deadline<R>(
        &self,
        push: Pin<&mut impl Future<Output = R>>,
    ) -> Result<R, Error<StorageError>> {
        #[cfg(feature = "tokio")]
        if let Some(left) = deadline::remaining() {
            return tokio::time::timeout(left, push).await.map_err(|_| {
                self.shared.tally.refused.add(1);
                Rejection::new(Reason::DeadlineExceeded, self.shared.name.clone()).into()
            });
        }
        Ok(push.await)
    }
}

/// The answer for the only job of a call.
fn one(answers: &[Enqueued]) -> Enqueued {
    answers.first().copied().unwrap_or(Enqueued::Full) // who answers for nothing has put nothing in
}
