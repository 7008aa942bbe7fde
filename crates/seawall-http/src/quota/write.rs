//! The two fields, written.

use http::{HeaderMap, HeaderValue, Response, header::RETRY_AFTER};
use seawall_core::{Reason, Rejection};
use sfv::{Integer, KeyRef, ListSerializer, StringRef, key_ref};

use super::{QuotaLeft, QuotaPolicy, QuotaUnit, RATELIMIT, RATELIMIT_POLICY};
use crate::{number, response, seconds};

const Q: &KeyRef = key_ref("q");
const QU: &KeyRef = key_ref("qu");
const W: &KeyRef = key_ref("w");
const R: &KeyRef = key_ref("r");
const T: &KeyRef = key_ref("t");
const PK: &KeyRef = key_ref("pk");

/// What [`RATELIMIT_POLICY`] says of `policies`; `None` where there are none: the field may not be
/// empty.
///
/// As long as the policies stay as they are it can be kept: a clone copies nothing.
#[must_use]
pub fn quota_policies_value(policies: &[QuotaPolicy]) -> Option<HeaderValue> {
    let mut list = ListSerializer::new();
    for policy in policies {
        let mut item = list.bare_item(string(&policy.name)).parameter(Q, integer(policy.quota));
        if policy.unit != QuotaUnit::REQUESTS {
            item = item.parameter(QU, string(policy.unit.as_str()));
        }
        if let Some(window) = policy.window {
            item = item.parameter(W, integer(seconds(window).max(1)));
        }
        if let Some(key) = &policy.partition_key {
            item.parameter(PK, &**key);
        }
    }
    list.finish().map(value)
}

/// What [`RATELIMIT`] says of `left`; `None` where that is nothing: the field may not be empty.
#[must_use]
pub fn quotas_left_value(left: &[QuotaLeft]) -> Option<HeaderValue> {
    let mut list = ListSerializer::new();
    for left in left {
        let mut item = list.bare_item(string(&left.name)).parameter(R, integer(left.left));
        if let Some(reset) = left.reset {
            item = item.parameter(T, integer(seconds(reset)));
        }
        if let Some(key) = &left.partition_key {
            item.parameter(PK, &**key);
        }
    }
    list.finish().map(value)
}

/// Adds both fields to a response's headers, beside what is there: a limiter further in has its own to
/// say.
///
/// A `Retry-After` in seconds that is there is made longer, where a quota of which nothing is left says
/// that it must be: it may not send a client back too early.
///
/// # Examples
///
/// How do I tell on every response what is left?
///
/// ```
/// # use seawall_http::{QuotaPolicy, write_quotas};
/// # use std::time::Duration;
/// let burst = QuotaPolicy::new("burst", 100)?.with_window(Duration::from_secs(60));
/// let mut response = http::Response::new("here you are");
///
/// let left = burst.left(42).with_reset(Duration::from_millis(11_200));
/// write_quotas(response.headers_mut(), &[burst], &[left]);
///
/// assert_eq!(response.headers()["ratelimit-policy"], r#""burst";q=100;w=60"#);
/// assert_eq!(response.headers()["ratelimit"], r#""burst";r=42;t=12"#);
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
pub fn write_quotas(headers: &mut HeaderMap, policies: &[QuotaPolicy], left: &[QuotaLeft]) {
    if let Some(value) = quota_policies_value(policies) {
        headers.append(RATELIMIT_POLICY, value);
    }
    if let Some(value) = quotas_left_value(left) {
        headers.append(RATELIMIT, value);
    }
    let asked = headers.get(RETRY_AFTER).and_then(|value| number(value.to_str().ok()?));
    let needed = left.iter().filter_map(QuotaLeft::dry_for).map(seconds).max();
    if let (Some(asked), Some(needed)) = (asked, needed)
        && asked < needed
    {
        headers.insert(RETRY_AFTER, HeaderValue::from(needed));
    }
}

/// The response to a call that a limiter refused: as [`response`], with both fields.
///
/// Where nothing is said of what is left and there is one policy, then that has refused: nothing is left
/// of it until the call may come back.
///
/// # Examples
///
/// How do I answer a call that came too soon?
///
/// ```
/// # use seawall_core::{Reason, Rejection};
/// # use seawall_http::{QuotaPolicy, response_with_quotas};
/// # use std::time::Duration;
/// let burst = QuotaPolicy::new("burst", 100)?.with_window(Duration::from_secs(60));
/// let refused = Rejection::new(Reason::RateLimited, "api").with_retry_after(Duration::from_millis(600));
///
/// let response = response_with_quotas::<String>(&refused, &[burst], &[]);
///
/// assert_eq!(response.status(), 429);
/// assert_eq!(response.headers()["retry-after"], "1");
/// assert_eq!(response.headers()["ratelimit"], r#""burst";r=0;t=1"#);
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
#[must_use]
pub fn response_with_quotas<B: Default>(
    rejection: &Rejection,
    policies: &[QuotaPolicy],
    left: &[QuotaLeft],
) -> Response<B> {
    let mut response = response(rejection);
    let headers = response.headers_mut();
    match (policies, left, rejection.reason()) {
        ([only], [], Reason::RateLimited) => {
            let nothing = QuotaLeft { reset: rejection.retry_after(), ..only.left(0) };
            write_quotas(headers, policies, &[nothing]);
        }
        _ => write_quotas(headers, policies, left),
    }
    response
}

/// A name as a string: it was checked when it was made.
fn string(name: &str) -> &StringRef {
    StringRef::from_str(name).unwrap_or(StringRef::EMPTY)
}

/// A count as an integer, of which fifteen digits are all that go over the wire.
fn integer(count: u64) -> Integer {
    Integer::try_from(count).unwrap_or(Integer::MAX)
}

fn value(list: String) -> HeaderValue {
    HeaderValue::try_from(list).expect("a structured field is printable ASCII")
}
