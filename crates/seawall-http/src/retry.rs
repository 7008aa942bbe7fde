//! Retries of HTTP and gRPC: which answers are worth another try, and which requests may be sent twice.

#[expect(clippy::disallowed_types, reason = "a date on the wire is a wall clock's")]
use std::time::SystemTime;

use http::{HeaderMap, Request, Response, StatusCode};
use seawall_retry::{Decide, Decision, Replay, Retry, RetryErrors, RetryLayer};

use crate::{
    GrpcStatus, Pushback, grpc_pushback, grpc_status, is_idempotent, is_worth_a_retry,
    wait_asked_for,
};

/// A layer for clients of HTTP: the answers of [`RetryResponses`], the requests of [`ReplayIdempotent`].
///
/// # Examples
///
/// How do I try the requests of an HTTP client again?
///
/// ```
/// # use http::{Request, Response};
/// # use seawall_retry::{BoxError, Retry};
/// # use tower::{ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let client = service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(())) });
/// let retry = Retry::builder("catalog").build()?;
/// let layer = seawall_http::retry_layer(retry).flatten(); // errors stay the client's own
/// let client = ServiceBuilder::new().layer(layer).service(client);
/// # client.oneshot(Request::new(String::new())).await?;
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
pub fn retry_layer(retry: Retry) -> RetryLayer<RetryResponses, ReplayIdempotent> {
    RetryLayer::new(retry).decide(RetryResponses::new()).replay(ReplayIdempotent)
}

/// Tells a retry which responses are worth another try, and when.
///
/// | what came back | what to do |
/// |---|---|
/// | a status of [`is_worth_a_retry`], or of a rule of yours | try again, not before the time of [`wait_asked_for`] |
/// | any other status | stop: it is the answer |
/// | `grpc-status` in the headers | that counts: `UNAVAILABLE` is tried again, or what a rule of yours says |
/// | with it `grpc-retry-pushback-ms` | try again after exactly that time; stop, where it says never |
/// | an error | try again, or what a rule of yours says |
/// | an error by which a pattern further in refused (an open circuit) | stop, unless a rule of yours says otherwise |
///
/// # Examples
///
/// How do I choose what is tried again?
///
/// ```
/// # use http::{HeaderMap, StatusCode};
/// # use seawall_http::{RetryResponses, is_worth_a_retry};
/// # use seawall_retry::Decision;
/// # use std::io::{Error, ErrorKind};
/// let rule = RetryResponses::new()
///     .statuses(|status| is_worth_a_retry(status) || status == StatusCode::INTERNAL_SERVER_ERROR)
///     .when(|error: &Error| error.kind() != ErrorKind::InvalidInput);
///
/// let decision = rule.response(StatusCode::INTERNAL_SERVER_ERROR, &HeaderMap::new());
/// assert_eq!(decision, Decision::Retry);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RetryResponses<R = RetryErrors> {
    statuses: fn(StatusCode) -> bool,
    grpc_statuses: fn(GrpcStatus) -> bool,
    wall_clock: WallClock,
    errors: R,
}

/// What tells the time of day.
#[expect(clippy::disallowed_types, reason = "see above")]
type WallClock = fn() -> SystemTime;

impl RetryResponses {
    /// The rules of the table.
    #[must_use]
    #[expect(clippy::disallowed_types, reason = "see above")]
    pub const fn new() -> Self {
        Self {
            statuses: is_worth_a_retry,
            grpc_statuses: |status| matches!(status, GrpcStatus::Unavailable),
            wall_clock: SystemTime::now,
            errors: RetryErrors,
        }
    }
}

impl Default for RetryResponses {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> RetryResponses<R> {
    /// The same rules, where a status is worth another try for which `worth_it` is true.
    #[must_use]
    pub const fn statuses(mut self, worth_it: fn(StatusCode) -> bool) -> Self {
        self.statuses = worth_it;
        self
    }

    /// The same rules, where gRPC's status is worth another try for which `worth_it` is true.
    #[must_use]
    pub const fn grpc_statuses(mut self, worth_it: fn(GrpcStatus) -> bool) -> Self {
        self.grpc_statuses = worth_it;
        self
    }

    /// The same rules, where an error is worth another try for which `worth_it` is true.
    #[must_use]
    pub fn when<F>(self, worth_it: F) -> RetryResponses<ErrorsWhen<F>> {
        let Self { statuses, grpc_statuses, wall_clock, .. } = self;
        RetryResponses { statuses, grpc_statuses, wall_clock, errors: ErrorsWhen(worth_it) }
    }

    /// The same rules by another wall clock than the system's.
    ///
    /// It is asked where a response says by a date when to come back, and not what the time is by its
    /// own clock.
    #[must_use]
    #[expect(clippy::disallowed_types, reason = "see above")]
    pub const fn wall_clock(mut self, now: fn() -> SystemTime) -> Self {
        self.wall_clock = now;
        self
    }

    /// What to do after a response with this status and these headers: for clients whose responses are
    /// not those of the `http` crate, as `reqwest`'s are not.
    #[must_use]
    pub fn response(&self, status: StatusCode, headers: &HeaderMap) -> Decision {
        if let Some(status) = grpc_status(headers) {
            match grpc_pushback(headers) {
                _ if !(self.grpc_statuses)(status) => return Decision::Stop,
                Some(Pushback::Never) => return Decision::Stop,
                Some(Pushback::After(wait)) => return Decision::Pushback(wait),
                None => {}
            }
        } else if !(self.statuses)(status) {
            return Decision::Stop;
        }
        match wait_asked_for(headers, (self.wall_clock)()) {
            Some(wait) => Decision::RetryAfter(wait),
            None => Decision::Retry,
        }
    }
}

impl<B, E, R: Decide<Response<B>, E>> Decide<Response<B>, E> for RetryResponses<R> {
    #[inline]
    fn decide(&self, result: Result<&Response<B>, &E>) -> Decision {
        match result {
            Ok(response) => self.response(response.status(), response.headers()),
            Err(_) => self.errors.decide(result),
        }
    }

    #[inline]
    fn decide_refused(&self, error: &E) -> Decision {
        self.errors.decide_refused(error)
    }
}

/// A rule for errors alone: made by [`RetryResponses::when`].
#[derive(Clone, Copy, Debug)]
pub struct ErrorsWhen<F>(F);

impl<T, E, F: Fn(&E) -> bool> Decide<T, E> for ErrorsWhen<F> {
    #[inline]
    fn decide(&self, result: Result<&T, &E>) -> Decision {
        match result {
            Err(error) if (self.0)(error) => Decision::Retry,
            _ => Decision::Stop,
        }
    }
}

/// Sends a request again that [may be made twice](is_idempotent), by a clone; any other once.
///
/// A body that streams is not `Clone`, and the compiler says so:
///
/// ```compile_fail,E0277
/// # use http::Request;
/// # use seawall_http::ReplayIdempotent;
/// # use seawall_retry::Replay;
/// struct Stream; // what is read once, and gone
/// let again = ReplayIdempotent.again(&Request::new(Stream));
/// ```
///
/// Collect it first, or say by a closure how it is made again: see [`Replay`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayIdempotent;

impl<B: Clone> Replay<Request<B>> for ReplayIdempotent {
    #[inline]
    fn again(&self, request: &Request<B>) -> Option<Request<B>> {
        is_idempotent(request.method(), request.headers()).then(|| request.clone())
    }
}
