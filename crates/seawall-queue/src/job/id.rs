//! Which job, and which claim of it.

use std::fmt;

/// Names a job in its queue.
///
/// Given by the storage, never twice; of two that were enqueued one after the other, the later one's is
/// greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a claim: of all claims in a queue, a later one's is greater.
///
/// This is a **fencing token**. A handler passes it on with what it writes elsewhere, and the other side
/// refuses what comes with a lower one than it has seen: so a worker who was thought dead, and whose
/// job another one has, overwrites nothing. It is counted over the whole queue and not for each job, so it
/// fences too what several jobs of one key write to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Token(pub u64);

impl Token {
    /// Lower than every claim's: of a job that was never claimed.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job in the hands of one claim: what each heartbeat and each settle must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// The claim.
    pub token: Token,
}
