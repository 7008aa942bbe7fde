//! A refusal as a response.

use http::{HeaderValue, Response, StatusCode, header::RETRY_AFTER};
use seawall_core::{Reason, Rejection};

use crate::seconds;

/// The status that says why a call was refused.
///
/// | reason | status |
/// |---|---|
/// | `RateLimited` | 429 Too Many Requests |
/// | `Timeout`, `DeadlineExceeded` | 504 Gateway Timeout |
/// | any other | 503 Service Unavailable |
#[must_use]
pub const fn status(rejection: &Rejection) -> StatusCode {
    match rejection.reason() {
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::Timeout | Reason::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The response to a call that was refused: its [`status`], and `Retry-After` where the refusal knows.
///
/// In whole seconds, rounded up, at least one: a client that waits so long does not come too early.
#[must_use]
pub fn response<B: Default>(rejection: &Rejection) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status(rejection);
    if let Some(wait) = rejection.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(wait).max(1)));
    }
    response
}
