//! A call that is let in and goes well, by one thread and by two.

use std::{hint::black_box, pin::pin, sync::atomic::AtomicU64};

use criterion::Criterion;
use failsafe::CircuitBreaker as _;
use seawall_benches::{
    floor,
    group::{Group, Threads},
    poll,
};
use seawall_circuit_breaker::{CircuitBreaker, Clock};
use tower_service::Service;

use crate::{
    peers,
    settings::{self, CALLS, IN_A_ROW, OPEN, SHARE, SLOW, SLOW_SHARE},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        count_window(criterion, threads);
        time_window(criterion, threads);
        slow_calls(criterion, threads);
        in_a_row(criterion, threads);
    }
}

fn count_window(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/closed, count window", threads);
    let word = AtomicU64::new(0);
    group.case("floor: fetch_add", || floor::fetch_add(&word));

    let ours = settings::build(settings::by_count());
    group.case("seawall, permit", || permit(&ours));
    group.case("seawall, call_blocking", || call_blocking(&ours));
    group.case("seawall, call", || {
        let call = pin!(ours.call(|| std::future::ready(black_box(Ok::<_, ()>(())))));
        went_well(&poll::ready(call));
    });

    let recloser = peers::recloser(CALLS, SHARE, OPEN);
    group.case("recloser", || {
        went_well(&recloser.call(|| black_box(Ok::<_, ()>(()))));
    });
    let failsafe = peers::failsafe_by_time();
    group.case("failsafe, over time", || {
        went_well(&failsafe.call(|| black_box(Ok::<_, ()>(()))));
    });
    tower_resilience(&mut group, peers::tower_resilience_by_count());
}

fn time_window(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/closed, time window", threads);
    let coarse = Clock::coarse();
    group.case_each("floor: coarse clock read", || {
        || {
            black_box(coarse.now());
        }
    });
    // A word of each thread's own, since a window that is spread over cores has one too.
    group.case_each("floor: coarse clock read, fetch_add", || {
        let word = AtomicU64::new(0);
        let coarse = &coarse;
        move || {
            black_box(coarse.now());
            floor::fetch_add(&word);
        }
    });

    let ours = settings::build(settings::by_time());
    group.case("seawall, permit", || permit(&ours));
    group.case("seawall, call_blocking", || call_blocking(&ours));

    let failsafe = peers::failsafe_by_time();
    group.case("failsafe", || {
        went_well(&failsafe.call(|| black_box(Ok::<_, ()>(()))));
    });
    // tower-resilience's costs what it holds, so that a figure without that number means nothing:
    // see `size`.
}

fn slow_calls(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/closed, slow-call rule", threads);
    let word = AtomicU64::new(0);
    group.case("floor: two clock reads, fetch_add", || {
        floor::clock_read();
        floor::clock_read();
        floor::fetch_add(&word);
    });

    let rule = || settings::by_count().slow_call(SLOW, SLOW_SHARE);
    let ours = settings::build(rule());
    group.case("seawall, call_blocking", || call_blocking(&ours));
    let coarse = settings::build(rule().clock(Clock::coarse()));
    group.case("seawall, call_blocking, coarse clock", || call_blocking(&coarse));

    let theirs = peers::tower_resilience_by_count()
        .slow_call_duration_threshold(SLOW)
        .slow_call_rate_threshold(SLOW_SHARE);
    tower_resilience(&mut group, theirs);
}

fn in_a_row(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/closed, failures in a row", threads);
    let ours = settings::build(settings::in_a_row());
    group.case("seawall, permit", || permit(&ours));
    group.case("seawall, call_blocking", || call_blocking(&ours));

    let failsafe = peers::failsafe_in_a_row(IN_A_ROW, OPEN);
    group.case("failsafe", || {
        went_well(&failsafe.call(|| black_box(Ok::<_, ()>(()))));
    });
    tower_resilience(&mut group, peers::tower_resilience_in_a_row());
}

#[inline]
fn permit(breaker: &CircuitBreaker) {
    black_box(breaker).try_acquire().expect("it is closed").success();
}

#[inline]
fn call_blocking(breaker: &CircuitBreaker) {
    went_well(&breaker.call_blocking(|| black_box(Ok::<_, ()>(()))));
}

/// Looks at the answer where it is: to move it would be timed too.
#[inline]
fn went_well<T, E>(answer: &Result<T, E>) {
    assert!(black_box(answer).is_ok(), "it is closed");
}

fn tower_resilience(group: &mut Group<'_>, settings: peers::Builder) {
    let shared = peers::tower_resilience(settings);
    group.case_each("tower-resilience, its layer", || {
        let mut service = shared.clone();
        move || {
            went_well(&poll::ready(pin!(service.call(()))));
        }
    });
}
