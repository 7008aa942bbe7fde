//! `reqwest` behind the retry layer, by both ways.

use std::time::Duration;

use http::{Request, Response};
use seawall_core::deadline;
use seawall_http::{
    GRPC_TIMEOUT, ReplayIdempotent, RetryResponses, grpc_timeout_value, is_idempotent, retry_layer,
};
use seawall_retry::{
    Backoff, BoxError, Decision, Error, Retry, RetryBuilder, RetryLayer, RetryService,
};
use tower::{Layer, Service, service_fn};

/// A retry whose backoff is no time to speak of: what takes long here was asked for.
pub(crate) fn retry() -> RetryBuilder {
    Retry::builder("http").backoff(Backoff::constant(Duration::from_millis(5)))
}

pub(crate) fn reqwest() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// The client as the service that it is: of its own types, by closures.
pub(crate) fn of_reqwests_types(
    retry: Retry,
) -> impl Service<reqwest::Request, Response = reqwest::Response, Error = Error<reqwest::Error>> {
    let rule = RetryResponses::new();
    let decide = move |result: Result<&reqwest::Response, &reqwest::Error>| match result {
        Ok(response) => rule.response(response.status(), response.headers()),
        Err(_) => Decision::Retry,
    };
    let replay = |request: &reqwest::Request| {
        let may_be = is_idempotent(request.method(), request.headers());
        may_be.then(|| request.try_clone()).flatten()
    };
    RetryLayer::new(retry).decide(decide).replay(replay).layer(reqwest())
}

/// The client by the types of the `http` crate: in one line, and an adapter that tells the server how
/// long the attempt has.
pub(crate) fn of_https_types(
    retry: Retry,
) -> RetryService<
    impl Service<Request<&'static str>, Response = Response<reqwest::Body>, Error = BoxError> + Clone,
    RetryResponses,
    ReplayIdempotent,
> {
    let client = reqwest();
    retry_layer(retry).layer(service_fn(move |mut request: Request<&'static str>| {
        if let Some(left) = deadline::remaining() {
            request.headers_mut().insert(GRPC_TIMEOUT, grpc_timeout_value(left));
        }
        let client = client.clone();
        async move { Ok(client.execute(request.try_into()?).await?.into()) }
    }))
}

pub(crate) fn get(url: &str) -> Request<&'static str> {
    Request::get(url).body("").expect("a sound request")
}
