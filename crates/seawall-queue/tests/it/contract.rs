//! The promises of a Tower middleware, for the layer that answers "accepted".
//!
//! Its answer is a job's id, and the contract is about numbers: around the layer, each id becomes what was
//! pushed under it, so that what the inner service said is to be seen.

use std::{
    future::{Ready, ready},
    pin::pin,
    task::Poll,
};

use seawall_core::{Reason, Rejection};
use seawall_queue::{BoxError, EnqueueLayer, Queue, job::JobId};
use seawall_test::{
    Task, allocations,
    contract::{Inner, Suite},
};
use tower::{Layer, Service, ServiceExt, service_fn, util::MapResponseLayer};

use crate::queue::now;

const ROOM: usize = 10_000;

fn queue(capacity: usize) -> Queue<u64> {
    Queue::memory("contract").capacity(capacity).build().expect("sound settings")
}

/// A queue with no room.
fn full() -> Queue<u64> {
    let queue = queue(1);
    now(queue.push(7)).expect("there is room");
    queue
}

/// What was pushed under an id.
fn pushed(queue: &Queue<u64>, id: JobId) -> u64 {
    let job = now(queue.job(id)).expect("memory does not fail");
    job.and_then(|job| job.payload).expect("it is there")
}

/// The layer, and around it what was pushed for each id.
type Seen<F> = (MapResponseLayer<F>, EnqueueLayer<u64>);

fn waiting(queue: Queue<u64>) -> Seen<impl Fn(JobId) -> u64 + Clone + Send + 'static> {
    seen(queue.clone(), EnqueueLayer::new(queue))
}

fn refusing(queue: Queue<u64>) -> Seen<impl Fn(JobId) -> u64 + Clone + Send + 'static> {
    seen(queue.clone(), EnqueueLayer::new(queue).refuse_when_full())
}

fn seen(
    queue: Queue<u64>,
    layer: EnqueueLayer<u64>,
) -> Seen<impl Fn(JobId) -> u64 + Clone + Send + 'static> {
    (MapResponseLayer::new(move |id| pushed(&queue, id)), layer)
}

#[test]
fn the_waiting_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| waiting(queue(ROOM)).layer(inner))
        .cloned()
        .sendable()
        .errors(waiting(queue(ROOM)))
        .run();
}

#[test]
fn the_refusing_layer_keeps_the_contract() {
    Suite::new(|inner: Inner| refusing(queue(ROOM)).layer(inner))
        .cloned()
        .sendable()
        .errors(refusing(queue(ROOM)))
        .refusing(|inner| refusing(full()).layer(inner))
        .except(
            "refuses_without_asking_inner",
            "what there is to do is the inner service's to say: before that there is no job",
        )
        .run();
}

#[test]
fn all_services_of_a_layer_push_into_its_queue() {
    let queue = queue(2);
    let layer = EnqueueLayer::new(queue.clone()).refuse_when_full();
    let (first, second) = (layer.layer(service_fn(answer)), layer.layer(service_fn(answer)));

    for service in [first.clone(), first] {
        now(service.oneshot(7)).expect("there is room");
    }
    let refused = now(second.oneshot(7)).unwrap_err();

    assert_eq!(refused.rejection().map(Rejection::reason), Some(Reason::QueueFull));
}

/// The queue keeps jobs, and so allocates; what the layer adds to that is one box a call.
#[test]
fn a_call_allocates_once_more_than_its_push() {
    const CALLS: u64 = 64;
    let task = Task::new();
    let mut service = EnqueueLayer::new(queue(ROOM)).layer(service_fn(answer));
    let mut call = |n| {
        assert!(task.settle(|cx| service.poll_ready(cx)).ready().is_some());
        let call = pin!(service.call(n));
        matches!(task.poll(call), Poll::Ready(Ok(_)))
    };
    let other = queue(ROOM);
    let push = |n| matches!(task.poll(pin!(other.push(n))), Poll::Ready(Ok(_)));

    let (called, calls) = allocations(|| (0..CALLS).all(&mut call));
    let (is_in, pushes) = allocations(|| (0..CALLS).all(push));

    assert!(called && is_in);
    assert_eq!(calls, pushes + CALLS);
}

fn answer(n: u64) -> Ready<Result<u64, BoxError>> {
    ready(Ok(n))
}
