//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use seawall_circuit_breaker::{
    CircuitBreaker, CircuitBreakerBuilder, CircuitBreakers, Config, Event, Permit,
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<CircuitBreaker>();
    all::<CircuitBreakerBuilder>();
    all::<CircuitBreakers<String>>();
    all::<Config>();
    all::<Event>();
    all::<Permit>();
};

#[cfg(feature = "tower")]
const _: () = {
    use seawall_circuit_breaker::{
        CircuitBreakerLayer, CircuitBreakerService, CircuitBreakersLayer, ErrIsFailure,
        future::ResponseFuture,
    };

    all::<CircuitBreakerLayer>();
    all::<CircuitBreakerService<u8>>();
    all::<CircuitBreakersLayer<u8, fn(&u8) -> u8>>();
    all::<ResponseFuture<std::future::Ready<Result<u8, u8>>, ErrIsFailure>>();
};

#[cfg(all(feature = "tower", feature = "tokio"))]
const _: () = {
    use seawall_circuit_breaker::{CircuitBreakerGate, CircuitBreakerGateLayer};

    all::<CircuitBreakerGateLayer>();
    all::<CircuitBreakerGate<u8>>();
};

#[test]
fn the_future_of_a_plain_call_can_be_spawned() {
    fn sendable<T: Send + 'static>(_: T) {}

    let breaker = CircuitBreaker::builder("spawned").build().expect("the defaults are sound");
    sendable(async move { breaker.call(|| async { Ok::<(), ()>(()) }).await });
}
