//! A call that is not let in, beside one that is.
//!
//! A flood of calls meets an open circuit just when everything else is short, so a rejection must
//! cost no more than an admission. The circuits are open by their own rules or for a set time, and
//! not by force: whether the open time is over is part of the price.

use std::{hint::black_box, pin::pin, time::Duration};

use criterion::Criterion;
use failsafe::CircuitBreaker as _;
use seawall_benches::{
    group::{Group, Threads},
    poll,
};
use seawall_circuit_breaker::{CircuitBreaker, Clock};
use tower_service::Service;

use crate::{
    peers,
    settings::{self, CALLS, FOR_THE_WHOLE_BENCH, SHARE},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        rejected(criterion, threads);
    }
}

fn rejected(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "breaker/rejected", threads);
    let coarse = Clock::coarse();
    group.case("floor: coarse clock read", || {
        black_box(coarse.now());
    });

    let windows = [("count window", settings::by_count()), ("time window", settings::by_time())];
    for (window, builder) in windows {
        let ours = settings::build(builder);
        group.case(&format!("seawall, {window}, admitted"), || {
            black_box(&ours).try_acquire().expect("it is closed").success();
        });
        ours.open_for(FOR_THE_WHOLE_BENCH);
        group.case(&format!("seawall, {window}"), || reject(&ours));
    }
    let forced = settings::build(settings::by_count());
    forced.force_open();
    group.case("seawall, by force", || reject(&forced));

    let recloser = peers::recloser(CALLS, SHARE, FOR_THE_WHOLE_BENCH);
    while !matches!(recloser.call(|| Err::<(), _>(())), Err(recloser::Error::Rejected)) {}
    group.case("recloser", || {
        was_rejected(&recloser.call(|| black_box(Ok::<_, ()>(()))));
    });

    let failsafe = peers::failsafe_in_a_row(1, FOR_THE_WHOLE_BENCH);
    failsafe.call(|| Err::<(), _>(())).expect_err("it fails");
    group.case("failsafe", || {
        was_rejected(&failsafe.call(|| black_box(Ok::<_, ()>(()))));
    });

    tower_resilience(&mut group, FOR_THE_WHOLE_BENCH);
}

#[inline]
fn reject(breaker: &CircuitBreaker) {
    was_rejected(&black_box(breaker).try_acquire());
}

/// Looks at the answer where it is: to move it would be timed too.
#[inline]
fn was_rejected<T, E>(answer: &Result<T, E>) {
    assert!(black_box(answer).is_err(), "it is open");
}

fn tower_resilience(group: &mut Group<'_>, open: Duration) {
    let settings = peers::tower_resilience_by_count().wait_duration_in_open(open);
    let shared = peers::tower_resilience(settings);
    let () = poll::ready(pin!(shared.force_open()));
    group.case_each("tower-resilience, its layer", || {
        let mut service = shared.clone();
        move || {
            was_rejected(&poll::ready(pin!(service.call(()))));
        }
    });
}
