//! What became of the jobs.

use seawall_core::sync::Stat;

/// How many of a worker's runs ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// Jobs that it was given.
    pub claimed: u64,
    /// Done.
    pub done: u64,
    /// Failed, and to be tried again.
    pub retried: u64,
    /// Failed for good: dead letters.
    pub died: u64,
    /// Put off by their handlers.
    pub snoozed: u64,
    /// Stopped because somebody cancelled the job.
    pub cancelled: u64,
    /// Given back without a lost attempt, at the end or because no heartbeat was answered.
    pub released: u64,
    /// Their lease was somebody else's before they ended; what they said was not taken.
    pub lost: u64,
    /// Of all these, attempts that panicked.
    pub panicked: u64,
    /// Of all these, attempts that were cut for the time they took.
    pub timed_out: u64,
    /// Calls of the storage that failed or were not answered.
    pub failed_calls: u64,
    /// Not settled when it ended, because the storage did not answer: they come back when their leases are
    /// over.
    pub left: usize,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) claimed: Stat,
    pub(super) done: Stat,
    pub(super) retried: Stat,
    pub(super) died: Stat,
    pub(super) snoozed: Stat,
    pub(super) cancelled: Stat,
    pub(super) released: Stat,
    pub(super) lost: Stat,
    pub(super) panicked: Stat,
    pub(super) timed_out: Stat,
    pub(super) failed_calls: Stat,
    /// Runs that ended, however.
    pub(super) ended: Stat,
    /// How long they took, in nanoseconds.
    pub(super) busy: Stat,
}

impl Tally {
    pub(super) fn report(&self, left: usize) -> Report {
        Report {
            claimed: self.claimed.get(),
            done: self.done.get(),
            retried: self.retried.get(),
            died: self.died.get(),
            snoozed: self.snoozed.get(),
            cancelled: self.cancelled.get(),
            released: self.released.get(),
            lost: self.lost.get(),
            panicked: self.panicked.get(),
            timed_out: self.timed_out.get(),
            failed_calls: self.failed_calls.get(),
            left,
        }
    }
}
