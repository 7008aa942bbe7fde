//! A call that does well at its first try, without a layer.

use std::{
    future::{Future, ready},
    hint::black_box,
    pin::{Pin, pin},
};

use backon::{BlockingRetryable, ExponentialBuilder, Retryable};
use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
    service::Failed,
};

use crate::settings;

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        calls(criterion, threads);
        blocking(criterion, threads);
    }
}

fn calls(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/call", threads);
    group.case("floor: bare future", || does_well(pin!(ready(attempt()))));

    let ours = settings::build(settings::budgeted());
    group.case("seawall", || does_well(pin!(black_box(&ours).call(|_| ready(attempt())))));
    group.case("seawall, when", || {
        let when = black_box(&ours).when(worth_it);
        does_well(pin!(when.call(|_| ready(attempt()))));
    });
    let ours = settings::build(settings::free());
    group.case("seawall, no budget", || {
        does_well(pin!(black_box(&ours).call(|_| ready(attempt()))));
    });
    let ours = settings::build(settings::budgeted().attempt_timeout(settings::TIME));
    group.case("seawall, attempt timeout", || {
        does_well(pin!(black_box(&ours).call(|_| ready(attempt()))));
    });

    // Its builder is written at the call, as in its own examples.
    let builder = ExponentialBuilder::default;
    group.case("backon", || {
        does_well(pin!(Retryable::retry(|| ready(attempt()), builder())));
    });
    group.case("backon, when", || {
        does_well(pin!(Retryable::retry(|| ready(attempt()), builder()).when(worth_it)));
    });
    group.case("backon, jitter", || {
        does_well(pin!(Retryable::retry(|| ready(attempt()), builder().with_jitter())));
    });
}

fn blocking(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/call_blocking", threads);
    group.case("floor: bare call", || did_well(&attempt()));

    let ours = settings::build(settings::budgeted());
    group.case("seawall", || did_well(&black_box(&ours).call_blocking(|_| attempt())));
    group.case("seawall, when", || {
        did_well(&black_box(&ours).when(worth_it).call_blocking(|_| attempt()));
    });
    let ours = settings::build(settings::free());
    group.case("seawall, no budget", || did_well(&black_box(&ours).call_blocking(|_| attempt())));

    let builder = ExponentialBuilder::default;
    group.case("backon", || did_well(&BlockingRetryable::retry(attempt, builder()).call()));
    group.case("backon, jitter", || {
        did_well(&BlockingRetryable::retry(attempt, builder().with_jitter()).call());
    });
}

/// An attempt of which the optimiser does not know how it ends.
#[inline]
fn attempt() -> Result<(), Failed> {
    black_box(Ok(()))
}

#[inline]
fn worth_it(_: &Failed) -> bool {
    true
}

#[inline]
fn does_well<E>(call: Pin<&mut impl Future<Output = Result<(), E>>>) {
    did_well(&poll::ready(call));
}

/// Looks at the answer where it is: to move it would be timed too.
#[inline]
fn did_well<E>(answer: &Result<(), E>) {
    assert!(black_box(answer).is_ok(), "nothing fails");
}
