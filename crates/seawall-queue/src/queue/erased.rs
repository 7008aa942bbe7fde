//! Any storage behind one type, so that a queue's handle names none: and from payloads to what it keeps.

use std::{
    future::Future,
    marker::PhantomData,
    pin::{Pin, pin},
    time::Duration,
};

use seawall_core::BoxError;

use super::StorageError;
use crate::{
    codec::Codec,
    job::{Cancelled, Cause, JobId, Kept, Settled, Verdict},
    poll_once::poll_once,
    storage::{
        Claim, Claimed, Enqueued, Heartbeat, Hint, JobInfo, Look, NewJob, Promoted, Requeued, Room,
        Settings, Settlement, Stats, Storage,
    },
};

/// Boxed, once a batch: less than what any storage but the one in memory costs by far.
pub(super) type Answer<'a, R> = Pin<Box<dyn Future<Output = Result<R, StorageError>> + Send + 'a>>;

/// A storage of payloads `T`, whatever it is.
pub(super) trait Erased<T>: Send + Sync {
    fn settings(&self) -> &Settings;
    fn enqueue(&self, jobs: Vec<NewJob<T>>, room: Room) -> Answer<'_, Vec<Enqueued>>;
    /// Enqueues, and waits for room as long as it takes.
    fn push(&self, jobs: Vec<NewJob<T>>) -> Answer<'_, Vec<Enqueued>>;
    fn claim(&self, claim: Claim) -> Answer<'_, Claims<T>>;
    fn settle(&self, settlements: Vec<Settlement>) -> Answer<'_, Vec<Settled>>;
    fn heartbeat(&self, heartbeats: Vec<Heartbeat>, lease: Duration) -> Answer<'_, Vec<Kept>>;
    fn promote(&self, budget: usize) -> Answer<'_, Promoted>;
    fn cancel(&self, jobs: Vec<JobId>) -> Answer<'_, Vec<Cancelled>>;
    fn requeue(&self, jobs: Vec<JobId>) -> Answer<'_, Vec<Requeued>>;
    fn pause(&self, paused: bool) -> Answer<'_, ()>;
    fn stats(&self) -> Answer<'_, Stats>;
    fn inspect(&self, look: Look) -> Answer<'_, Vec<JobInfo<T>>>;
    fn wait(&self, hint: Hint) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What a claim gave: what could be read, and what is dead because it could not.
pub(super) struct Claims<T> {
    pub(super) jobs: Vec<Claimed<T>>,
    pub(super) undecodable: Vec<JobId>,
}

/// A storage that keeps `P`, and how a payload becomes one.
pub(super) struct Coded<S, C, P> {
    storage: S,
    codec: C,
    keeps: PhantomData<fn() -> P>,
}

impl<S, C, P> Coded<S, C, P> {
    pub(super) const fn new(storage: S, codec: C) -> Self {
        Self { storage, codec, keeps: PhantomData }
    }

    fn encode<T>(&self, jobs: Vec<NewJob<T>>) -> Result<Vec<NewJob<P>>, StorageError>
    where
        C: Codec<T, P>,
    {
        let encode = |payload| self.codec.encode(payload).map_err(StorageError::Encode);
        jobs.into_iter().map(|job| job.try_map(encode)).collect()
    }
}

/// `answer!(self.call(arguments))`: the storage's future, boxed, with a boxed error.
macro_rules! answer {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        let answer = $self.storage.$call($($argument),*);
        Box::pin(async move { answer.await.map_err(failed) })
    }};
}

