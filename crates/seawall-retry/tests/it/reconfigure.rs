//! Settings that change while calls run: who sees which, and what is refused.

#![cfg(feature = "tokio")]

use std::{
    cell::{Cell, RefCell},
    future::pending,
    pin::pin,
    time::Duration,
};

use seawall_retry::{Backoff, Clock, Config, Costs, Decision, GaveUp, Jitter, Retry, RetryBudget};
use seawall_test::Task;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

fn steady(wait: Duration) -> Backoff {
    Backoff::constant(wait).jitter(Jitter::None)
}

/// Three attempts, 100 ms apart.
fn retry() -> Retry {
    let builder = Retry::builder("changing").backoff(steady(MS * 100)).clock(Clock::tokio());
    builder.build().expect("sound settings")
}

/// The same settings but for what `change` does.
fn change(retry: &Retry, change: impl FnOnce(&mut Config)) {
    let mut config = retry.config();
    change(&mut config);
    retry.reconfigure(config).expect("it can change");
}

#[tokio::test(start_paused = true)]
async fn all_clones_take_over_all_of_it() {
    let (retry, began) = (retry(), Instant::now());
    let clone = retry.clone();
    change(&retry, |config| {
        config.max_attempts = 2;
        config.backoff = steady(MS * 7);
        config.attempt_timeout = Some(MS * 30);
    });

    let failed = clone.call(|_| pending::<Result<(), ()>>()).await.expect_err("it hangs");

    assert_eq!((failed.attempts(), failed.why()), (2, GaveUp::Attempts));
    assert!((MS * 67..MS * 70).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(clone.config(), retry.config());
    let limits = clone.snapshot().limits;
    assert_eq!(limits["max_attempts"] as u32, 2);
    assert_eq!((limits["attempt_timeout_seconds"] * 1e3) as u32, 30);
}

#[tokio::test(start_paused = true)]
async fn a_longest_wait_and_a_deadline_hold_once_they_are_set() {
    let retry = retry();
    let asked = |_: Result<&(), &()>| Decision::RetryAfter(MS * 50);
    let fail = || retry.decide(asked).call(|_| async { Err::<(), _>(()) });

    change(&retry, |config| config.max_retry_after = MS * 49);
    assert_eq!(fail().await.expect_err("it always fails").why(), GaveUp::RetryAfter);
    change(&retry, |config| {
        config.max_retry_after = MS * 50;
        config.deadline = Some(MS * 100);
    });
    assert_eq!(fail().await.expect_err("it always fails").why(), GaveUp::Deadline);
    change(&retry, |config| config.deadline = None);
    assert_eq!(fail().await.expect_err("it always fails").why(), GaveUp::Attempts);
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_waits_as_is_set_when_it_begins_to() {
    let retry = retry();
    let begun = RefCell::new(Vec::new());
    let began = Instant::now();

    let call = retry.call(|attempt| {
        begun.borrow_mut().push(began.elapsed());
        if attempt.number() == 2 {
            change(&retry, |config| config.backoff = steady(MS * 7));
        }
        async { Err::<(), _>(()) }
    });
    call.await.expect_err("it always fails");

    assert_eq!(begun.into_inner(), [0, 100, 107].map(|at| MS * at));
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_keeps_its_number_of_attempts() {
    for (most, expected) in [(1, 3), (9, 3)] {
        let retry = retry();
        let last = Cell::new(0);

        let call = retry.call(|attempt| {
            change(&retry, |config| config.max_attempts = most);
            if attempt.is_last() {
                assert_eq!(last.replace(attempt.number()), 0, "the last one is the last one");
            }
            async { Err::<(), _>(()) }
        });

        let failed = call.await.expect_err("it always fails");
        assert_eq!((failed.attempts(), last.get()), (expected, expected), "{most} are set");
        let next = retry.call(|_| async { Err::<(), _>(()) }).await.expect_err("it always fails");
        assert_eq!(next.attempts(), most);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_keeps_the_time_that_it_was_given() {
    let (retry, task) = (retry(), Task::new());
    change(&retry, |config| config.attempt_timeout = Some(MS * 30));
    let mut call = pin!(retry.call(|_| pending::<Result<(), ()>>()));
    assert!(task.poll(call.as_mut()).is_pending());
    let began = Instant::now();

    change(&retry, |config| {
        config.attempt_timeout = Some(MS * 500);
        config.max_attempts = 1;
    });
    tokio::time::timeout(MS * 100, call.as_mut()).await.expect_err("it waits for its second");
    assert_eq!(retry.snapshot().counters["attempt_timeouts"], 1);

    call.await.expect_err("it hangs");
    let all = MS * (30 + 100 + 500 + 100 + 500);
    assert!((all..all + MS * 10).contains(&began.elapsed()), "{:?}", began.elapsed());
}

/// A backoff of the user's that changes its own retry: it is not called under a lock.
#[tokio::test(start_paused = true)]
async fn a_backoff_may_look_at_and_change_its_own_retry() {
    let retry = retry();
    let itself = retry.clone();
    let backoff = Backoff::custom(move |_| {
        let mut config = itself.config();
        config.backoff = steady(MS * 7);
        itself.reconfigure(config).expect("it can change");
        MS * 30
    });
    change(&retry, |config| config.backoff = backoff.jitter(Jitter::None));
    let began = Instant::now();

    retry.call(|_| async { Err::<(), _>(()) }).await.expect_err("it always fails");

    assert_eq!(began.elapsed(), MS * 37);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let retry = retry();
    let before = retry.config();
    type Change = fn(&mut Config);
    let cases: [(Change, &str); 6] = [
        (|config| config.max_attempts = 0, "max_attempts"),
        (|config| config.deadline = Some(Duration::ZERO), "deadline"),
        (|config| config.attempt_timeout = Some(Duration::ZERO), "attempt_timeout"),
        (|config| config.backoff = Backoff::exponential(MS).factor(0.5), "backoff.factor"),
        (|config| config.seed = Some(7), "seed"),
        (|config| config.backoff = steady(MS).seed(7), "seed"),
    ];

    for (change, field) in cases {
        let mut config = before.clone();
        config.max_retry_after = MS;
        change(&mut config);
        let error = retry.reconfigure(config).expect_err(field);
        assert_eq!(error.field(), field);
        assert_eq!(retry.config(), before, "{error}");
    }
    let failed = retry.call_blocking(|_| Err::<(), _>(())).expect_err("it always fails");
    assert_eq!(failed.attempts(), 3);
}

#[test]
fn the_seed_that_it_was_built_with_is_no_change() {
    let seeded = Retry::builder("seeded").seed(7).build().expect("sound settings");
    let mut config = Config::default();
    config.max_attempts = 5;
    config.backoff = config.backoff.seed(7);

    seeded.reconfigure(config).expect("it draws by the same seed");

    assert_eq!(seeded.config().max_attempts, 5);
}

#[test]
fn what_pays_for_retries_changes_for_all_who_share_it() {
    let share = RetryBudget::builder().ratio(0.5).burst(2).floor_per_second(0).build();
    let share = share.expect("sound settings");
    let throttle = RetryBudget::throttle(4, 0.5).expect("sound settings");
    let drain = || while share.try_withdraw().map(|mut retry| retry.send()).is_some() {};
    drain();

    share.clone().set_ratio(0.001).expect("it can be");
    share.deposit();
    assert!((share.available() - 0.001).abs() < 1e-9, "{share:?}");
    share.clone().set_ratio(1.0).expect("it can be");
    share.deposit();
    assert!((share.available() - 1.001).abs() < 1e-9, "what was saved up stays: {share:?}");
    throttle.set_ratio(1.0).expect("it can be");
    (0..4).for_each(|_| throttle.failed());
    (0..3).for_each(|_| throttle.succeeded(None));
    assert!((throttle.available() - 1.0).abs() < 1e-9, "{throttle:?}");
    assert_eq!(share.snapshot().limits["ratio"] as u32, 1);
}

#[test]
fn a_floor_changes_what_is_free_from_then_on() {
    let (clock, hand) = Clock::manual();
    let budget = RetryBudget::builder().burst(1).floor_per_second(2).clock(clock).build();
    let budget = budget.expect("sound settings");
    let drain =
        || std::iter::from_fn(|| budget.try_withdraw().map(|mut retry| retry.send())).count();
    assert_eq!(drain(), 1 + 2);

    budget.set_floor_per_second(10).expect("it can be");
    hand.advance(MS * 500);
    assert_eq!(drain(), 5, "half of the second is free again, at the new rate");
    budget.set_floor_per_second(0).expect("it can be");
    hand.advance(MS * 60_000);
    assert_eq!(drain(), 0);
    assert_eq!(budget.snapshot().limits["floor_per_second"] as u32, 0);
}

#[test]
fn a_budget_refuses_what_it_has_not_and_changes_nothing() {
    let share = RetryBudget::builder().build().expect("sound settings");
    let quota = RetryBudget::quota(Costs::default()).expect("sound settings");
    let throttle = RetryBudget::throttle(10, 0.1).expect("sound settings");
    let before = [&share, &quota, &throttle].map(RetryBudget::snapshot);

    for (refused, field) in [
        (share.set_ratio(0.0), "ratio"),
        (throttle.set_ratio(1.5), "ratio"),
        (quota.set_ratio(0.5), "ratio"),
        (share.set_floor_per_second(1_001), "floor_per_second"),
        (throttle.set_floor_per_second(1), "floor_per_second"),
        (quota.set_floor_per_second(1), "floor_per_second"),
    ] {
        assert_eq!(refused.expect_err("it cannot be").field(), field);
    }

    let after = [&share, &quota, &throttle].map(RetryBudget::snapshot);
    assert_eq!(before.map(|it| it.limits), after.map(|it| it.limits));
}
