//! What ours are set to; [`peers`](crate::peers) are set the same, as far as they can be.
//!
//! Every breaker opens at half of the calls, after 20 calls at least, for a second, and takes three
//! probes. The names are literals, as they would be in a service.

use std::time::Duration;

use seawall_circuit_breaker::{Backoff, CircuitBreaker, CircuitBreakerBuilder, Window};

/// Of how many calls the share is taken.
pub(crate) const CALLS: u32 = 100;
/// With fewer calls, the share says nothing.
pub(crate) const MINIMUM: u32 = 20;
/// Opens when this share of the calls failed.
pub(crate) const SHARE: f64 = 0.5;
/// Over how long the share is taken, where it is taken over time.
pub(crate) const OVER: Duration = Duration::from_secs(10);
/// Longer than this is slow.
pub(crate) const SLOW: Duration = Duration::from_secs(2);
/// Opens when this share of the calls was slow.
pub(crate) const SLOW_SHARE: f64 = 0.8;
/// Opens after this many failures in a row.
pub(crate) const IN_A_ROW: u32 = 5;
/// Stays open for as long as this.
pub(crate) const OPEN: Duration = Duration::from_secs(1);
/// Takes this many probes.
pub(crate) const PROBES: u32 = 3;
/// Stays open for longer than any bench runs.
pub(crate) const FOR_THE_WHOLE_BENCH: Duration = Duration::from_secs(3600);

fn builder() -> CircuitBreakerBuilder {
    CircuitBreaker::builder("bench")
        .minimum_calls(MINIMUM)
        .failure_rate(SHARE)
        .open_for(Backoff::constant(OPEN))
        .half_open_probes(PROBES)
}

/// Over the last calls.
pub(crate) fn by_count() -> CircuitBreakerBuilder {
    builder().window(Window::count(CALLS))
}

/// Over the last seconds.
pub(crate) fn by_time() -> CircuitBreakerBuilder {
    builder().window(Window::time(OVER))
}

/// By failures in a row, and by nothing else.
pub(crate) fn in_a_row() -> CircuitBreakerBuilder {
    builder().failure_rate(None).consecutive_failures(IN_A_ROW)
}

/// Builds what this file has made.
pub(crate) fn build(builder: CircuitBreakerBuilder) -> CircuitBreaker {
    builder.build().expect("the settings of the benches are allowed")
}