impl<T, S, C, P> Erased<T> for Coded<S, C, P>
where
    T: Send + 'static,
    S: Storage<P>,
    C: Codec<T, P>,
    P: Clone + Send + Sync + 'static,
{
    fn settings(&self) -> &Settings {
        self.storage.settings()
    }

    fn enqueue(&self, jobs: Vec<NewJob<T>>, room: Room) -> Answer<'_, Vec<Enqueued>> {
        let jobs = self.encode(jobs);
        Box::pin(async move { self.storage.enqueue(jobs?, room).await.map_err(failed) })
    }

    fn push(&self, jobs: Vec<NewJob<T>>) -> Answer<'_, Vec<Enqueued>> {
        let jobs = self.encode(jobs);
        Box::pin(async move { push(&self.storage, jobs?).await.map_err(failed) })
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Claims<T>> {
        Box::pin(async move {
            let claimed = self.storage.claim(claim).await.map_err(failed)?;
            let mut jobs = Vec::with_capacity(claimed.len());
            let mut unread = Vec::new();
            for job in claimed {
                let lease = job.lease;
                match job.try_map(|kept| self.codec.decode(kept)) {
                    Ok(job) => jobs.push(job),
                    Err(error) => {
                        let (cause, error) = (Cause::Undecodable, error.to_string());
                        unread.push(Settlement { lease, verdict: Verdict::Bury { cause, error } });
                    }
                }
            }
            let undecodable = unread.iter().map(|one| one.lease.id).collect();
            if !unread.is_empty() {
                // If this fails, their leases end, and somebody else finds the same.
                let _ = self.storage.settle(unread).await;
            }
            Ok(Claims { jobs, undecodable })
        })
    }

    fn settle(&self, settlements: Vec<Settlement>) -> Answer<'_, Vec<Settled>> {
        answer!(self.settle(settlements))
    }

    fn heartbeat(&self, heartbeats: Vec<Heartbeat>, lease: Duration) -> Answer<'_, Vec<Kept>> {
        answer!(self.heartbeat(heartbeats, lease))
    }

    fn promote(&self, budget: usize) -> Answer<'_, Promoted> {
        answer!(self.promote(budget))
    }

    fn cancel(&self, jobs: Vec<JobId>) -> Answer<'_, Vec<Cancelled>> {
        answer!(self.cancel(jobs))
    }

    fn requeue(&self, jobs: Vec<JobId>) -> Answer<'_, Vec<Requeued>> {
        answer!(self.requeue(jobs))
    }

    fn pause(&self, paused: bool) -> Answer<'_, ()> {
        answer!(self.pause(paused))
    }

    fn stats(&self) -> Answer<'_, Stats> {
        answer!(self.stats())
    }

    fn inspect(&self, look: Look) -> Answer<'_, Vec<JobInfo<T>>> {
        Box::pin(async move {
            let found = self.storage.inspect(look).await.map_err(failed)?;
            let read = |info: JobInfo<P>| info.and_then(|kept| self.codec.decode(kept).ok());
            Ok(found.into_iter().map(read).collect())
        })
    }

    fn wait(&self, hint: Hint) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.storage.wait(hint))
    }
}

fn failed(error: impl Into<BoxError>) -> StorageError {
    StorageError::Failed(error.into())
}

/// Enqueues, and waits for room for what finds none.
async fn push<P: Clone, S: Storage<P>>(
    storage: &S,
    jobs: Vec<NewJob<P>>,
) -> Result<Vec<Enqueued>, S::Error> {
    let mut answers = storage.enqueue(jobs.clone(), Room::Refuse).await?;
    loop {
        let full = |answer: &Enqueued| matches!(answer, Enqueued::Full);
        let left: Vec<usize> = (0..answers.len()).filter(|&at| full(&answers[at])).collect();
        if left.is_empty() {
            return Ok(answers);
        }
        // He waits before he looks, so that what becomes free in between is told to him.
        let mut room = pin!(storage.wait(Hint::Room));
        let is_there = poll_once(room.as_mut()).await;
        let again = left.iter().map(|&at| jobs[at].clone()).collect();
        let news = storage.enqueue(again, Room::Refuse).await?;
        let nothing_moved = news.iter().all(full);
        for (at, answer) in left.into_iter().zip(news) {
            answers[at] = answer;
        }
        if nothing_moved {
            a_while((!is_there).then_some(room)).await;
        }
    }
}

/// Until the hint comes. It may be missed, or wrong: so he looks from time to time too, where there is a
/// timer, and lets others go on where there is none.
async fn a_while(hint: Option<Pin<&mut impl Future<Output = ()>>>) {
    #[cfg(feature = "tokio")]
    const LOOK: Duration = Duration::from_millis(100);
    match hint {
        #[cfg(feature = "tokio")]
        Some(hint) => drop(tokio::time::timeout(LOOK, hint).await),
        #[cfg(not(feature = "tokio"))]
        Some(hint) => hint.await,
        #[cfg(feature = "tokio")]
        None => tokio::time::sleep(LOOK).await,
        #[cfg(not(feature = "tokio"))]
        None => yield_now().await,
    }
}

/// Gives way once.
#[cfg(not(feature = "tokio"))]
async fn yield_now() {
    use std::{future::poll_fn, task::Poll};

    let mut gave_way = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
