//! What the Tower layer adds to a service that is always ready.
//!
//! Each call polls readiness, calls, and polls the response, by hand and without a runtime. tower's own
//! `ConcurrencyLimit` is there for the scale: it is what a service has in its stack anyway.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
};
use seawall_circuit_breaker::CircuitBreakerLayer;
use tower::limit::ConcurrencyLimitLayer;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    peers::{self, Ready},
    settings,
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        layer(criterion, threads);
    }
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/layer", threads);
    each(&mut group, "floor: bare service", &Ready);

    let ours = CircuitBreakerLayer::new(settings::build(settings::by_count()));
    each(&mut group, "seawall", &ours.layer(Ready));
    each(&mut group, "seawall, flattened", &ours.flatten().layer(Ready));
    let by_time = CircuitBreakerLayer::new(settings::build(settings::by_time()));
    each(&mut group, "seawall, time window", &by_time.layer(Ready));

    let theirs = peers::tower_resilience(peers::tower_resilience_by_count());
    each(&mut group, "tower-resilience", &theirs);
    let limit = ConcurrencyLimitLayer::new(1_000).layer(Ready);
    each(&mut group, "tower, ConcurrencyLimit", &limit);
}

fn each<S: Service<()> + Clone + Sync>(group: &mut Group<'_>, name: &str, service: &S) {
    group.case_each(name, || {
        let mut service = service.clone();
        move || {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))), "nothing fails");
            let response = poll::ready(pin!(service.call(())));
            assert!(black_box(&response).is_ok(), "nothing fails");
        }
    });
}
