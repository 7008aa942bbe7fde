//! A limit that finds itself, beside one that is fixed: calls that go well, on the default clock.
//!
//! At the rates of a bench one call in 256 is timed, and the clock's price with it. At less than some
//! thousand calls a second each one is: that is the case "every call timed", by a clock that is read
//! as the default one and goes so fast that 200 calls are a window.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use criterion::Criterion;
use seawall_benches::{
    floor,
    group::{Group, Threads},
    service::{Ready, calls},
};
use seawall_bulkhead::{Adaptive, Bulkhead, BulkheadLayer, Clock};
use seawall_core::Nanos;
use tower_layer::Layer;

use crate::{
    peers,
    settings::{self, LIMIT},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        permits(criterion, threads);
        layer(criterion, threads);
    }
}

fn permits(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/adaptive", threads);
    let word = AtomicU64::new(0);
    group.case("floor: in and out", || floor::in_and_out(&word, LIMIT.into()));

    let fixed = settings::build(settings::fixed());
    group.case("seawall, fixed", || went_well(&fixed));
    for (name, adaptive) in [
        ("seawall, aimd", Adaptive::aimd()),
        ("seawall, vegas", Adaptive::vegas()),
        ("seawall, gradient2", Adaptive::gradient2()),
    ] {
        let ours = settings::build(settings::adaptive(adaptive));
        group.case(name, || went_well(&ours));
    }
    let timed = settings::adaptive(Adaptive::gradient2()).clock(fast_clock());
    let ours = settings::build(timed);
    group.case("seawall, gradient2, every call timed", || went_well(&ours));

    let congestion = peers::congestion_aimd();
    group.case("congestion-limiter, aimd", || peers::token_and_back(black_box(&congestion)));
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/adaptive, layer", threads);
    calls(&mut group, "floor: bare service", &Ready);

    let fixed = BulkheadLayer::new(settings::build(settings::queued()));
    calls(&mut group, "seawall, fixed", &fixed.layer(Ready));
    for (name, adaptive) in
        [("seawall, aimd", Adaptive::aimd()), ("seawall, gradient2", Adaptive::gradient2())]
    {
        let ours = BulkheadLayer::new(settings::build(settings::adaptive(adaptive)));
        calls(&mut group, name, &ours.layer(Ready));
    }

    calls(&mut group, "tower-resilience, aimd", &peers::tower_resilience_aimd());
    calls(&mut group, "tower-resilience, gradient2", &peers::tower_resilience_gradient2());
}

#[inline]
fn went_well(bulkhead: &Bulkhead) {
    black_box(bulkhead).try_acquire().expect("there is room").success();
}

/// Costs what the default one costs, and a `fetch_add`; each reading is a quarter of a millisecond
/// after the last one.
fn fast_clock() -> Clock {
    const STEP: Duration = Duration::from_micros(250);
    let readings = AtomicU64::new(1);
    Clock::custom(move || {
        floor::clock_read();
        Nanos(readings.fetch_add(1, Relaxed) * Nanos::from(STEP).0)
    })
}
