//! Where jobs are kept: one small trait, and what goes through it.
//!
//! A [`Storage`] is one queue. It knows nothing of payloads but to keep them (`P`: bytes, unless it is in
//! memory), nothing of handlers, and of workers only what they are called. Above it is the queue's handle,
//! which encodes, waits and tells; below it whatever keeps the jobs.
//!
//! Read in this order: this page; `enqueue`, `claim`, `settle`, `control`, `look`: what goes in and comes
//! out of each call; `settings`, what a storage is told once; [`turn`], the order of the jobs, pure.
//!
//! ```text
//!   enqueue ──▶ waiting ──▶ claim ──▶ leased ──▶ settle ──▶ over
//!                  ▲                    │  ▲
//!                  │                    │  └── heartbeat: all leases of a worker in one call
//!                  └───── promote ◀─────┘      (what is due, what was left behind, what may be forgotten)
//! ```
//!
//! # What it promises
//!
//! A job's life is that of [`job`](crate::job), with its promises. Beyond them:
//!
//! 1. **Kept.** What `enqueue` answered with [`Enqueued::New`] is in, as durably as the storage says that it
//!    is.
//! 2. **For each.** A call takes many and answers for each, in their order. Items of one call act as if they
//!    came one after the other.
//! 3. **Unclear is not undone.** A call that fails, or whose future is dropped, may have acted, on some of its
//!    items too; never on half of an item. To settle or to keep a lease again is harmless; to enqueue
//!    again is, for a job that is [unique](Unique).
//! 4. **In turn.** Of all that may be claimed, the first by [`turn`] is claimed first; where
//!    [keys take turns](Settings::fair_keys), by that of its key: no key waits for another's backlog.
//! 5. **By key.** Never more than [`Settings::key_limit`] jobs of one key are leased, counted from the leases
//!    themselves: one that is over counts until it is swept. What a key holds up holds up no other.
//! 6. **Unique.** Of a unique key there is one holder at a time; who else comes is told who.
//! 7. **Bounded.** Never more than [`Settings::capacity`] jobs wait because somebody enqueued them; what comes
//!    back (by retry, snooze, release, crash, requeue) always finds a place.
//! 8. **A little at a time.** No call works on more than [`MAX_BATCH`] jobs, or on more than it is given:
//!    a storage is not held up by its own backlog. What it costs does not grow with what waits or is over.
//! 9. **Its own time.** Moments are the storage's, durations are anybody's: what goes in and out are
//!    durations. Time that steps back repeats no token, ends no lease and grants none twice.
//! 10. **Not by promote alone.** What is due and not promoted yet may be claimed or not; a lease that is over is
//!     never claimed before it was swept.
//! 11. **Paused** means that nothing is claimed; all else goes on.
//!
//! # What it needs not do
//!
//! Remember for ever. A job that is over is forgotten by [`Settings::keep_done`] and [`Settings::keep_dead`];
//! then a settle of it is [`Lost`](crate::job::Settled::Lost), and its id unknown.
//!
//! # Writing one
//!
//! Implement the trait, and run the conformance suite (`conformance`, behind the feature of that name).
//! A storage that computes where its jobs are keeps a [`Life`](crate::job::Life) a job, and has the states
//! right. Nothing outside of this crate is needed; no client's type stands in the trait.

mod claim;
mod control;
mod enqueue;
mod look;
mod settings;
mod settle;
pub mod turn;

use std::{fmt, future::Future, time::Duration};

use seawall_core::BoxError;

pub use self::{
    claim::{Claim, Claimed},
    control::{Hint, Promoted, Requeued},
    enqueue::{Enqueued, NewJob, Room, Scope, Unique},
    look::{JobInfo, Look, Progress, Stats},
    settings::{Keep, Settings},
    settle::{Heartbeat, Settlement},
};
use crate::job::{Cancelled, JobId, Kept, Settled};

/// The most jobs that one call is given. Whoever calls sees to it; a storage may refuse more.
pub const MAX_BATCH: usize = 1_000;

/// One queue's jobs, wherever they are. What it promises is on the [module's page](self).
///
/// # Cancel safety
///
/// A future that is dropped may have acted, or act yet: promise 3.
pub trait Storage<P = Vec<u8>>: Send + Sync + 'static {
    /// What can go wrong.
    type Error: Into<BoxError> + fmt::Debug + Send;

    /// What it was told when it was made.
    fn settings(&self) -> &Settings;

    /// Puts jobs in, where there is room. Answers for each, in their order.
    fn enqueue(
        &self,
        jobs: Vec<NewJob<P>>,
        room: Room,
    ) -> impl Future<Output = Result<Vec<Enqueued>, Self::Error>> + Send;

    /// Leases up to as many jobs as are asked for, in turn; none while paused. It does not wait for any.
    ///
    /// That it gives fewer than asked for, or none, does not mean that there are no more: only that it has
    /// looked at enough.
    fn claim(
        &self,
        claim: Claim,
    ) -> impl Future<Output = Result<Vec<Claimed<P>>, Self::Error>> + Send;

    /// Takes the workers' word for how runs ended. Answers for each, in their order.
    fn settle(
        &self,
        settlements: Vec<Settlement>,
    ) -> impl Future<Output = Result<Vec<Settled>, Self::Error>> + Send;

    /// Keeps leases for `lease` from now on, and writes down how far their jobs are. Answers for each.
    ///
    /// A heartbeat that fails says nothing about the lease: it may be kept. Only
    /// [`Kept::Lost`] means that it is gone.
    fn heartbeat(
        &self,
        heartbeats: Vec<Heartbeat>,
        lease: Duration,
    ) -> impl Future<Output = Result<Vec<Kept>, Self::Error>> + Send;

    /// Does what time has made due, for at most `budget` jobs: takes leases that are over from their workers,
    /// makes scheduled jobs ready, forgets what was kept long enough.
    ///
    /// All workers call it again and again, as often as [`Promoted::next`] says; correctness rests on that,
    /// and on no hint.
    fn promote(&self, budget: usize) -> impl Future<Output = Result<Promoted, Self::Error>> + Send;

    /// Ends jobs that wait, and has those stopped that run. Answers for each.
    fn cancel(
        &self,
        jobs: Vec<JobId>,
    ) -> impl Future<Output = Result<Vec<Cancelled>, Self::Error>> + Send;

    /// Brings dead jobs back. Answers for each.
    fn requeue(
        &self,
        jobs: Vec<JobId>,
    ) -> impl Future<Output = Result<Vec<Requeued>, Self::Error>> + Send;

    /// Stops claims, or lets them go on; for everybody who works on this queue.
    fn pause(&self, paused: bool) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// How many jobs are where.
    fn stats(&self) -> impl Future<Output = Result<Stats, Self::Error>> + Send;

    /// What is known of jobs.
    ///
    /// By id: of those that there are. By state: a page, the youngest first. That is for people and may cost
    /// what it costs; no worker rests on it.
    fn inspect(
        &self,
        look: Look,
    ) -> impl Future<Output = Result<Vec<JobInfo<P>>, Self::Error>> + Send;

    /// Returns when it may be worth while to look again.
    ///
    /// **A hint.** It may return for nothing, and it may miss something, from the first poll on as before it;
    /// a storage without such a thing never returns. Whoever waits looks on his own too, from time to time.
    fn wait(&self, hint: Hint) -> impl Future<Output = ()> + Send {
        let _ = hint;
        std::future::pending()
    }
}
