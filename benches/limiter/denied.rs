//! A call for which there is no cell: it is refused, and told when to come back.
//!
//! A flood of calls meets a spent quota just when everything else is short, so a refusal must be cheap.
//! Ours always says the wait. Governor's says the moment at which there is a cell by its own clock, from
//! which a caller reckons the wait: that is one case, and not to ask for it another group.

use std::{hint::black_box, time::Duration};

use criterion::Criterion;
use governor::clock::{FakeRelativeClock, MonotonicClock, QuantaClock};
use seawall_benches::{
    floor,
    group::{Group, Threads},
};
use seawall_rate_limiter::Clock;

use crate::{
    peers::{self, Governor},
    settings,
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        with_its_wait(criterion, threads);
        still_clock(criterion, threads);
        wait_not_asked(criterion, threads);
    }
}

fn with_its_wait(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/denied with its wait", threads);
    group.case("floor: clock", floor::clock_read);
    let ours = settings::spent(Clock::system());
    group.case("seawall", || refused(&black_box(&ours).try_acquire()));

    let governor = peers::governor_spent(MonotonicClock);
    group.case("governor", || {
        black_box(wait(black_box(&governor)));
    });
    let ratelimit = peers::ratelimit_spent();
    group.case("ratelimit", || refused(&black_box(&ratelimit).try_wait()));
    drop(group);

    let mut group = Group::new(criterion, "limiter/denied with its wait, quick clock", threads);
    for (name, clock) in [("coarse", Clock::coarse()), ("tsc", Clock::tsc())] {
        let ours = settings::spent(clock);
        group.case(&format!("seawall, {name}"), || refused(&black_box(&ours).try_acquire()));
    }
    let governor = peers::governor_spent(QuantaClock::default());
    group.case("governor, tsc", || {
        black_box(wait(black_box(&governor)));
    });
}

fn still_clock(criterion: &mut Criterion, threads: Threads) {
    let name = "limiter/denied with its wait, clock that stands";
    let mut group = Group::new(criterion, name, threads);
    let ours = settings::spent(settings::still());
    group.case("seawall", || refused(&black_box(&ours).try_acquire()));

    let governor = peers::governor_spent(FakeRelativeClock::default());
    group.case("governor", || {
        black_box(wait(black_box(&governor)));
    });
}

/// What a refusal costs whose wait nobody asks for: ours is the same as before.
fn wait_not_asked(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "limiter/denied, wait not asked for", threads);
    group.case("floor: clock", floor::clock_read);
    let ours = settings::spent(Clock::system());
    group.case("seawall", || refused(&black_box(&ours).try_acquire()));

    let governor = peers::governor_spent(MonotonicClock);
    group.case("governor", || refused(&black_box(&governor).check()));
    let leaky = peers::leaky_bucket_spent();
    group.case("leaky-bucket", || assert!(!black_box(&leaky).try_acquire(1), "there is no cell"));
}

/// How long governor's caller has to wait, as its documents say to ask.
#[inline]
pub(crate) fn wait<C: governor::clock::Clock>(governor: &Governor<C>) -> Duration {
    let refused = governor.check().expect_err("there is no cell");
    refused.wait_time_from(governor.clock().now())
}

/// Looks at the answer where it is: to move it would be timed too.
#[inline]
pub(crate) fn refused<T, E>(answer: &Result<T, E>) {
    assert!(black_box(answer).is_err(), "there is no cell");
}
