//! What the Tower layer adds to a service that is always ready and does well at the first try.
//!
//! Each call polls readiness, calls, and polls the response, by hand and without a runtime.

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    service::{Ready, calls},
};
use seawall_retry::RetryLayer;
use tower_layer::Layer;

use crate::{peers, settings};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        layer(criterion, threads);
    }
}

fn layer(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/layer", threads);
    calls(&mut group, "floor: bare service", &Ready);

    let ours = RetryLayer::new(settings::build(settings::budgeted()));
    calls(&mut group, "seawall", &ours.layer(Ready));
    calls(&mut group, "seawall, flattened", &ours.flatten().layer(Ready));
    let ours = RetryLayer::new(settings::build(settings::free()));
    calls(&mut group, "seawall, no budget", &ours.layer(Ready));
    calls(&mut group, "seawall, no budget, flattened", &ours.flatten().layer(Ready));
    let timed = settings::budgeted().attempt_timeout(settings::TIME);
    let ours = RetryLayer::new(settings::build(timed));
    calls(&mut group, "seawall, attempt timeout", &ours.layer(Ready));

    calls(&mut group, "tower", &peers::tower());
    calls(&mut group, "tower, budget and backoff", &peers::tower_budgeted());
    let theirs = peers::tower_resilience(peers::tower_resilience_free());
    calls(&mut group, "tower-resilience", &theirs);
    let theirs = peers::tower_resilience(peers::tower_resilience_budgeted());
    calls(&mut group, "tower-resilience, budget", &theirs);
}
