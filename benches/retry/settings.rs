//! What ours are set to; [`peers`](crate::peers) are set the same, as far as they can be.
//!
//! A call is tried three times, after 50 ms and doubling to 20 s; a fifth of the calls may be retried.
//! An attempt may take a second, and is hedged after one, or later than nineteen calls in twenty. The
//! names are literals, as they would be in a service.

use std::time::Duration;

use seawall_retry::{
    Backoff, Hedge, HedgeBuilder, Retry, RetryBudget, RetryBuilder, Timeout, TimeoutBuilder,
};

/// How often a call is tried.
pub(crate) const ATTEMPTS: u32 = 3;
/// The first wait, and the longest.
pub(crate) const FIRST: Duration = Duration::from_millis(50);
pub(crate) const LONGEST: Duration = Duration::from_secs(20);
/// Which share of the calls may be retried.
pub(crate) const SHARE: f64 = 0.2;
/// How long a call may take, and after how long it is hedged.
pub(crate) const TIME: Duration = Duration::from_secs(1);

/// With a budget, as it is where nothing else is said.
pub(crate) fn budgeted() -> RetryBuilder {
    Retry::builder("bench")
        .max_attempts(ATTEMPTS)
        .backoff(Backoff::exponential(FIRST).max(LONGEST))
        .budget(full())
}

/// Retries are free.
pub(crate) fn free() -> RetryBuilder {
    budgeted().without_budget()
}

/// A budget that nothing was taken from.
pub(crate) fn full() -> RetryBudget {
    RetryBudget::builder().ratio(SHARE).build().expect(ALLOWED)
}

/// A budget with nothing left, and so many retries a second that are free.
pub(crate) fn empty(floor: u32) -> RetryBudget {
    let budget = RetryBudget::builder().ratio(SHARE).burst(1).floor_per_second(floor);
    let budget = budget.build().expect(ALLOWED);
    budget.try_withdraw().expect("there was one").send();
    budget
}

/// Ends calls after a time that none of them takes.
pub(crate) fn timeout() -> TimeoutBuilder {
    Timeout::builder("bench").time(TIME)
}

/// Hedges after a percentile, the 95th.
pub(crate) fn hedge() -> HedgeBuilder {
    Hedge::builder("bench")
}

/// Builds what this file has made.
pub(crate) fn build(builder: RetryBuilder) -> Retry {
    builder.build().expect(ALLOWED)
}

pub(crate) const ALLOWED: &str = "the settings of the benches are allowed";
