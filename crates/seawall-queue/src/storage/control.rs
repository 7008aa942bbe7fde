//! What happens to jobs from outside, and with time.

use std::time::Duration;

use crate::job::{Cause, JobId};

/// What a promote has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promoted {
    /// How many scheduled jobs it made ready.
    pub ready: usize,
    /// Jobs whose workers were not heard of in time, and that wait again.
    pub recovered: Vec<JobId>,
    /// Jobs whose workers were not heard of in time, and that are dead of it: of
    /// [`Crashes`](Cause::Crashes), or of [`Attempts`](Cause::Attempts) where it was the last.
    pub buried: Vec<(JobId, Cause)>,
    /// How many jobs that were over it forgot.
    pub forgotten: usize,
    /// In how long there is something to do again, if nothing happens before; `None` where there is nothing.
    ///
    /// Zero: there was more than it was to do, so call again at once.
    pub next: Option<Duration>,
}

/// What a requeue is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeued {
    /// It waits, with all of its attempts.
    Now,
    /// It was not dead.
    NotDead,
    /// It stays dead: this one holds its unique key.
    Existing(JobId),
    /// There is no such job, or not any more.
    Unknown,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// That a job may be claimed.
    Work,
    /// That a job may go in.
    Room,
}
