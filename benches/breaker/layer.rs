//! What the Tower layer adds to a service that is always ready.
//!
//! Each call polls readiness, calls, and polls the response, by hand and without a runtime. tower's own
//! `ConcurrencyLimit` is there for the scale: it is what a service has in its stack anyway.

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    service::{Ready, calls},
};
use seawall_circuit_breaker::CircuitBreakerLayer;
use tower::limit::ConcurrencyLimitLayer;
use tower_layer::Layer;

use crate::{peers, settings};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        layer(criterion, threads);
    }
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/layer", threads);
    calls(&mut group, "floor: bare service", &Ready);

    let ours = CircuitBreakerLayer::new(settings::build(settings::by_count()));
    calls(&mut group, "seawall", &ours.layer(Ready));
    calls(&mut group, "seawall, flattened", &ours.flatten().layer(Ready));
    let by_time = CircuitBreakerLayer::new(settings::build(settings::by_time()));
    calls(&mut group, "seawall, time window", &by_time.layer(Ready));

    let theirs = peers::tower_resilience(peers::tower_resilience_by_count());
    calls(&mut group, "tower-resilience", &theirs);
    let limit = ConcurrencyLimitLayer::new(1_000).layer(Ready);
    calls(&mut group, "tower, ConcurrencyLimit", &limit);
}
