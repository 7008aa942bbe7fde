//! How much time a request has left, as it goes from one service to the next.
//!
//! Always what is left and never a moment, so that no clocks are compared. Read, it begins to count when
//! it is read; written, it is rounded down, so that the callee gives up no later than the caller.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::number;

/// gRPC's header: at most eight digits and a unit, such as `1500m` for a second and a half.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Envoy's header: milliseconds.
pub const ENVOY_TIMEOUT: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");

/// Most of what a value of gRPC's can be.
const MOST: u128 = 99_999_999;

/// The units by which a value is written, the finest first, and their lengths in nanoseconds.
const UNITS: [(char, u64); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', 1_000_000_000),
    ('M', 60_000_000_000),
    ('H', 3_600_000_000_000),
];

/// What is left by any header that is known here; the least, where there are several.
#[must_use]
pub fn time_left(headers: &HeaderMap) -> Option<Duration> {
    let known = [grpc_timeout(headers), envoy_timeout(headers)];
    known.into_iter().flatten().min()
}

/// What is left by [`GRPC_TIMEOUT`].
#[must_use]
pub fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let (_, nanos) = UNITS.iter().find(|(letter, _)| unit.starts_with(*letter))?;
    let count = number(digits).filter(|_| digits.len() <= 8)?;
    // Of at most eight digits, and a unit of at most an hour in seconds: neither product is too large.
    Some(match nanos / 1_000_000_000 {
        0 => Duration::from_nanos(count * nanos),
        seconds => Duration::from_secs(count * seconds),
    })
}

/// What [`GRPC_TIMEOUT`] says of `left`: by the finest unit that takes it in eight digits.
///
/// At most 99 999 999 hours.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// let value = seawall_http::grpc_timeout_value(Duration::from_millis(1_500));
/// assert_eq!(value, "1500000u");
/// ```
#[must_use]
pub fn grpc_timeout_value(left: Duration) -> HeaderValue {
    let counts = UNITS.map(|(unit, nanos)| (left.as_nanos() / u128::from(nanos), unit));
    let fitting = counts.into_iter().find(|&(count, _)| count <= MOST);
    let (count, unit) = fitting.unwrap_or((MOST, 'H'));
    HeaderValue::try_from(format!("{count}{unit}"))
        .expect("digits and a letter are a header's value")
}

/// What is left by [`ENVOY_TIMEOUT`].
///
/// A zero counts as not there: a timeout of zero is none to Envoy.
#[must_use]
pub fn envoy_timeout(headers: &HeaderMap) -> Option<Duration> {
    let millis = number(headers.get(ENVOY_TIMEOUT)?.to_str().ok()?)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// What [`ENVOY_TIMEOUT`] says of `left`; `None` below a millisecond, of which it can't tell.
#[must_use]
pub fn envoy_timeout_value(left: Duration) -> Option<HeaderValue> {
    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    (millis > 0).then(|| HeaderValue::from(millis))
}
