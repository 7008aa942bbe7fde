//! When the other side wants to be asked again.

use std::time::Duration;
#[expect(
    clippy::disallowed_types,
    reason = "a date on the wire is a wall clock's; read where the response tells no time of its own"
)]
use std::time::SystemTime;

use http::{
    HeaderMap, HeaderName,
    header::{DATE, RETRY_AFTER},
};

use crate::number;

/// How long to wait before the next request, as `Retry-After` says it.
///
/// It is a number of seconds, or a date: that counts from the response's own `Date`, and from `now` where
/// there is none. A date that has passed is no wait at all. What is neither (a sign, a fraction, a word)
/// counts as not there.
///
/// # Examples
///
/// How long does this server want me to wait?
///
/// ```
/// # use http::{HeaderMap, HeaderValue};
/// # use std::time::{Duration, SystemTime};
/// let mut headers = HeaderMap::new();
/// headers.insert("date", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
/// headers.insert("retry-after", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:52 GMT"));
///
/// let wait = seawall_http::retry_after(&headers, SystemTime::now());
/// assert_eq!(wait, Some(Duration::from_secs(15))); // whatever my own clock says
/// ```
#[must_use]
#[expect(clippy::disallowed_types, reason = "see above")]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    if let Some(seconds) = number(value) {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let date = text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    Some(at.duration_since(date.unwrap_or(now)).unwrap_or(Duration::ZERO))
}

/// A header's first value, without the space around it.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim_matches([' ', '\t']))
}
