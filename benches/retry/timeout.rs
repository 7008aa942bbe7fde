//! A call whose time is limited, and that is ready at once.

use std::{
    future::{Future, ready},
    hint::black_box,
    pin::{Pin, pin},
};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
    runtime::{Entered, runtime},
    service::{Failed, Ready, calls, calls_each},
};
use seawall_retry::TimeoutLayer;
use tower_layer::Layer;

use crate::{
    peers,
    settings::{self, ALLOWED, TIME},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        plain(criterion, threads);
        layer(criterion, threads);
    }
}

fn plain(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/timeout", threads);
    group.case("floor: bare future", || does_well(pin!(ready(answer()))));
    let ours = settings::timeout().build().expect(ALLOWED);
    group.case("seawall", || does_well(pin!(black_box(&ours).call(|| ready(answer())))));
    let ours = settings::timeout().propagate(false).build().expect(ALLOWED);
    group.case("seawall, not propagating", || {
        does_well(pin!(black_box(&ours).call(|| ready(answer()))));
    });

    let runtime = runtime();
    group.case_each("tokio", || {
        let entered = runtime.enter();
        move || {
            let _ = &entered;
            does_well(pin!(tokio::time::timeout(black_box(TIME), ready(answer()))));
        }
    });
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/timeout, layer", threads);
    calls(&mut group, "floor: bare service", &Ready);
    let ours = TimeoutLayer::new(settings::timeout().build().expect(ALLOWED));
    calls(&mut group, "seawall", &ours.layer(Ready));
    calls(&mut group, "seawall, flattened", &ours.flatten().layer(Ready));
    let ours = TimeoutLayer::new(settings::timeout().propagate(false).build().expect(ALLOWED));
    calls(&mut group, "seawall, not propagating", &ours.layer(Ready));

    let runtime = runtime();
    calls_each(&mut group, "tower", || Entered::new(&runtime, peers::tower_timeout));
}

#[inline]
fn answer() -> Result<(), Failed> {
    black_box(Ok(()))
}

#[inline]
fn does_well<T, E>(call: Pin<&mut impl Future<Output = Result<T, E>>>) {
    assert!(black_box(&poll::ready(call)).is_ok(), "nothing fails");
}
