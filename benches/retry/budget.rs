//! What a call pays into the budget while all is well, and what it costs to get nothing out of it.

use std::hint::black_box;

use criterion::Criterion;
use seawall_benches::group::{Group, Threads};
use seawall_retry::{Costs, RetryBudget};
use tower::retry::budget::Budget;

use crate::{
    peers,
    settings::{self, ALLOWED},
};

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        deposit(criterion, threads);
        withdraw(criterion, threads);
    }
}

fn deposit(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/budget, deposit", threads);
    let share = settings::full();
    group.case("seawall, share", || black_box(&share).deposit());
    let throttle = RetryBudget::throttle(10, 0.1).expect(ALLOWED);
    group.case("seawall, throttle", || black_box(&throttle).succeeded(None));
    let quota = RetryBudget::quota(Costs::default()).expect(ALLOWED);
    group.case("seawall, quota", || black_box(&quota).succeeded(None));

    let theirs = peers::tower_budget(10);
    group.case("tower, TpsBudget", || black_box(&theirs).deposit());
}

fn withdraw(criterion: &mut Criterion, threads: Threads) {
    let mut group = Group::new(criterion, "retry/budget, withdraw from an empty one", threads);
    let empty = settings::empty(0);
    group.case("seawall, no floor", || {
        assert!(black_box(&empty.try_withdraw()).is_none(), "it is empty");
    });
    let floored = settings::empty(3);
    group.case("seawall, floor", || drop(black_box(floored.try_withdraw().map(sent))));

    let theirs = peers::tower_budget(0);
    group.case("tower, TpsBudget", || {
        assert!(!black_box(black_box(&theirs).withdraw()), "it is empty");
    });
}

/// Three in a second get what the floor gives; what they do not send would fill the bucket.
fn sent(mut retry: seawall_retry::Withdrawal) -> seawall_retry::Withdrawal {
    retry.send();
    retry
}
