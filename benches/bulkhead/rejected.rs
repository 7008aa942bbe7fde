//! A call for which there is no room, beside one for which there is.
//!
//! A flood of calls meets a full bulkhead just when everything else is short, so a refusal must be
//! cheap, and may not allocate.

use std::{hint::black_box, pin::pin};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
    service::{Ready, refusals},
};
use seawall_bulkhead::BulkheadLayer;
use tokio::sync::Semaphore;
use tower::load_shed::LoadShedLayer;
use tower_layer::Layer;
use tower_service::Service;

use crate::{peers, settings};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        plain(criterion, threads);
        layer(criterion, threads);
    }
}

fn plain(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/rejected", threads);
    let roomy = settings::build(settings::fixed());
    group.case("seawall, admitted", || {
        black_box(&roomy).try_acquire().expect("there is room").success();
    });

    let full = settings::build(settings::of(1));
    let _held = full.try_acquire().expect("it is empty");
    group.case("seawall, try_acquire", || rejected(&black_box(&full).try_acquire()));
    group.case("seawall, acquire", || rejected(&poll::ready(pin!(black_box(&full).acquire()))));

    let part = settings::of(2).partition("web", 0.5).partition("batch", 0.5);
    let part = settings::build(part).partition("web").expect("it was built with it");
    let _both = part.try_acquire_weighted(2).expect("it is empty");
    group.case("seawall, partition", || rejected(&black_box(&part).try_acquire()));

    let semaphore = Semaphore::new(1);
    let _held = semaphore.try_acquire().expect("it is empty");
    group.case("tokio", || rejected(&black_box(&semaphore).try_acquire()));

    let congestion = peers::congestion_fixed(1);
    let _held = peers::token(&congestion).expect("it is empty");
    group.case("congestion-limiter", || {
        assert!(black_box(&peers::token(black_box(&congestion))).is_none(), "there is no room");
    });
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/rejected, layer", threads);
    let full = settings::build(settings::of(1));
    let _held = full.try_acquire().expect("it is empty");
    let ours = BulkheadLayer::new(full.clone());
    refusals(&mut group, "seawall, waiting", &ours.layer(Ready));
    refusals(&mut group, "seawall, rejecting", &ours.clone().rejecting().layer(Ready));
    refusals(&mut group, "seawall, rejecting, flattened", &ours.rejecting().flatten().layer(Ready));

    let mut limit = peers::concurrency_limit(1);
    let shedding = LoadShedLayer::new().layer(limit.clone());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(limit.poll_ready(&mut cx).is_ready(), "it is empty");
    refusals(&mut group, "tower, LoadShed over ConcurrencyLimit", &shedding);
}

/// Looks at the answer where it is: to move it would be timed too.
#[inline]
fn rejected<T, E>(answer: &Result<T, E>) {
    assert!(black_box(answer).is_err(), "there is no room");
}
