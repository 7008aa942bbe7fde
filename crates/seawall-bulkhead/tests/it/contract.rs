//! The promises of a Tower middleware, for every layer of this crate, in every mode.

#![cfg(feature = "tower")]

use std::time::Duration;

use seawall_bulkhead::{Adaptive, Bulkhead, BulkheadLayer, BulkheadsLayer, Demand, Shedding};
use seawall_test::contract::{self, Inner, Suite, Wear};
use tower::Layer;

/// Room for fewer than a law's crowd: what leaks a place, shows.
const ROOM: u32 = 16;

fn bulkhead(limit: u32, queue: u32) -> Bulkhead {
    let builder = Bulkhead::builder("contract").limit(limit).queue(queue);
    builder.build().expect("sound settings")
}

fn layer(limit: u32, queue: u32) -> BulkheadLayer {
    BulkheadLayer::new(bulkhead(limit, queue))
}

/// All that a bulkhead can do, with room enough.
fn everything() -> Bulkhead {
    Bulkhead::builder("contract")
        .adaptive(Adaptive::gradient2())
        .partition("part", 0.5)
        .shed(Shedding::by_priority())
        .build()
        .expect("sound settings")
}

/// Who waits, waits by a timer: the tests are inside of a runtime.
fn inside<T>(test: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    test()
}

#[test]
fn the_waiting_layer_keeps_the_contract() {
    inside(|| {
        Suite::new(|inner: Inner| layer(ROOM, 8).layer(inner))
            .cloned()
            .sharing_by_layer(layer(4, 0), Wear::Load)
            .sendable()
            .unboxed()
            .errors(layer(ROOM, 8))
            .refusing(contract::worn(|inner: Inner| layer(2, 0).layer(inner), Wear::Load))
            .waiting(|inner| layer(1, 8).layer(inner))
            .run();
    });
}

#[test]
fn clones_of_a_service_share_a_bulkhead() {
    inside(|| {
        contract::clones_share(|inner: Inner| layer(4, 0).layer(inner), Wear::Load);
    });
}

#[test]
fn the_rejecting_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| layer(ROOM, 0).rejecting().layer(inner))
        .cloned()
        .sharing(Wear::Load)
        .sharing_by_layer(layer(4, 0).rejecting(), Wear::Load)
        .sendable()
        .unboxed()
        .errors(layer(ROOM, 0).rejecting())
        .refusing(contract::worn(|inner: Inner| layer(2, 0).rejecting().layer(inner), Wear::Load))
        .run();
}

#[test]
fn the_gate_keeps_the_contract() {
    const PLACE: &str = "its place is kept for the call that it is ready for";
    Suite::new(|inner: Inner| layer(ROOM, 0).pending_while_full().layer(inner))
        .cloned()
        .sharing_by_layer(layer(4, 0).pending_while_full(), Wear::Load)
        .sendable()
        .unboxed()
        .errors(layer(ROOM, 0).pending_while_full())
        .waiting(|inner| layer(1, 0).pending_while_full().layer(inner))
        .except("ready_without_call_holds_nothing", PLACE)
        .except("abandoned_waiter_lets_the_next_through", PLACE)
        .run();
}

#[test]
fn the_gate_wakes_when_a_place_is_free() {
    let bulkhead = bulkhead(1, 0);
    let permit = bulkhead.try_acquire_owned().expect("it is empty");
    let gate = BulkheadLayer::new(bulkhead).pending_while_full();
    contract::wakes_when_it_stops_refusing(
        move |inner: Inner| gate.layer(inner),
        move || drop(permit),
    );
}

#[test]
fn the_layer_keeps_the_contract_with_everything_on() {
    inside(|| {
        Suite::new(|inner: Inner| {
            let part = everything().partition("part").expect("it has one");
            let demand = |_: &u64| Demand::new().weight(1);
            BulkheadLayer::new(part).demand(demand).layer(inner)
        })
        .cloned()
        .sendable()
        .unboxed()
        .run();
    });
}

#[test]
fn the_keyed_layer_keeps_the_contract() {
    let keyed = |limit| {
        let builder = Bulkhead::builder("contract").limit(limit).queue(8).keyed();
        BulkheadsLayer::new(builder.build().expect("sound settings"), |_: &u64| 7_u64)
    };
    inside(|| {
        Suite::new(move |inner: Inner| keyed(ROOM).layer(inner))
            .cloned()
            .sharing_by_layer(keyed(4), Wear::Load)
            .sendable()
            .unboxed()
            .errors(keyed(ROOM))
            .waiting(move |inner| keyed(1).layer(inner))
            .run();
    });
}

#[test]
fn the_flat_layer_keeps_the_contract() {
    inside(|| {
        Suite::new(|inner: Inner| {
            let inner: tower::util::MapErr<Inner, fn(seawall_test::Failure) -> _> =
                tower::util::MapErr::new(inner, seawall_bulkhead::Error::Inner);
            layer(ROOM, 8).flatten().layer(inner)
        })
        .cloned()
        .sendable()
        .unboxed()
        .run();
    });
}

/// Not only the success path: a rejection, too, allocates nothing.
#[test]
fn a_rejection_allocates_nothing() {
    let bulkhead = bulkhead(1, 0);
    let held = bulkhead.try_acquire().expect("it is empty");

    let (rejected, allocations) = seawall_test::allocations(|| bulkhead.try_acquire().is_err());

    assert!(rejected);
    assert_eq!(allocations, 0);
    drop(held);
}

#[test]
fn a_plain_call_allocates_nothing() {
    let bulkhead = Bulkhead::builder("contract")
        .limit(8)
        .queue(8)
        .max_wait(Duration::from_secs(1))
        .build()
        .expect("sound settings");
    let task = seawall_test::Task::new();
    let once = || {
        let mut call = std::pin::pin!(bulkhead.call(|| async { Ok::<u64, ()>(7) }));
        task.poll(call.as_mut()).is_ready()
    };
    assert!(once());

    let (ready, allocations) = seawall_test::allocations(once);

    assert!(ready);
    assert_eq!(allocations, 0);
}
