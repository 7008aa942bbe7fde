//! What a response says about the health of who gave it.

use http::{HeaderMap, Response, StatusCode};
use seawall_core::{Classify, Outcome};

use crate::grpc_status;

/// Tells a breaker which responses are failures of the dependency, by [`outcome`].
///
/// Every error is a failure: it gave no response at all. (A breaker ignores the refusals of patterns
/// further in by itself: they are no news about the dependency.)
///
/// # Examples
///
/// How do I open a circuit on 5xx?
///
/// ```
/// # use http::{Response, StatusCode};
/// # use seawall_core::{Classify, Outcome};
/// # use seawall_http::ClassifyResponses;
/// // CircuitBreakerLayer::new(breaker).classify(ClassifyResponses)
/// let mut response = Response::new(());
/// *response.status_mut() = StatusCode::BAD_GATEWAY;
/// let answer: Result<_, &std::io::Error> = Ok(&response);
/// assert_eq!(ClassifyResponses.classify(answer), Outcome::Failure);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassifyResponses;

impl<B, E> Classify<Response<B>, E> for ClassifyResponses {
    #[inline]
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => outcome(response.status(), response.headers()),
            Err(_) => Outcome::Failure,
        }
    }
}

/// What a response says about the health of who gave it.
///
/// | status | outcome | why |
/// |---|---|---|
/// | below 400 | success | it did what it was asked for |
/// | 404, 409, 410, 412 | success | it looked, and said what there is: a probe that meets one has met a healthy server |
/// | other 4xx | ignored | turned away at the door, for the caller's fault or by a limit (429): no word about the work behind it |
/// | 501, 505 | ignored | cannot be had here on the best of days either |
/// | any other | failure | it did not manage: 500 and 503 by its own account, 502 and 504 by that of the proxy before it |
///
/// Where `grpc-status` is in the headers, that counts, as the status of HTTP by [`GrpcStatus::as_http`]:
/// so `NOT_FOUND`, `ALREADY_EXISTS` and `ABORTED` are successes; `UNKNOWN`, `DEADLINE_EXCEEDED`,
/// `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS` failures; all others but `OK` are ignored.
///
/// [`GrpcStatus::as_http`]: crate::GrpcStatus::as_http
#[must_use]
pub fn outcome(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let status = grpc_status(headers).map_or(status, |grpc| grpc.as_http());
    match status.as_u16() {
        ..400 | 404 | 409 | 410 | 412 => Outcome::Success,
        400..=499 | 501 | 505 => Outcome::Ignored,
        _ => Outcome::Failure,
    }
}
