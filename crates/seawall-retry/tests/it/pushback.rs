//! A wait that the other side has chosen: exactly that long, and within the bounds of every retry.

#![cfg(feature = "tokio")]

use std::{cell::RefCell, time::Duration};

use seawall_core::{Context, Deadline};
use seawall_retry::{
    Attempt, Backoff, Clock, Decision, GaveUp, Jitter, Retry, RetryBudget, RetryBuilder, RetryError,
};
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

/// Waits of 100 ms, 200, 400 …; time as tokio tells it.
fn builder() -> RetryBuilder {
    let doubling = Backoff::exponential(MS * 100).jitter(Jitter::None);
    Retry::builder("pushback").backoff(doubling).clock(Clock::tokio()).max_attempts(6)
}

fn build(builder: RetryBuilder) -> Retry {
    builder.build().expect("sound settings")
}

/// Fails each time; the n-th time with the n-th decision, from which it is tried again.
async fn fail(retry: &Retry, decisions: &[Decision]) -> (RetryError<usize>, Vec<Duration>) {
    let waits = RefCell::new(Vec::new());
    let began = Instant::now();
    let decide = |result: Result<&(), &usize>| {
        decisions[result.expect_err("it always fails") % decisions.len()].clone()
    };
    let attempt = |attempt: Attempt| {
        waits.borrow_mut().push(began.elapsed());
        async move { Err::<(), _>(attempt.number() as usize - 1) }
    };
    let failed = retry.decide(decide).call(attempt).await.expect_err("it always fails");
    let begun = waits.into_inner();
    (failed, begun.windows(2).map(|pair| pair[1] - pair[0]).collect())
}

#[tokio::test(start_paused = true)]
async fn it_is_waited_for_exactly_whatever_chance_says() {
    let jittered = Backoff::exponential(MS * 100).jitter(Jitter::Full);
    let retry = build(builder().backoff(jittered).max_attempts(1_000).without_budget());

    let (failed, waits) = fail(&retry, &[Decision::Pushback(MS * 250)]).await;

    assert_eq!((failed.attempts(), failed.why()), (1_000, GaveUp::Attempts));
    assert!(waits.iter().all(|&wait| wait == MS * 250), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn none_is_no_wait_at_all() {
    let retry = build(builder());

    let (failed, waits) = fail(&retry, &[Decision::Pushback(Duration::ZERO)]).await;

    assert_eq!((failed.attempts(), waits), (6, vec![Duration::ZERO; 5]));
}

#[tokio::test(start_paused = true)]
async fn the_backoff_begins_anew_after_it() {
    let retry = build(builder());
    let decisions = [
        Decision::Retry,
        Decision::Retry,
        Decision::Pushback(MS * 7),
        Decision::Retry,
        Decision::RetryAfter(Duration::ZERO),
        Decision::Stop,
    ];

    let (_, waits) = fail(&retry, &decisions).await;

    assert_eq!(waits, [100, 200, 7, 100, 200].map(|wait| MS * wait));
}

#[tokio::test(start_paused = true)]
async fn a_backoff_that_goes_by_its_last_wait_begins_anew_too() {
    let wandering = Backoff::exponential(MS * 100).jitter(Jitter::Decorrelated);
    let retry = build(builder().backoff(wandering).max_attempts(40).without_budget());
    let decisions = [Decision::Retry, Decision::Retry, Decision::Retry, Decision::Pushback(MS)];

    let (_, waits) = fail(&retry, &decisions).await;

    let first = waits.iter().step_by(4);
    assert!(first.clone().all(|wait| (MS * 100..=MS * 301).contains(wait)), "{waits:?}");
    assert!(
        waits.iter().any(|&wait| wait > MS * 301),
        "the waits grow where none comes: {waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_obeys_the_longest_wait_the_deadline_and_the_budget() {
    let one = RetryBudget::builder().burst(1).ratio(0.001).floor_per_second(0);
    let one = one.build().expect("sound settings");
    for (builder, attempts, why) in [
        (builder().max_retry_after(MS * 249), 1, GaveUp::RetryAfter),
        (builder().max_retry_after(MS * 250), 6, GaveUp::Attempts),
        (builder().deadline(MS * 250), 1, GaveUp::Deadline),
        (builder().deadline(MS * 251), 2, GaveUp::Deadline),
        (builder().budget(one), 2, GaveUp::Budget),
    ] {
        let retry = build(builder);

        let (failed, _) = fail(&retry, &[Decision::Pushback(MS * 250)]).await;

        assert_eq!((failed.attempts(), failed.why()), (attempts, why), "{retry:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_obeys_the_callers_deadline() {
    let (retry, began) = (build(builder()), Instant::now());
    let context = Context::new().with_deadline(Deadline::after_on(Clock::tokio(), MS * 600));

    let pushed = [Decision::Pushback(MS * 250)];
    let (failed, waits) = context.scope(fail(&retry, &pushed)).await;

    assert_eq!((failed.why(), waits.len()), (GaveUp::Deadline, 2));
    assert_eq!(began.elapsed(), MS * 500, "the error comes at once");
}
