//! What the Tower layer adds to a service that is always ready, and what a refusal by it costs.
//!
//! Each call polls readiness, calls, and polls the response, by hand and without a runtime.

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    runtime::{Entered, runtime},
    service::{Ready, calls, calls_each, refusals, refusals_each},
};
use seawall_rate_limiter::{Clock, RateLimiterLayer};
use tower_layer::Layer;

use crate::{
    peers,
    settings::{self, WAIT},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        let_in(criterion, threads);
        denied(criterion, threads);
    }
}

fn let_in(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/layer", threads);
    calls(&mut group, "floor: bare service", &Ready);

    let ours = RateLimiterLayer::new(settings::open(Clock::system()));
    calls(&mut group, "seawall, refusing", &ours.layer(Ready));
    calls(&mut group, "seawall, refusing, flattened", &ours.clone().flatten().layer(Ready));
    calls(&mut group, "seawall, waiting", &ours.max_wait(WAIT).layer(Ready));
    let keyed = settings::keyed::<u64>(1, Clock::system());
    let keyed = RateLimiterLayer::keyed(keyed, |(): &()| 1_u64);
    calls(&mut group, "seawall, keyed", &keyed.layer(Ready));
    let quick = RateLimiterLayer::new(settings::open(Clock::coarse()));
    calls(&mut group, "seawall, refusing, coarse clock", &quick.layer(Ready));

    let runtime = runtime();
    calls_each(&mut group, "tower", || Entered::new(&runtime, peers::tower));
    let theirs = peers::tower_resilience(peers::tower_resilience_open());
    calls(&mut group, "tower-resilience, refusing", &theirs);
    let theirs = peers::tower_resilience(peers::tower_resilience_open().backpressure());
    calls(&mut group, "tower-resilience, backpressure", &theirs);
}

fn denied(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/denied, layer", threads);
    let ours = RateLimiterLayer::new(settings::spent(Clock::system()));
    refusals(&mut group, "seawall, refusing", &ours.layer(Ready));
    refusals(&mut group, "seawall, refusing, flattened", &ours.clone().flatten().layer(Ready));
    refusals(&mut group, "seawall, waiting", &ours.max_wait(WAIT).layer(Ready));

    let runtime = runtime();
    refusals_each(&mut group, "tower, LoadShed over RateLimit", || {
        Entered::new(&runtime, peers::tower_spent)
    });
    refusals(&mut group, "tower-resilience, refusing", &peers::tower_resilience_spent());
}
