//! A call that does well, where it could fall back to something else.

use std::{future::ready, hint::black_box, pin::pin};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
    service::{Failed, Ready, calls},
};
use seawall_retry::{Fallback, FallbackLayer, fallback::AnyError};
use tower_layer::Layer;

use crate::settings::ALLOWED;

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        let fallback = Fallback::builder("bench").build().expect(ALLOWED);
        layer(criterion, threads, &fallback);
    }
}

fn layer(criterion: &mut Criterion, threads: Threads, fallback: &Fallback) {
    let mut group = Group::new(criterion, "retry/fallback", threads);
    calls(&mut group, "floor: bare service", &Ready);
    let ours = FallbackLayer::new(fallback.clone()).on_any_error();
    calls(&mut group, "seawall, a value", &ours.clone().value(()).layer(Ready));
    calls(&mut group, "seawall, a closure", &ours.clone().with(Err::<(), Failed>).layer(Ready));
    calls(&mut group, "seawall, a service", &ours.service(Ready).layer(Ready));

    group.case("seawall, call", || {
        let fallback = black_box(fallback).when(AnyError);
        let call = fallback.call(|| ready(black_box(Ok::<_, Failed>(()))), |_| ready(Ok(())));
        assert!(black_box(&poll::ready(pin!(call))).is_ok(), "nothing fails");
    });
}
