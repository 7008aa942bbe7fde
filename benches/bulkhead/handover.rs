//! A place that somebody waits for: he joins, it is given back, and he has it.
//!
//! By one thread: of two, each would mostly measure how fast the system wakes the other.

use std::{
    future::Future,
    hint::black_box,
    mem,
    pin::pin,
    task::{Context, Poll, Waker},
};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    service::Ready,
};
use seawall_bulkhead::BulkheadLayer;
use tokio::sync::Semaphore;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    peers,
    settings::{self, QUEUE},
};

pub(crate) fn all(criterion: &mut Criterion) {
    plain(criterion);
    layer(criterion);
}

fn plain(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "bulkhead/hand-over", Threads::One);
    // Without an end to the wait, since the peer has none: where it has one, a timer is made.
    let ours = settings::build(settings::of(1).queue(QUEUE).max_wait(None));
    group.case_each("seawall", || {
        let mut held = ours.try_acquire().ok();
        let ours = &ours;
        move || held = hand_over(held.take(), ours.acquire())
    });
    let ours = settings::of(1).queue(QUEUE).max_wait(None);
    let ours = settings::build(ours.partition("web", 1.0)).partition("web").expect("it has it");
    group.case_each("seawall, partition", || {
        let mut held = ours.try_acquire().ok();
        let ours = &ours;
        move || held = hand_over(held.take(), ours.acquire())
    });

    let semaphore = Semaphore::new(1);
    group.case_each("tokio", || {
        let mut held = semaphore.try_acquire().ok();
        let semaphore = &semaphore;
        move || held = hand_over(held.take(), semaphore.acquire())
    });
}

/// Waits for what `held` is; who has it afterwards.
#[inline]
fn hand_over<P, E>(held: Option<P>, waits: impl Future<Output = Result<P, E>>) -> Option<P> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits = pin!(waits);
    assert!(waits.as_mut().poll(&mut cx).is_pending(), "there is no room");
    drop(held);
    match waits.poll(&mut cx) {
        Poll::Ready(permit) => black_box(permit.ok()),
        Poll::Pending => unreachable!("it was given back"),
    }
}

/// Services that are not ready while another one has the place.
fn layer(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "bulkhead/hand-over, layer", Threads::One);
    let ours = BulkheadLayer::new(settings::build(settings::of(1))).pending_while_full();
    turns(&mut group, "seawall, pending while full", &ours.layer(Ready));
    turns(&mut group, "tower, ConcurrencyLimit", &peers::concurrency_limit(1));
}

fn turns<S: Service<()> + Clone + Sync>(group: &mut Group<'_>, name: &str, service: &S) {
    group.case_each(name, || {
        let mut cx = Context::from_waker(Waker::noop());
        let (mut has, mut waits) = (service.clone(), service.clone());
        assert!(has.poll_ready(&mut cx).is_ready(), "there is room");
        let mut call = Some(has.call(()));
        move || {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(waits.poll_ready(&mut cx).is_pending(), "there is no room");
            drop(call.take());
            assert!(waits.poll_ready(&mut cx).is_ready(), "it was given back");
            call = Some(waits.call(()));
            mem::swap(&mut has, &mut waits);
        }
    });
}
