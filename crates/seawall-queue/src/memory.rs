//! Jobs in this process: as fast as a lock and a few trees, and gone with the process.
//!
//! Read in this order: this page; `core`, what each call does; `lanes`, `keys`, `uniques`, `record`, what
//! it keeps; `waiting`, who is woken.
//!
//! # What it promises
//!
//! What every [storage](crate::storage) does, and beyond that:
//!
//! 1. Its hints are exact: whoever [waits](Storage::wait) is woken for each thing that comes, one for one; a
//!    wait that is dropped hands on what it was woken for.
//! 2. Payloads are cloned and dropped outside its lock, and no waker is woken under it.
//! 3. What it costs does not grow with what waits or is over, but by a level of a tree.
//!
//! "Durable" is: as long as the process. A worker that vanishes (a task that is dropped, a handler that
//! hangs) loses nothing, as elsewhere.

mod core;
mod keys;
mod lanes;
mod places;
mod record;
mod uniques;
mod waiting;

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::{Clock, ConfigError, sync::Mutex};

use self::core::Core;
pub(crate) use self::waiting::{Bell, Seat, Wait};
use crate::{
    job::{Cancelled, JobId, Kept, Settled},
    ring::{gives_way, rested},
    storage::{
        Claim, Claimed, Enqueued, Heartbeat, Hint, JobInfo, Look, MAX_BATCH, NewJob, Promoted,
        Requeued, Room, Settings, Settlement, Stats, Storage,
    },
};

/// A [`Storage`] in memory, of payloads of any type that can be cloned.
///
/// Cloning is cheap and shares the jobs.
pub struct Memory<P>(Arc<Shared<P>>);

struct Shared<P> {
    settings: Settings,
    clock: Clock,
    core: Mutex<Core<P>>,
    work: Bell,
    room: Bell,
}

impl<P> Memory<P> {
    /// An empty queue.
    ///
    /// # Errors
    ///
    /// Where the settings can't be.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, ConfigError> {
        settings.check()?;
        let shared = Shared {
            core: Mutex::new(Core::new(&settings)),
            work: Bell::new(0),
            room: Bell::new(settings.capacity),
            settings,
            clock,
        };
        Ok(Self(Arc::new(shared)))
    }

    /// How many jobs are where, at once.
    pub(crate) fn glance(&self) -> Stats {
        self.0.with(|core| core.stats())
    }

    /// As [`Storage::claim`], at once; the payloads are still shared.
    pub(crate) fn claim_now(&self, claim: &Claim) -> Vec<Claimed<Arc<P>>> {
        let mut claimed = Vec::with_capacity(claim.max.min(self.0.work.things()).min(MAX_BATCH));
        self.0.with(|core| core.claim(claim, |job| claimed.push(job)));
        claimed
    }

    /// As [`Storage::settle`], at once.
    pub(crate) fn settle_now<R: FromIterator<Settled>>(
        &self,
        settlements: impl IntoIterator<Item = Settlement>,
    ) -> R {
        let settle = |core: &mut Core<P>| {
            settlements.into_iter().map(|one| core.settle(one.lease, one.verdict)).collect()
        };
        self.0.with(settle)
    }

    /// Waits for room, and enqueues.
    pub(crate) fn push(&self, job: NewJob<P>) -> Pushing<'_, P> {
        Pushing { shared: &self.0, job: Some(job), seat: Seat::new(&self.0.room) }
    }
}

impl<P> Shared<P> {
    /// Works on the jobs, and wakes whom it concerns.
    fn with<R>(&self, work: impl FnOnce(&mut Core<P>) -> R) -> R {
        let now = self.clock.now();
        let mut core = self.core.lock();
        core.set_time(now);
        let done = work(&mut core);
        self.work.set(core.work());
        self.room.set(core.room());
        let trash = core.take_trash();
        drop(core);
        self.work.ring();
        self.room.ring();
        drop(trash); // other people's code: when all is as it should be
        done
    }
}

