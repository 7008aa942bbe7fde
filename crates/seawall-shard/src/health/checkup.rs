//! What the checks of one member come to.
//!
//! # How it decides
//!
//! | state \ check | good | bad |
//! |---|---|---|
//! | unknown | well | ill |
//! | well | failures = 0 | failures + 1; at `unhealthy_after`: ill |
//! | ill | successes + 1; at `healthy_after`: well | successes = 0 |
//!
//! The first check decides by itself: a member that joins and does not answer should not be asked three times
//! more by callers meanwhile.
//!
//! # What it promises
//!
//! 1. Fewer bad checks in a row than `unhealthy_after` turn nobody ill who was well, and fewer good ones than
//!    `healthy_after` nobody well who was ill.

use super::Config;

/// A member's state, as its checks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checkup {
    Unknown,
    Well { failures: u32 },
    Ill { successes: u32 },
}

/// What is held of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// No check has ended yet: it is used.
    Unknown,
    /// It is used.
    Well,
    /// It is not, unless too many are ill.
    Ill,
}

impl Checkup {
    /// The state after one check more.
    #[must_use]
    pub(crate) fn after(self, is_good: bool, config: &Config) -> Self {
        match (self, is_good) {
            (Self::Unknown | Self::Well { .. }, true) => Self::Well { failures: 0 },
            (Self::Unknown, false) | (Self::Ill { .. }, false) => Self::Ill { successes: 0 },
            (Self::Well { failures }, false) if failures + 1 >= config.unhealthy_after => {
                Self::Ill { successes: 0 }
            }
            (Self::Well { failures }, false) => Self::Well { failures: failures + 1 },
            (Self::Ill { successes }, true) if successes + 1 >= config.healthy_after => {
                Self::Well { failures: 0 }
            }
            (Self::Ill { successes }, true) => Self::Ill { successes: successes + 1 },
        }
    }

    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self::Unknown => Verdict::Unknown,
            Self::Well { .. } => Verdict::Well,
            Self::Ill { .. } => Verdict::Ill,
        }
    }
}

impl Verdict {
    /// The verdict as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Well => "well",
            Self::Ill => "ill",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
