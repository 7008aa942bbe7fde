//! What it costs to pick one of several equals, and to know afterwards how it did.
//!
//! Both draw two of the peers and take the one with the lower peak of an average latency times its calls in
//! flight. Ours is shared by its clones; tower's belongs to one task, and is put behind a buffer to be
//! shared, which is not counted here. The peers answer at once.

use std::{hint::black_box, time::Duration};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    runtime::runtime,
    service::{self, Ready},
};
use seawall_shard::{Balance, balance::BalanceService};
use tower::{
    balance::p2c,
    discover::ServiceList,
    load::{CompleteOnResponse, PeakEwma},
};

use crate::settings::{ALLOWED, names};

/// How long an old latency counts, and what a peer is taken to need at first: as tower's builder has it.
const DECAY: Duration = Duration::from_secs(10);
const RTT: Duration = Duration::from_secs(1);

pub(crate) fn all(criterion: &mut Criterion) {
    for peers in [10, 100] {
        let mut group =
            Group::new(criterion, &format!("shard/balance among {peers}"), Threads::One);
        let ours = balance(peers);
        group.case("seawall, pick and answer", || {
            black_box(&ours).pick().expect("all are in").success();
        });
        service::calls(&mut group, "seawall, a call", &BalanceService::new(ours.clone()));
        let runtime = runtime();
        service::calls_each(&mut group, "tower, a call", || {
            let _guard = runtime.enter();
            tower(peers)
        });
    }
}

/// A balance among so many.
pub(crate) fn balance(peers: usize) -> Balance<Ready> {
    let builder = Balance::builder("bench");
    names(peers).fold(builder, |builder, name| builder.peer(name, Ready)).build().expect(ALLOWED)
}

/// Tower's, among as many.
pub(crate) fn tower(peers: usize) -> p2c::Balance<ServiceList<Vec<PeakEwma<Ready>>>, ()> {
    let peer = |_| {
        let nanos = DECAY.as_nanos() as f64;
        PeakEwma::new(Ready, RTT, nanos, CompleteOnResponse::default())
    };
    p2c::Balance::new(ServiceList::new::<()>((0..peers).map(peer).collect::<Vec<_>>()))
}
