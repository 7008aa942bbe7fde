//! The promises of a Tower middleware, for the layer that takes a policy of tower's.

#![cfg(feature = "tower-policy")]

use std::{
    future::{Ready, ready},
    time::Duration,
};

use seawall_retry::{PolicyLayer, Retry, RetryLayer};
use seawall_test::{
    Failure,
    contract::{Inner, Suite},
};
use tower::{Layer, retry::Policy};

/// Tries again at once, so that a law need not wait for a timer, for so many times.
#[derive(Clone, Copy, Debug)]
struct Eager(u32);

impl<Request: Clone, Response, Error> Policy<Request, Response, Error> for Eager {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request,
        result: &mut Result<Response, Error>,
    ) -> Option<Ready<()>> {
        if result.is_ok() {
            return None;
        }
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

fn layer(times: u32) -> PolicyLayer<Eager> {
    let retry = Retry::builder("contract").without_budget().build();
    RetryLayer::new(retry.expect("sound settings")).policy(Eager(times))
}

/// All that a retry can watch, none of which a law's calls reach.
fn watchful() -> PolicyLayer<Eager> {
    let builder = Retry::builder("contract");
    let builder =
        builder.attempt_timeout(Duration::from_secs(60)).deadline(Duration::from_secs(90));
    RetryLayer::new(builder.build().expect("sound settings")).policy(Eager(0))
}

#[test]
fn the_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| layer(0).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(layer(0))
        .run();
}

#[test]
fn the_layer_keeps_the_contract_while_it_tries_again() {
    Suite::new(|inner: Inner| layer(2).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(layer(2))
        .run();
}

#[test]
fn the_layer_keeps_the_contract_with_every_limit_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    Suite::new(|inner: Inner| watchful().layer(inner)).cloned().sendable().unboxed().run();
}

/// The errors of a flat layer are the service's own, whatever the policy makes of them.
#[tokio::test]
async fn a_flat_layer_keeps_the_services_own_error() {
    use tower::{BoxError, ServiceExt, service_fn};

    let service = layer(1)
        .flatten()
        .layer(service_fn(|(): ()| async { Err::<(), BoxError>(Failure(1).into()) }));

    let failed = service.oneshot(()).await.expect_err("it always fails");
    assert!(failed.is::<Failure>(), "{failed}");
}
