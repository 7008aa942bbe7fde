//! Whether a call costs more where the window is larger.
//!
//! Successes, and calls of which two in three fail: never enough for a circuit that opens when all of
//! them do. The failing ones are the dear ones, since each asks for the rate. (In three, and not every
//! second one: then the ring of an even size would find each place as it wants it.)
//!
//! What a time window holds grows while it is measured. So each is filled anew for each burst, and a
//! burst makes a quarter as many calls as it holds: a figure for 10 000 calls is for 10 000 to 12 500.

use std::{hint::black_box, pin::pin, time::Duration};

use criterion::Criterion;
use seawall_benches::{
    bursts::{self, Burst},
    group::{Group, Threads},
    poll,
};
use seawall_circuit_breaker::{CircuitBreaker, Window};
use tower_service::Service;

use crate::{
    peers,
    settings::{self, OPEN, OVER},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for calls in [100, 1_000, 10_000, 100_000] {
        count_window(criterion, calls);
    }
    for calls in [1_000, 10_000, 100_000] {
        time_window(criterion, calls);
    }
}

/// Opens when all calls fail.
const ALL: f64 = 1.0;

fn count_window(criterion: &mut Criterion, calls: u32) {
    let ours = settings::by_count().window(Window::count(calls)).failure_rate(ALL);
    let ours = settings::build(ours);
    let recloser = peers::recloser(calls, ALL, OPEN);

    let name = format!("breaker/size, last {calls} calls, success");
    let mut group = Group::new(criterion, &name, Threads::One);
    group.case("seawall", || success(&ours));
    group.case("recloser", || {
        assert!(black_box(&recloser.call(|| black_box(Ok::<_, ()>(())))).is_ok(), "it is closed");
    });
    drop(group);

    let name = format!("breaker/size, last {calls} calls, two of three fail");
    let mut group = Group::new(criterion, &name, Threads::One);
    group.case_each("seawall", || two_of_three_fail(&ours));
    group.case_each("recloser", || {
        let mut calls = 0_u32;
        let recloser = &recloser;
        move || {
            calls = calls.wrapping_add(1);
            let answer = if calls.is_multiple_of(3) { Ok(()) } else { Err(()) };
            assert!(!matches!(recloser.call(|| black_box(answer)), Err(recloser::Error::Rejected)));
        }
    });
}

fn time_window(criterion: &mut Criterion, calls: u32) {
    let ours = || settings::build(settings::by_time().failure_rate(ALL));

    let name = format!("breaker/size, {calls} calls in 10 s, success");
    let mut group = Group::new(criterion, &name, Threads::One);
    filled(&mut group, "seawall", calls, || {
        let ours = ours();
        move || success(&ours)
    });
    // To fill it with 100 000 calls takes it seconds.
    if calls <= 10_000 {
        filled(&mut group, "tower-resilience, its layer", calls, || {
            let mut service = peers::tower_resilience(peers::tower_resilience_by_time(OVER));
            move || {
                let answer = poll::ready(pin!(service.call(())));
                assert!(black_box(&answer).is_ok(), "it is closed");
            }
        });
    }
    drop(group);

    let name = format!("breaker/size, {calls} calls in 10 s, two of three fail");
    let mut group = Group::new(criterion, &name, Threads::One);
    filled(&mut group, "seawall", calls, || {
        let ours = ours();
        let mut calls = 0_u32;
        move || {
            calls = calls.wrapping_add(1);
            one_in_three_goes_well(&ours, calls);
        }
    });
}

/// Times calls of what `make` makes when it holds `calls` calls.
fn filled<Op: FnMut()>(group: &mut Group<'_>, name: &str, calls: u32, make: impl Fn() -> Op) {
    let each = u64::from(calls / 4);
    group.case_timed(name, |wanted| {
        let bursts = (0..wanted.div_ceil(each)).map(|_| {
            let mut op = make();
            Burst::run(calls.into(), &mut op);
            Burst::run(each, &mut op).length()
        });
        bursts::of_median(bursts.collect::<Vec<Duration>>(), each, wanted)
    });
}

#[inline]
fn success(breaker: &CircuitBreaker) {
    black_box(breaker).try_acquire().expect("it is closed").success();
}

fn two_of_three_fail(breaker: &CircuitBreaker) -> impl FnMut() {
    let mut calls = 0_u32;
    move || {
        calls = calls.wrapping_add(1);
        one_in_three_goes_well(breaker, calls);
    }
}

#[inline]
fn one_in_three_goes_well(breaker: &CircuitBreaker, calls: u32) {
    let permit = black_box(breaker).try_acquire().expect("it is closed");
    if calls.is_multiple_of(3) { permit.success() } else { permit.failure() }
}
