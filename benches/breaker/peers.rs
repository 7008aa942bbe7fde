//! The peers, set as [`settings`](crate::settings) says where they can be.
//!
//! | peer | what is not equal |
//! |---|---|
//! | recloser 1.4 | Count window only. No minimum: says nothing until the window was full once. Half open, it lets in any number. |
//! | failsafe 1.3 | No count window: a moving average over time, or failures in a row. Half open, it lets in any number; the first answer decides. |
//! | tower-resilience-circuitbreaker 0.14 | Has a layer and no plain API: measured over [`Ready`]. Its count window never slides while closed. |
//!
//! Where a peer has no slow-call rule, it is not in that group.

use std::time::Duration;

use failsafe::{FailurePolicy, StateMachine, backoff, failure_policy};
use recloser::Recloser;
use seawall_benches::service::Ready;
use tower_layer::Layer as _;
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerConfigBuilder, CircuitBreakerLayer, DefaultClassifier,
    SlidingWindowType,
};

use crate::settings::{CALLS, IN_A_ROW, MINIMUM, OPEN, OVER, PROBES, SHARE};

/// Recloser over the last `calls`; never open with a share of 1, as long as some call goes well.
pub(crate) fn recloser(calls: u32, share: f64, open: Duration) -> Recloser {
    Recloser::custom()
        .error_rate(share as f32)
        .closed_len(calls as usize)
        .half_open_len(PROBES as usize)
        .open_wait(open)
        .build()
}

/// Failsafe by the moving average of the last seconds.
pub(crate) fn failsafe_by_time() -> StateMachine<impl FailurePolicy, ()> {
    let policy = failure_policy::success_rate_over_time_window(
        1.0 - SHARE,
        MINIMUM,
        OVER,
        backoff::constant(OPEN),
    );
    failsafe::Config::new().failure_policy(policy).build()
}

/// Failsafe by failures in a row.
pub(crate) fn failsafe_in_a_row(
    failures: u32,
    open: Duration,
) -> StateMachine<impl FailurePolicy, ()> {
    let policy = failure_policy::consecutive_failures(failures, backoff::constant(open));
    failsafe::Config::new().failure_policy(policy).build()
}

/// The service of tower-resilience.
pub(crate) type TowerResilience = CircuitBreaker<Ready, DefaultClassifier>;
/// Its builder.
pub(crate) type Builder = CircuitBreakerConfigBuilder<DefaultClassifier>;

/// tower-resilience over the last calls.
pub(crate) fn tower_resilience_by_count() -> Builder {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(SHARE)
        .sliding_window_size(CALLS as usize)
        .minimum_number_of_calls(MINIMUM as usize)
        .wait_duration_in_open(OPEN)
        .permitted_calls_in_half_open(PROBES as usize)
}

/// tower-resilience over the last `over`.
pub(crate) fn tower_resilience_by_time(over: Duration) -> Builder {
    tower_resilience_by_count()
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(over)
}

/// tower-resilience by failures in a row.
pub(crate) fn tower_resilience_in_a_row() -> Builder {
    tower_resilience_by_count().consecutive_failures(IN_A_ROW as usize)
}

/// What these builders build, over a ready service.
pub(crate) fn tower_resilience(builder: Builder) -> TowerResilience {
    builder.build().expect("the settings of the benches are allowed").layer(Ready)
}
