//! A call that is never hedged, since it is ready at once.

use std::{future::ready, hint::black_box, pin::pin};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
    runtime::{Entered, runtime},
    service::{Failed, Ready, calls, calls_each},
};
use seawall_retry::{Hedge, HedgeLayer};
use tower_layer::Layer;

use crate::{
    peers,
    settings::{self, ALLOWED, TIME},
};

pub(crate) fn all(criterion: &mut Criterion) {
    let fixed = settings::hedge().after(TIME).build().expect(ALLOWED);
    let learned = settings::hedge().build().expect(ALLOWED);
    learn(&learned);
    for threads in Threads::all() {
        plain(criterion, threads, [&fixed, &learned]);
        layer(criterion, threads, [&fixed, &learned]);
    }
}

/// For about a second: before that it hedges nothing, and there is less to do.
fn learn(hedge: &Hedge) {
    while hedge.delay().is_none() {
        one_call(hedge);
    }
}

fn plain(criterion: &mut Criterion, threads: Threads, [fixed, learned]: [&Hedge; 2]) {
    let mut group = Group::new(criterion, "retry/hedge", threads);
    group.case("floor: bare future", || {
        assert!(black_box(&poll::ready(pin!(ready(answer())))).is_ok(), "nothing fails");
    });
    group.case("seawall, after a time", || one_call(black_box(fixed)));
    group.case("seawall, after a percentile", || one_call(black_box(learned)));
}

fn layer(criterion: &mut Criterion, threads: Threads, [fixed, learned]: [&Hedge; 2]) {
    let mut group = Group::new(criterion, "retry/hedge, layer", threads);
    calls(&mut group, "floor: bare service", &Ready);
    let ours = |hedge: &Hedge| HedgeLayer::new(hedge.clone()).replay_all().layer(Ready);
    calls(&mut group, "seawall, after a time", &ours(fixed));
    calls(&mut group, "seawall, after a percentile", &ours(learned));

    let runtime = runtime();
    calls_each(&mut group, "tower", || Entered::new(&runtime, peers::tower_hedge));
}

#[inline]
fn one_call(hedge: &Hedge) {
    let answer = poll::ready(pin!(hedge.call(|_| ready(answer()))));
    assert!(black_box(&answer).is_ok(), "nothing fails");
}

#[inline]
fn answer() -> Result<(), Failed> {
    black_box(Ok(()))
}
