//! What ours are set to; [`peers`](crate::peers) are set the same, as far as they can be.
//!
//! A fixed limit is 1 000 and never reached, an adaptive one begins at 100 and moves between 10 and
//! 1 000. Who may wait, waits for a second. The names are literals, as they would be in a service.

use std::time::Duration;

use seawall_bulkhead::{Adaptive, Bulkhead, BulkheadBuilder};

/// How many may be in flight.
pub(crate) const LIMIT: u32 = 1_000;
/// How many calls may wait.
pub(crate) const QUEUE: u32 = 1_000;
/// How long they may.
pub(crate) const WAIT: Duration = Duration::from_secs(1);
/// Where an adaptive limit begins, and between what it moves.
pub(crate) const FIRST: u32 = 100;
pub(crate) const LEAST: u32 = 10;
pub(crate) const MOST: u32 = LIMIT;
/// What a heavy call weighs.
pub(crate) const WEIGHT: u32 = 3;

/// Refuses where there is no room.
pub(crate) fn fixed() -> BulkheadBuilder {
    of(LIMIT)
}

/// As [`fixed`], with a limit of its own.
pub(crate) fn of(limit: u32) -> BulkheadBuilder {
    Bulkhead::builder("bench").limit(limit)
}

/// Waits where there is no room.
pub(crate) fn queued() -> BulkheadBuilder {
    fixed().queue(QUEUE).max_wait(WAIT)
}

/// Finds its limit.
pub(crate) fn adaptive(adaptive: Adaptive) -> BulkheadBuilder {
    Bulkhead::builder("bench").adaptive(adaptive.initial(FIRST).min(LEAST).max(MOST))
}

/// Builds what this file has made.
pub(crate) fn build(builder: BulkheadBuilder) -> Bulkhead {
    builder.build().expect("the settings of the benches are allowed")
}
