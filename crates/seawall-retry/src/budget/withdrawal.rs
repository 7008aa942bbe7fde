//! What a retry took from the budget, until it is sent.

use std::fmt;

use super::RetryBudget;

/// What was taken from a [`RetryBudget`] for one retry.
///
/// Dropping it before [`send`](Self::send) gives it back, so that a call that is cancelled while it waits
/// for its retry costs nothing.
#[must_use = "dropping it gives it back"]
pub struct Withdrawal {
    budget: RetryBudget,
    thousandths: u32,
    sent: bool,
}

impl Withdrawal {
    pub(super) const fn new(budget: RetryBudget, thousandths: u32) -> Self {
        Self { budget, thousandths, sent: false }
    }

    /// The retry is sent: what was taken is spent.
    pub const fn send(&mut self) {
        self.sent = true;
    }

    /// What it took and keeps, in thousandths.
    pub(super) const fn spent(&self) -> u32 {
        if self.sent { self.thousandths } else { 0 }
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        if !self.sent {
            self.budget.give_back(self.thousandths);
        }
    }
}

impl fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Withdrawal").field("sent", &self.sent).finish_non_exhaustive()
    }
}
