//! The promises of a Tower middleware, for every layer of this crate.

#![cfg(feature = "tower")]

use std::time::Duration;

use seawall_circuit_breaker::{
    CircuitBreaker, CircuitBreakerLayer, CircuitBreakers, CircuitBreakersLayer, Clock,
    ErrIsFailure, Outcome, Throttle, Window,
};
use seawall_test::contract::{self, Inner, Suite, Wear};
use tower::Layer;

const SECOND: Duration = Duration::from_secs(1);

/// A breaker that opens soon.
fn fragile() -> CircuitBreaker {
    CircuitBreaker::builder("contract").build().expect("the defaults are sound")
}

/// A breaker that failures do not open: what a law leaks would.
fn closed() -> CircuitBreaker {
    let builder = CircuitBreaker::builder("contract").failure_rate(None);
    builder.build().expect("sound settings")
}

/// All that a breaker can watch, none of which a law's failures reach.
fn watchful() -> CircuitBreaker {
    CircuitBreaker::builder("contract")
        .window(Window::time(SECOND * 10))
        .minimum_calls(100_000)
        .slow_call(SECOND, 0.5)
        .consecutive_failures(100_000)
        .hung_calls(SECOND * 60, 1_000)
        .throttle(Throttle { k: 1e9, ..Throttle::default() })
        .build()
        .expect("sound settings")
}

/// Half-open, with few probes that decide nothing when they fail: what leaks a place, wedges.
fn half_open() -> CircuitBreaker {
    let (clock, hand) = Clock::manual();
    let breaker = CircuitBreaker::builder("contract")
        .clock(clock)
        .half_open_probes(3)
        .on_panic(Outcome::Ignored)
        .build()
        .expect("sound settings");
    breaker.open_for(SECOND);
    hand.advance(SECOND);
    breaker
}

fn layer(breaker: CircuitBreaker) -> CircuitBreakerLayer {
    CircuitBreakerLayer::new(breaker)
}

#[test]
fn the_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| layer(closed()).layer(inner))
        .cloned()
        .sharing_by_layer(layer(fragile()), Wear::Failures)
        .sendable()
        .unboxed()
        .errors(layer(closed()))
        .refusing(|inner| {
            let breaker = closed();
            breaker.force_open();
            layer(breaker).layer(inner)
        })
        .run();
}

#[test]
fn clones_of_a_service_share_a_circuit() {
    contract::clones_share(|inner: Inner| layer(fragile()).layer(inner), Wear::Failures);
}

#[test]
fn the_layer_keeps_the_contract_with_every_rule_on() {
    Suite::new(|inner: Inner| layer(watchful()).layer(inner)).cloned().sendable().unboxed().run();
}

#[test]
fn a_half_open_circuit_leaks_no_probe() {
    contract::dropped_future_gives_back(|inner: Inner| layer(half_open()).layer(inner));
    contract::panic_gives_back(|inner: Inner| layer(half_open()).layer(inner));
    contract::ready_without_call_holds_nothing(|inner: Inner| layer(half_open()).layer(inner));
}

#[test]
fn the_flat_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| layer(closed()).flatten().layer(inner.map_err_into()))
        .cloned()
        .sendable()
        .unboxed()
        .run();
}

/// An inner service whose error can also be a rejection.
trait MapErrInto: Sized {
    type Mapped;
    fn map_err_into(self) -> Self::Mapped;
}

impl MapErrInto for Inner {
    type Mapped = tower::util::MapErr<Self, fn(seawall_test::Failure) -> Flat>;

    fn map_err_into(self) -> Self::Mapped {
        tower::util::MapErr::new(self, Flat::Inner)
    }
}

#[derive(Debug)]
enum Flat {
    Inner(seawall_test::Failure),
    Rejected(seawall_circuit_breaker::Rejection),
}

impl std::fmt::Display for Flat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an error of the user's own")
    }
}

impl std::error::Error for Flat {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Rejected(rejection) => Some(rejection),
        }
    }
}

impl From<seawall_circuit_breaker::Rejection> for Flat {
    fn from(rejection: seawall_circuit_breaker::Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

#[test]
fn the_keyed_layer_keeps_the_contract() {
    let keyed = |failure_rate: Option<f64>| {
        let builder = CircuitBreaker::builder("contract").failure_rate(failure_rate);
        let breakers: CircuitBreakers<u64> = builder.keyed().build().expect("sound settings");
        CircuitBreakersLayer::new(breakers, |_: &u64| 7)
    };

    Suite::new(move |inner: Inner| keyed(None).layer(inner))
        .cloned()
        .sharing_by_layer(keyed(Some(0.5)), Wear::Failures)
        .sendable()
        .unboxed()
        .errors(keyed(None))
        .run();
}

#[cfg(feature = "tokio")]
mod gate {
    use super::*;

    /// The gate waits by a timer: its tests are inside of a runtime.
    fn inside<T>(test: impl FnOnce() -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let _inside = runtime.as_ref().expect("a runtime").enter();
        test()
    }

    #[test]
    fn the_gate_keeps_the_contract() {
        let gate = |breaker| layer(breaker).pending_while_open();
        inside(|| {
            Suite::new(move |inner: Inner| gate(closed()).layer(inner))
                .cloned()
                .sharing_by_layer(gate(fragile()), Wear::Failures)
                .sendable()
                .unboxed()
                .errors(gate(closed()))
                .run();
        });
    }

    #[test]
    fn the_gate_wakes_when_the_circuit_closes() {
        inside(|| {
            let breaker = closed();
            breaker.force_open();
            let held = breaker.clone();
            contract::wakes_when_it_stops_refusing(
                move |inner: Inner| layer(held).pending_while_open().layer(inner),
                move || breaker.reset(),
            );
        });
    }
}

/// Not only the success path: a rejection, too, allocates nothing.
#[test]
fn a_rejection_allocates_nothing() {
    let breaker = closed();
    breaker.force_open();

    let (rejected, allocations) = seawall_test::allocations(|| breaker.try_acquire().is_err());

    assert!(rejected);
    assert_eq!(allocations, 0);
}

#[test]
fn a_plain_call_allocates_nothing() {
    let breaker = closed();
    let task = seawall_test::Task::new();
    let call = || async { Ok::<u64, ()>(7) };
    let once = || {
        let mut guarded = std::pin::pin!(breaker.classify(ErrIsFailure).call(call));
        task.poll(guarded.as_mut()).is_ready()
    };
    assert!(once());

    let (ready, allocations) = seawall_test::allocations(once);

    assert!(ready);
    assert_eq!(allocations, 0);
}
