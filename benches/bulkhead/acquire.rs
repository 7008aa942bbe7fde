//! A place that is free: taken and given back, by one thread and by two.

use std::{
    hint::black_box,
    pin::pin,
    sync::{Arc, atomic::AtomicU64},
};

use criterion::Criterion;
use seawall_benches::{
    floor,
    group::{Group, Threads},
    poll,
};
use tokio::sync::Semaphore;

use crate::{
    peers,
    settings::{self, LIMIT, WEIGHT},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        at_once(criterion, threads);
        polled(criterion, threads);
        calls(criterion, threads);
        weighted(criterion, threads);
        partitions(criterion, threads);
    }
}

fn at_once(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/try_acquire", threads);
    floors(&mut group);

    let ours = settings::build(settings::fixed());
    group.case("seawall", || taken(&black_box(&ours).try_acquire()));
    group.case("seawall, owned", || taken(&black_box(&ours).try_acquire_owned()));

    let semaphore = Arc::new(semaphore());
    group.case("tokio", || taken(&black_box(&*semaphore).try_acquire()));
    group.case("tokio, owned", || {
        taken(&Arc::clone(black_box(&semaphore)).try_acquire_owned());
    });
    let congestion = peers::congestion_fixed(LIMIT);
    group.case("congestion-limiter", || peers::token_and_back(black_box(&congestion)));
}

fn polled(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/acquire, polled once", threads);
    floors(&mut group);

    let ours = settings::build(settings::queued());
    group.case("seawall", || taken(&poll::ready(pin!(black_box(&ours).acquire()))));
    group.case("seawall, owned", || taken(&poll::ready(pin!(black_box(&ours).acquire_owned()))));

    let semaphore = Arc::new(semaphore());
    group.case("tokio", || taken(&poll::ready(pin!(black_box(&*semaphore).acquire()))));
    group.case("tokio, owned", || {
        taken(&poll::ready(pin!(Arc::clone(black_box(&semaphore)).acquire_owned())));
    });
}

fn calls(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/call", threads);
    floors(&mut group);

    let ours = settings::build(settings::queued());
    group.case("seawall, call", || {
        let call = pin!(ours.call(|| std::future::ready(black_box(Ok::<_, ()>(())))));
        assert!(black_box(&poll::ready(call)).is_ok(), "there is room");
    });
    group.case("seawall, call_blocking", || {
        let answer = ours.call_blocking(|| black_box(Ok::<_, ()>(())));
        assert!(black_box(&answer).is_ok(), "there is room");
    });

    let semaphore = semaphore();
    group.case("tokio, by hand", || {
        let call = pin!(async {
            let _permit = semaphore.acquire().await.expect("nobody closes it");
            std::future::ready(black_box(Ok::<_, ()>(()))).await
        });
        assert!(black_box(&poll::ready(call)).is_ok(), "there is room");
    });
}

fn weighted(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/try_acquire, weighted", threads);
    floors(&mut group);

    let ours = settings::build(settings::fixed());
    group.case("seawall", || taken(&black_box(&ours).try_acquire_weighted(black_box(WEIGHT))));
    let semaphore = semaphore();
    group.case("tokio", || taken(&black_box(&semaphore).try_acquire_many(black_box(WEIGHT))));
}

/// A share of its own and one of all is two words: no peer has it, but two semaphores have as many.
fn partitions(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "bulkhead/try_acquire, partitions", threads);
    floors(&mut group);

    let ours = settings::build(settings::fixed().partition("web", 0.5).partition("batch", 0.5));
    let web = ours.partition("web").expect("it was built with it");
    group.case("seawall, own", || taken(&black_box(&web).try_acquire()));
    group.case("seawall, borrowed", || taken(&black_box(&ours).try_acquire()));

    let (share, all) = (semaphore(), semaphore());
    group.case("tokio, two semaphores", || {
        let of_share = black_box(&share).try_acquire();
        taken(&black_box(&all).try_acquire());
        taken(&of_share);
    });
}

fn floors(group: &mut Group<'_>) {
    let word = AtomicU64::new(0);
    group.case("floor: fetch_add", || floor::fetch_add(&word));
    let word = AtomicU64::new(0);
    group.case("floor: in and out", || floor::in_and_out(&word, LIMIT.into()));
}

fn semaphore() -> Semaphore {
    Semaphore::new(LIMIT as usize)
}

/// Looks at the permit where it is: to move it would be timed too.
#[inline]
fn taken<P, E>(permit: &Result<P, E>) {
    assert!(black_box(permit).is_ok(), "there is room");
}