impl<P: Clone + Send + Sync + 'static> Storage<P> for Memory<P> {
    type Error = Infallible;

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    async fn enqueue(&self, jobs: Vec<NewJob<P>>, room: Room) -> Result<Vec<Enqueued>, Infallible> {
        let put =
            |core: &mut Core<P>| jobs.into_iter().map(|job| core.enqueue(job, room)).collect();
        Ok(self.0.with(put))
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed<P>>, Infallible> {
        Ok(self.claim_now(&claim).into_iter().map(|job| job.map(Arc::unwrap_or_clone)).collect())
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, Infallible> {
        Ok(self.settle_now(settlements))
    }

    async fn heartbeat(
        &self,
        heartbeats: Vec<Heartbeat>,
        lease: Duration,
    ) -> Result<Vec<Kept>, Infallible> {
        let keep = |core: &mut Core<P>| {
            heartbeats.into_iter().map(|one| core.heartbeat(one, lease)).collect()
        };
        Ok(self.0.with(keep))
    }

    async fn promote(&self, budget: usize) -> Result<Promoted, Infallible> {
        Ok(self.0.with(|core| core.promote(budget)))
    }

    async fn cancel(&self, jobs: Vec<JobId>) -> Result<Vec<Cancelled>, Infallible> {
        Ok(self.0.with(|core| jobs.into_iter().map(|id| core.cancel(id)).collect()))
    }

    async fn requeue(&self, jobs: Vec<JobId>) -> Result<Vec<Requeued>, Infallible> {
        Ok(self.0.with(|core| jobs.into_iter().map(|id| core.requeue(id)).collect()))
    }

    async fn pause(&self, paused: bool) -> Result<(), Infallible> {
        self.0.with(|core| core.pause(paused));
        Ok(())
    }

    async fn stats(&self) -> Result<Stats, Infallible> {
        Ok(self.0.with(|core| core.stats()))
    }

    async fn inspect(&self, look: Look) -> Result<Vec<JobInfo<P>>, Infallible> {
        let found = self.0.with(|core| core.inspect(look));
        Ok(found
            .into_iter()
            .map(|info| info.and_then(|payload| Some(Arc::unwrap_or_clone(payload))))
            .collect())
    }

    fn wait(&self, hint: Hint) -> impl Future<Output = ()> + Send {
        Wait(Seat::new(match hint {
            Hint::Work => &self.0.work,
            Hint::Room => &self.0.room,
        }))
    }
}

/// Waits for room and enqueues. It holds the job until there is: dropped before, it has enqueued nothing.
#[must_use = "a future does nothing unless it is polled"]
pub(crate) struct Pushing<'a, P> {
    shared: &'a Shared<P>,
    /// `None` once it is done.
    job: Option<NewJob<P>>,
    seat: Seat<'a>,
}

/// No part of it is pinned.
impl<P> Unpin for Pushing<'_, P> {}

impl<P> Pushing<'_, P> {
    fn attempt(&mut self) -> Option<Enqueued> {
        let Self { shared, job: slot, .. } = self;
        shared.with(|core| {
            let job = slot.as_ref().expect("it is not polled after it was ready");
            let admitted = core.admit(job.unique.as_ref(), job.priority, Room::Refuse);
            if admitted == Err(Enqueued::Full) {
                return None;
            }
            let job = slot.take().expect("it was just there");
            Some(core.take_in(job, admitted))
        })
    }
}

impl<P> Future for Pushing<'_, P> {
    type Output = Enqueued;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Enqueued> {
        if gives_way(cx) {
            return Poll::Pending;
        }
        if let Some(done) = self.attempt() {
            return Poll::Ready(done);
        }
        self.seat.sit(cx.waker());
        // What came before he sat.
        let done = self.attempt();
        if done.is_none() {
            rested();
        }
        done.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<P> Clone for Memory<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> fmt::Debug for Memory<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
