#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod refusal;
mod retry_after;
mod status;
mod time_left;

pub use self::{
    refusal::{response, status},
    retry_after::retry_after,
    status::is_worth_a_retry,
    time_left::{
        ENVOY_TIMEOUT, GRPC_TIMEOUT, envoy_timeout, envoy_timeout_value, grpc_timeout,
        grpc_timeout_value, time_left,
    },
};

/// A header's value as a number: digits and nothing else. One that is too large for a `u64` is the
/// largest there is.
fn number(value: &str) -> Option<u64> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}
