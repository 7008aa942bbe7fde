//! What time has to do with calls that wait for a node: patience, and deadlines.

#![cfg(all(feature = "tower", feature = "tokio"))]

mod fresh;

use std::{pin::pin, task::Poll, time::Duration};

use seawall_core::{Reason, deadline};
use seawall_shard::sharded::Access;
use tokio::time::{Instant, advance, timeout};
use tokio_test::task;
use tower::{Service, ServiceExt};
use tower_test::mock;

use crate::sharded_support::{Fleet, Request, map, order};

const MS: Duration = Duration::from_millis(1);

fn impatient_after(patience: Duration) -> (Fleet, [String; 2]) {
    let fleet = Fleet::new(["a", "b"], 2);
    fleet.service.set_patience(patience);
    let names = order(&fleet.shards, 7);
    (fleet, names)
}

#[tokio::test(start_paused = true)]
async fn a_patient_call_waits_for_the_node_that_it_prefers() {
    let (fleet, [first, second]) = impatient_after(5 * MS);
    fleet.client(&first).is_not_ready();
    let mut response = task::spawn(fleet.service.clone().call(Request::any(7)));
    assert!(response.poll().is_pending());
    advance(4 * MS).await;
    assert!(response.poll().is_pending());

    fleet.client(&first).is_ready();

    assert!(response.is_woken());
    assert!(matches!(response.poll(), Poll::Ready(Ok(name)) if name == first));
    assert_eq!(fleet.client(&second).calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_its_patience_is_over_a_call_takes_whoever_is_ready() {
    let (fleet, [first, second]) = impatient_after(5 * MS);
    fleet.client(&first).is_not_ready();
    let began = Instant::now();

    let answer = fleet.service.clone().oneshot(Request::any(7)).await;

    assert_eq!(answer.as_deref().ok(), Some(second.as_str()));
    assert_eq!(began.elapsed().as_millis(), 5 + u128::from(began.elapsed().as_millis() == 6)); // timers round up
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_past_its_deadline() {
    for (patience, access) in
        [(0, Access::OwnerFirst), (5, Access::Write), (60, Access::OwnerFirst)]
    {
        let (fleet, _) = impatient_after(patience * MS);
        fleet.clients.iter().for_each(|client| client.is_not_ready());
        let began = Instant::now();
        let call = fleet.service.clone().oneshot(Request { key: 7, access });

        let over = timeout(Duration::from_secs(9), deadline::scope(20 * MS, call)).await;

        let error = over.expect("it ends by itself").expect_err("nobody is ready");
        let reason = error.rejection().expect("it is refused").reason();
        assert_eq!(reason, Reason::DeadlineExceeded);
        assert!((20..=22).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert_eq!(fleet.calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_call_waits_for_as_long_as_it_takes() {
    let (fleet, [first, second]) = impatient_after(5 * MS);
    fleet.clients.iter().for_each(|client| client.is_not_ready());
    let mut response = task::spawn(fleet.service.clone().call(Request::any(7)));
    for _ in 0..3 {
        assert!(response.poll().is_pending());
        advance(Duration::from_secs(3_600)).await;
    }
    fleet.client(&second).is_ready();
    fleet.client(&first).is_ready();

    assert!(matches!(response.poll(), Poll::Ready(Ok(name)) if name == first));
}

/// A mock counts what it allows: an instance that was polled ready, and is dropped, has given that back.
#[tokio::test]
async fn a_node_whose_readiness_was_not_used_can_be_asked_again() {
    let shards = map(["a", "b"], 2);
    let [first, second] = order(&shards, 7);
    let mut service = seawall_shard::Sharded::new(shards, |&key: &u64| key);
    let (one, mut at_first) = mock::pair::<u64, &str>();
    let (other, mut at_second) = mock::pair::<u64, &str>();
    at_first.allow(0);
    at_second.allow(1);
    service.insert(first, one);
    service.insert(second, other);

    let mut response = task::spawn(service.call(7));
    assert!(response.poll().is_pending());
    let (request, send) = at_second.next_request().await.expect("the first is not ready");
    assert_eq!(request, 7);
    send.send_response("second");
    assert!(matches!(response.poll(), Poll::Ready(Ok("second"))));

    at_first.allow(1);
    let mut response = task::spawn(service.call(7));
    assert!(response.poll().is_pending());
    let (_, send) = at_first.next_request().await.expect("it is ready now");
    send.send_error("lost");
    let error = pin!(response).get_mut().poll();
    assert!(
        matches!(error, Poll::Ready(Err(seawall_core::Error::Inner(error))) if error.to_string() == "lost")
    );
}
