//! What the Tower layer adds to a service that is always ready.
//!
//! Each call polls readiness, calls, and polls the response, by hand and without a runtime.

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    service::{Ready, calls},
};
use seawall_bulkhead::BulkheadLayer;
use tower_layer::Layer;

use crate::{
    peers,
    settings::{self, LIMIT},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        layer(criterion, threads);
    }
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/layer", threads);
    calls(&mut group, "floor: bare service", &Ready);

    let ours = BulkheadLayer::new(settings::build(settings::queued()));
    calls(&mut group, "seawall, waiting", &ours.layer(Ready));
    calls(&mut group, "seawall, waiting, flattened", &ours.flatten().layer(Ready));
    let ours = BulkheadLayer::new(settings::build(settings::fixed()));
    calls(&mut group, "seawall, rejecting", &ours.clone().rejecting().layer(Ready));
    let flat = ours.clone().rejecting().flatten();
    calls(&mut group, "seawall, rejecting, flattened", &flat.layer(Ready));
    calls(&mut group, "seawall, pending while full", &ours.pending_while_full().layer(Ready));

    calls(&mut group, "tower, ConcurrencyLimit", &peers::concurrency_limit(LIMIT));
    let theirs = peers::tower_resilience(peers::tower_resilience_bulkhead());
    calls(&mut group, "tower-resilience, waiting", &theirs);
    let theirs = peers::tower_resilience(peers::tower_resilience_bulkhead().backpressure());
    calls(&mut group, "tower-resilience, backpressure", &theirs);
}
