//! What the layers do beyond the contract: what a request asks for, and who waits where.

#![cfg(feature = "tower")]

use std::time::Duration;

use seawall_bulkhead::{
    Bound, Bulkhead, BulkheadLayer, BulkheadsLayer, Demand, Error, Priority, Reason, Rejection,
    Shedding,
};
use seawall_test::{Held, Task};
use tower::{Layer, Service, ServiceExt, service_fn};

type Answer = Result<u32, Error<std::convert::Infallible>>;

fn rejection(answer: Answer) -> Rejection {
    match answer {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("it was to be refused: {other:?}"),
    }
}

#[derive(Clone, Debug)]
struct Query {
    rows: u32,
    priority: Priority,
}

fn query(rows: u32) -> Query {
    Query { rows, priority: Priority::NORMAL }
}

fn demand(query: &Query) -> Demand {
    Demand::new().weight(query.rows).priority(query.priority)
}

#[tokio::test(start_paused = true)]
async fn a_request_says_how_much_it_weighs() {
    let bulkhead = Bulkhead::builder("db").limit(10).build().expect("sound settings");
    let seen = bulkhead.clone();
    let service = BulkheadLayer::new(bulkhead).demand(demand).layer(service_fn(move |_: Query| {
        let in_flight = seen.in_flight();
        async move { Ok(in_flight) }
    }));

    assert_eq!(service.clone().oneshot(query(7)).await, Ok(7));
    let refused = rejection(service.oneshot(query(11)).await);

    assert_eq!(refused.bound(), Some(Bound::Weight));
}

#[tokio::test(start_paused = true)]
async fn a_request_says_how_important_it_is() {
    let bulkhead = Bulkhead::builder("db")
        .limit(1)
        .queue(1)
        .shed(Shedding::by_priority())
        .build()
        .expect("sound settings");
    let held = bulkhead.try_acquire_owned().expect("it is empty");
    let service = BulkheadLayer::new(bulkhead)
        .demand(demand)
        .layer(service_fn(|query: Query| async move { Ok(query.rows) }));
    let task = Task::new();
    let mut low = Box::pin(service.clone().oneshot(Query { rows: 1, priority: Priority::LOW }));
    assert!(task.poll(low.as_mut()).is_pending());

    let high = service.oneshot(Query { rows: 1, priority: Priority::HIGH });
    let mut high = Box::pin(high);
    assert!(task.poll(high.as_mut()).is_pending());

    let refused = rejection(low.await);
    assert_eq!((refused.reason(), refused.bound()), (Reason::Overloaded, Some(Bound::Priority)));
    drop(held);
    assert_eq!(high.await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_refused_when_its_time_is_over() {
    let bulkhead = Bulkhead::builder("slow")
        .limit(1)
        .queue(1)
        .max_wait(Duration::from_millis(200))
        .build()
        .expect("sound settings");
    let held = bulkhead.try_acquire_owned().expect("it is empty");
    let service = BulkheadLayer::new(bulkhead.clone())
        .layer(service_fn(|number: u32| async move { Ok(number) }));
    let began = tokio::time::Instant::now();

    let refused = rejection(service.oneshot(1).await);

    assert_eq!(refused.bound(), Some(Bound::Wait));
    assert_eq!(began.elapsed().as_millis() / 10, 20);
    assert_eq!(bulkhead.waiting(), 0);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_places() {
    let tenants = Bulkhead::builder("tenants").limit(1).keyed().build().expect("sound settings");
    let held = tenants.get(&1).try_acquire_owned().expect("it is empty");
    let layer = BulkheadsLayer::new(tenants, |tenant: &u32| *tenant);
    let service = layer.layer(service_fn(|tenant: u32| async move { Ok(tenant) }));

    let refused = rejection(service.clone().oneshot(1).await);
    assert_eq!(refused.bound(), Some(Bound::Limit));
    assert_eq!(service.oneshot(2).await, Ok(2));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn the_gate_is_ready_when_a_place_is_free_and_keeps_it_for_its_call() {
    let bulkhead = Bulkhead::builder("gate").limit(1).build().expect("sound settings");
    let (held, handle) = Held::<u32, u32, std::io::Error>::new();
    let mut service = BulkheadLayer::new(bulkhead.clone()).pending_while_full().layer(held);

    service.ready().await.expect("it is well");
    assert!(bulkhead.try_acquire().is_err(), "the place is kept for the call");
    let response = service.call(1);
    handle.hold_calls();
    drop(response);

    assert_eq!(bulkhead.in_flight(), 0);
}
