//! How long to wait, by whatever of a response says so.

use std::time::Duration;
#[expect(clippy::disallowed_types, reason = "a date on the wire is a wall clock's")]
use std::time::SystemTime;

use http::{HeaderMap, header::AGE};

use crate::{number, quota::QuotaLeft, quotas_left, retry_after};

/// How long to wait before the next request, by any header that is known here.
///
/// | what the response says | wait |
/// |---|---|
/// | `Retry-After` | as [`retry_after`] reads it; `RateLimit` may say what it will |
/// | `RateLimit`, with a quota of which nothing is left, and for how long | so long; the longest, where there are several |
/// | `RateLimit`, and an `Age` above zero | not there: it comes from a cache, and tells of the past |
/// | neither | `None` |
///
/// # Examples
///
/// ```
/// # use http::{HeaderMap, HeaderValue};
/// # use std::time::{Duration, SystemTime};
/// let mut headers = HeaderMap::new();
/// headers.insert("ratelimit", HeaderValue::from_static(r#""burst";r=0;t=12, "daily";r=800;t=3600"#));
/// let wait = seawall_http::wait_asked_for(&headers, SystemTime::now());
/// assert_eq!(wait, Some(Duration::from_secs(12)));
/// ```
#[must_use]
#[expect(clippy::disallowed_types, reason = "see above")]
pub fn wait_asked_for(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(wait) = retry_after(headers, now) {
        return Some(wait);
    }
    if is_from_a_cache(headers) {
        return None;
    }
    quotas_left(headers).iter().filter_map(QuotaLeft::dry_for).max()
}

fn is_from_a_cache(headers: &HeaderMap) -> bool {
    headers.get(AGE).and_then(|age| number(age.to_str().ok()?)).is_some_and(|age| age > 0)
}
