//! What can be seen from outside.

use std::{sync::Arc, time::Duration};

use seawall_core::{Name, Priority};

use crate::job::{Cause, Counts, JobId, State};

/// Which jobs somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// These, as far as there are such; in this order.
    At(Vec<JobId>),
    /// Those in a state, the greatest id first.
    In {
        /// Which.
        state: State,
        /// How many at most.
        limit: usize,
        /// Only those with lower ids: the last one of the page before.
        before: Option<JobId>,
    },
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobInfo<P> {
    /// Its name.
    pub id: JobId,
    /// Its state.
    pub state: State,
    /// What there is to do. A storage may forget it when the job is done or cancelled.
    pub payload: Option<P>,
    /// What happened to it so far.
    pub counts: Counts,
    /// How important it is.
    pub priority: Priority,
    /// Whom it shares the key's limit and turns with.
    pub key: Option<Arc<str>>,
    /// How long it has been in this queue.
    pub age: Duration,
    /// In how long it is due, while it waits; zero where it is.
    pub due_in: Duration,
    /// How long it is still its worker's, while it is leased.
    pub lease_left: Duration,
    /// Who had it last.
    pub worker: Option<Name>,
    /// How far it is, as its worker said last.
    pub progress: Option<Progress>,
    /// Why it is dead.
    pub cause: Option<Cause>,
    /// Why its last attempt failed.
    pub error: Option<String>,
    /// What came out of it.
    pub result: Option<Vec<u8>>,
}

impl<P> JobInfo<P> {
    /// Of which job, in which state. The rest is as of a job that nothing is special about.
    #[must_use]
    pub fn new(id: JobId, state: State) -> Self {
        Self {
            id,
            state,
            payload: None,
            counts: Counts::default(),
            priority: Priority::default(),
            key: None,
            age: Duration::ZERO,
            due_in: Duration::ZERO,
            lease_left: Duration::ZERO,
            worker: None,
            progress: None,
            cause: None,
            error: None,
            result: None,
        }
    }

    /// The same job with another payload, or without one.
    #[must_use]
    pub fn and_then<Q>(self, payload: impl FnOnce(P) -> Option<Q>) -> JobInfo<Q> {
        JobInfo {
            id: self.id,
            state: self.state,
            payload: self.payload.and_then(payload),
            counts: self.counts,
            priority: self.priority,
            key: self.key,
            age: self.age,
            due_in: self.due_in,
            lease_left: self.lease_left,
            worker: self.worker,
            progress: self.progress,
            cause: self.cause,
            error: self.error,
            result: self.result,
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Progress {
    /// How much is done: bytes, rows, whatever the handler counts.
    pub done: u64,
    /// Of how much; zero where that is not known.
    pub total: u64,
    /// What it is at.
    pub note: String,
}

/// How many jobs are where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Those that wait for their time, after an attempt too; what is due counts here until it is promoted.
    pub scheduled: usize,
    /// Those that wait for a worker.
    pub ready: usize,
    /// Of those that are ready, the ones that stand behind others of their key, where keys take turns, and those that
    /// a claim met and left, because as many of their key are leased as may be. What no claim has met yet is not
    /// counted among the latter; zero where a storage does not know.
    pub held_up: usize,
    /// Those that somebody has.
    pub leased: usize,
    /// Those that are done, and still known.
    pub done: usize,
    /// The dead letters.
    pub dead: usize,
    /// Those that were cancelled, and are still known.
    pub cancelled: usize,
    /// How many ever went in, with those that are not known any more: of two looks, how fast jobs come.
    pub pushed: u64,
    /// Whether nothing is claimed.
    pub paused: bool,
    /// How long the longest ready one has been.
    pub oldest_ready: Option<Duration>,
    /// In how long the next scheduled one is due.
    pub next_due: Option<Duration>,
}

impl Stats {
    /// How many count against the capacity.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.scheduled + self.ready
    }
}
