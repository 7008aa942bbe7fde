//! A job's state as people speak of it, and why it is dead.

/// A job's state as people speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum State {
    /// Waits for its time, and was never tried.
    Scheduled,
    /// May be claimed.
    Ready,
    /// Waits for its time after an attempt.
    Retrying,
    /// Somebody has it.
    Leased,
    /// It is done.
    Done,
    /// It failed for good: a dead letter.
    Dead,
    /// Nobody wants it any more.
    Cancelled,
}

impl State {
    /// The state as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Retrying => "retrying",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it will not be claimed any more, unless somebody brings it back.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

/// Why a job is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Cause {
    /// Its last attempt failed.
    Attempts,
    /// Its worker vanished once too often: a poison pill.
    Crashes,
    /// Its handler said that no attempt will do.
    Refused,
    /// What it carries can't be read.
    Undecodable,
    /// It had to make room for something more important.
    Shed,
}

impl Cause {
    /// The cause as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::Crashes => "crashes",
            Self::Refused => "refused",
            Self::Undecodable => "undecodable",
            Self::Shed => "shed",
        }
    }
}
