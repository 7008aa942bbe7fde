//! What workers say about what they have.

use super::Progress;
use crate::job::{Lease, Verdict};

/// How one run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Of which job, and by whose leave.
    pub lease: Lease,
    /// How.
    pub verdict: Verdict,
}

/// That one run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Of which job, and by whose leave.
    pub lease: Lease,
    /// How far it is, where that is news.
    pub progress: Option<Progress>,
}

impl Heartbeat {
    /// It goes on; there is no news.
    #[must_use]
    pub const fn of(lease: Lease) -> Self {
        Self { lease, progress: None }
    }
}
