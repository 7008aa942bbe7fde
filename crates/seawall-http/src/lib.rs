// The page shows retries too, and is tested where those are there.
#![cfg_attr(feature = "retry", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "retry"),
    doc = "What resilience says on the wire: how long to wait, how much time and quota is left, who was refused."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod classify;
mod grpc;
mod idempotent;
mod quota;
mod refusal;
#[cfg(feature = "retry")]
mod retry;
mod retry_after;
mod status;
mod time_left;
mod wait;

use std::time::Duration;

#[cfg(feature = "retry")]
pub use self::retry::{ErrorsWhen, ReplayIdempotent, RetryResponses, retry_layer};
pub use self::{
    classify::{ClassifyResponses, outcome},
    grpc::{GRPC_PUSHBACK, GRPC_STATUS, GrpcStatus, Pushback, grpc_pushback, grpc_status},
    idempotent::{IDEMPOTENCY_KEY, is_idempotent},
    quota::{
        QuotaLeft, QuotaPolicy, QuotaUnit, RATELIMIT, RATELIMIT_POLICY,
        legacy::{LegacyNames, write_legacy_quotas},
        read::{quota_policies, quotas_left},
        write::{quota_policies_value, quotas_left_value, response_with_quotas, write_quotas},
    },
    refusal::{response, status},
    retry_after::retry_after,
    status::is_worth_a_retry,
    time_left::{
        ENVOY_TIMEOUT, GRPC_TIMEOUT, envoy_timeout, envoy_timeout_value, grpc_timeout,
        grpc_timeout_value, time_left,
    },
    wait::wait_asked_for,
};

/// A header's value as a number: digits and nothing else. One that is too large for a `u64` is the
/// largest there is.
fn number(value: &str) -> Option<u64> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

/// A time in whole seconds, rounded up: who waits so long does not come too early.
const fn seconds(time: Duration) -> u64 {
    let begun = time.subsec_nanos() > 0;
    time.as_secs().saturating_add(begun as u64)
}
