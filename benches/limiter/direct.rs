//! A cell that is there: taken, by one thread and by two.
//!
//! A decision is mostly a reading of the clock. So there is a group for each clock that a peer has too,
//! and one for the clock that stands still: what is left is the decision.

use std::{hint::black_box, pin::pin, sync::atomic::AtomicU64};

use criterion::Criterion;
use governor::clock::{FakeRelativeClock, MonotonicClock, QuantaClock};
use seawall_benches::{
    floor,
    group::{Group, Threads},
    poll,
};
use seawall_rate_limiter::Clock;

use crate::{
    peers,
    settings::{self, WEIGHT},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        system_clock(criterion, threads);
        quick_clock(criterion, threads);
        still_clock(criterion, threads);
        weighted(criterion, threads);
        polled(criterion, threads);
    }
}

fn system_clock(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/try_acquire, system's clock", threads);
    let word = AtomicU64::new(0);
    group.case("floor: clock and fetch_add", || {
        floor::clock_read();
        floor::fetch_add(&word);
    });
    let ours = settings::open(Clock::system());
    group.case("seawall", || let_in(&black_box(&ours).try_acquire()));

    let governor = peers::governor_open(MonotonicClock);
    group.case("governor", || let_in(&black_box(&governor).check()));
    let ratelimit = peers::ratelimit_open();
    group.case("ratelimit", || let_in(&black_box(&ratelimit).try_wait()));
    let leaky = peers::leaky_bucket_open();
    group.case("leaky-bucket", || assert!(black_box(&leaky).try_acquire(1), "there is a cell"));
}

fn quick_clock(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/try_acquire, quick clock", threads);
    for (name, clock) in [("coarse", Clock::coarse()), ("tsc", Clock::tsc())] {
        let word = AtomicU64::new(0);
        let read = clock.clone();
        group.case(&format!("floor: {name} and fetch_add"), || {
            black_box(black_box(&read).now());
            floor::fetch_add(&word);
        });
        let ours = settings::open(clock);
        group.case(&format!("seawall, {name}"), || let_in(&black_box(&ours).try_acquire()));
    }

    let governor = peers::governor_open(QuantaClock::default());
    group.case("governor, tsc", || let_in(&black_box(&governor).check()));
}

fn still_clock(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/try_acquire, clock that stands", threads);
    let word = AtomicU64::new(0);
    group.case("floor: fetch_add", || floor::fetch_add(&word));
    let ours = settings::open(settings::still());
    group.case("seawall", || let_in(&black_box(&ours).try_acquire()));

    let governor = peers::governor_open(FakeRelativeClock::default());
    group.case("governor", || let_in(&black_box(&governor).check()));
}

fn weighted(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/try_acquire_n, clock that stands", threads);
    let ours = settings::open(settings::still());
    group.case("seawall", || let_in(&black_box(&ours).try_acquire_n(black_box(WEIGHT))));

    let governor = peers::governor_open(FakeRelativeClock::default());
    let weight = peers::non_zero(WEIGHT);
    group.case("governor", || {
        let_in(&black_box(&governor).check_n(black_box(weight)).expect("a burst has as many"));
    });
}

fn polled(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/acquire, polled once", threads);
    let ours = settings::open(Clock::system());
    group.case("seawall", || let_in(&poll::ready(pin!(black_box(&ours).acquire()))));

    let governor = peers::governor_open(MonotonicClock);
    group.case("governor", || poll::ready(pin!(black_box(&governor).until_ready())));
    let leaky = peers::leaky_bucket_open();
    group.case("leaky-bucket", || poll::ready(pin!(black_box(&leaky).acquire_one())));
}

/// Looks at the answer where it is: to move it would be timed too.
#[inline]
pub(crate) fn let_in<T, E>(answer: &Result<T, E>) {
    assert!(black_box(answer).is_ok(), "there is a cell");
}
