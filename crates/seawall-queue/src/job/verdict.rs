//! What a worker says about a job that it had.

use std::time::Duration;

use super::Cause;

/// How a run ended, as its worker tells the storage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is done.
    Done {
        /// What came out of it, for whoever asks; kept as long as the job is.
        result: Option<Vec<u8>>,
    },
    /// It failed, and is to be tried again after a while; the last attempt buries it instead.
    Retry {
        /// For how long not.
        delay: Duration,
        /// Why, in words.
        error: String,
    },
    /// It can't be done yet, and that is nobody's failure: the attempt does not count.
    Snooze {
        /// For how long not.
        delay: Duration,
    },
    /// It was not begun: back to its old place, and the attempt does not count.
    Release,
    /// No attempt will do.
    Bury {
        /// Why, in a word.
        cause: Cause,
        /// Why, in words.
        error: String,
    },
    /// It was stopped, because somebody asked for that.
    Cancelled,
}

impl Verdict {
    /// It is done, and nothing came out of it.
    pub const DONE: Self = Self::Done { result: None };

    /// No attempt will do: it is dead, with these words.
    #[must_use]
    pub fn refuse(why: impl Into<String>) -> Self {
        Self::Bury { cause: Cause::Refused, error: why.into() }
    }

    /// Why it failed, where it did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Retry { error, .. } | Self::Bury { error, .. } => Some(error),
            Self::Done { .. } | Self::Snooze { .. } | Self::Release | Self::Cancelled => None,
        }
    }
}

impl From<()> for Verdict {
    fn from((): ()) -> Self {
        Self::DONE
    }
}
