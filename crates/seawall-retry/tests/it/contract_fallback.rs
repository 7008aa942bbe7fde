//! The promises of a Tower middleware, for the fallback's layer.

#![cfg(feature = "tower")]

use std::future::{Ready, ready};

use seawall_retry::{
    Fallback, FallbackLayer,
    fallback::{Falls, Recovers, To, ToService},
};
use seawall_test::{
    Failure, Task, allocations,
    contract::{Inner, Suite},
};
use tower::{Layer, service_fn};

fn layer() -> FallbackLayer {
    FallbackLayer::new(Fallback::builder("contract").build().expect("sound settings"))
}

/// Of any error: falls, and ends in the same.
#[derive(Clone)]
struct Same;

impl<E> Falls<E> for Same {
    fn falls(&self, _: &E) -> bool {
        true
    }
}

impl<K, T, E> Recovers<K, T, E> for Same {
    type Future = Ready<Result<T, E>>;
    const TO: To = To::Closure;

    fn recover(&self, _: K, error: E) -> Self::Future {
        ready(Err(error))
    }
}

#[test]
fn the_layer_keeps_the_contract_where_nothing_falls() {
    Suite::new(|inner: Inner| layer().when(|_: &Failure| false).value(7).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .run();
}

#[test]
fn the_layer_keeps_the_contract_where_every_error_falls() {
    Suite::new(|inner: Inner| layer().on_any_error().with(Err::<u64, Failure>).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(layer().on_any_error().to(Same))
        .run();
}

#[test]
fn the_layer_keeps_the_contract_with_another_service() {
    let failing = service_fn(|request: u64| ready(Err::<u64, _>(Failure(request + 40))));
    Suite::new(move |inner: Inner| {
        let key = |request: &u64| *request;
        layer().on_any_error().keep(key).service(failing).layer(inner)
    })
    .cloned()
    .sendable()
    .unboxed()
    .run();
}

/// The request is kept by its key, the value once, and neither is copied for a call that succeeds.
#[test]
fn a_call_that_succeeds_copies_neither_the_value_nor_the_request() {
    let value = vec![1_u8; 1024];
    let mut service = layer()
        .on_any_error()
        .value(value)
        .layer(service_fn(|request: Vec<u8>| ready(Ok::<_, Failure>(request))));
    let task = Task::new();
    let request = vec![2_u8; 1024];

    let (answered, allocated) = allocations(|| {
        let response = std::pin::pin!(tower::Service::call(&mut service, request));
        task.poll(response).is_ready()
    });

    assert!(answered);
    assert_eq!(allocated, 0);
}

const _: () = {
    const fn all<T: Send + Sync + Unpin>() {}

    all::<Fallback>();
    all::<FallbackLayer<Same>>();
    all::<seawall_retry::FallbackService<u8, Same>>();
    // Though the service that is fallen back to is not `Sync`.
    all::<ToService<std::cell::Cell<u8>>>();
};
