//! Which requests may have their effect twice.

use http::{HeaderMap, HeaderName, Method};

/// By which a client marks a request that the server makes only once, however often it comes.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether a request may be made twice: by its method, or because it has an [`IDEMPOTENCY_KEY`].
///
/// The methods are those of [`Method::is_idempotent`]: GET, HEAD, OPTIONS, TRACE, PUT and DELETE by RFC
/// 9110, 9.2.2, and QUERY. A key that is empty is none.
///
/// # Examples
///
/// ```
/// # use http::{HeaderMap, HeaderValue, Method};
/// # use seawall_http::{IDEMPOTENCY_KEY, is_idempotent};
/// let mut headers = HeaderMap::new();
/// assert!(is_idempotent(&Method::PUT, &headers));
/// assert!(!is_idempotent(&Method::POST, &headers));
///
/// headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_static("order-42"));
/// assert!(is_idempotent(&Method::POST, &headers));
/// ```
#[must_use]
pub fn is_idempotent(method: &Method, headers: &HeaderMap) -> bool {
    method.is_idempotent() || headers.get(IDEMPOTENCY_KEY).is_some_and(|key| !key.is_empty())
}
