//! What a call does after each kind of result: how often it is made, how long it waits, how it ends.

#![cfg(feature = "tokio")]

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use parking_lot::Mutex;
use seawall_core::{Context, Deadline, deadline};
use seawall_retry::{
    Backoff, Clock, Decision, Error, GaveUp, Jitter, Reason, Rejection, Retry, RetryBudget,
    RetryBuilder, RetryExt, Turn,
};
use seawall_test::Task;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

/// Waits of exactly 100 ms, and time as tokio tells it.
fn builder() -> RetryBuilder {
    let steady = Backoff::constant(MS * 100).jitter(Jitter::None);
    Retry::builder("attempts").backoff(steady).clock(Clock::tokio())
}

fn build(builder: RetryBuilder) -> Retry {
    builder.build().expect("sound settings")
}

/// A budget with `retries` in it that hardly anything comes in to.
fn budget(retries: u32) -> RetryBudget {
    let budget = RetryBudget::builder().burst(retries).ratio(0.001).floor_per_second(0);
    budget.build().expect("sound settings")
}

#[tokio::test(start_paused = true)]
async fn a_call_that_always_fails_ends_in_its_last_error() {
    let (retry, began) = (build(builder()), Instant::now());

    let failed = retry.call(|attempt| async move { Err::<(), _>(attempt.number()) }).await;

    let failed = failed.expect_err("it always fails");
    assert_eq!((failed.attempts(), failed.inner(), failed.why()), (3, Some(&3), GaveUp::Attempts));
    assert_eq!(failed.elapsed(), MS * 200);
    assert_eq!(began.elapsed(), MS * 200);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_knows_which_it_is() {
    let retry = build(builder().max_attempts(3));
    let seen = RefCell::new(Vec::new());

    let call = retry.call(|attempt| {
        seen.borrow_mut().push((attempt.number(), attempt.elapsed(), attempt.is_last()));
        async { Err::<(), _>(()) }
    });
    call.await.expect_err("it always fails");

    let expected = [(1, Duration::ZERO, false), (2, MS * 100, false), (3, MS * 200, true)];
    assert_eq!(*seen.borrow(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_sees_the_error_before_it() {
    let retry = build(builder());
    let seen = RefCell::new(Vec::new());

    let call = retry.call_with(|attempt, previous: Option<&u32>| {
        seen.borrow_mut().push(previous.copied());
        async move { Err::<(), _>(attempt.number()) }
    });
    call.await.expect_err("it always fails");

    assert_eq!(*seen.borrow(), [None, Some(1), Some(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_response_can_be_worth_another_try_and_is_the_answer_in_the_end() {
    let retry = build(builder());
    let unless_200 = |result: Result<&u16, &()>| match result {
        Ok(200) => Decision::Stop,
        _ => Decision::Retry,
    };

    let mended = retry
        .decide(unless_200)
        .call(|attempt| async move { Ok(if attempt.number() == 2 { 200 } else { 503 }) });
    assert_eq!(mended.await.expect("a response"), 200);
    let broken = retry.decide(unless_200).call(|_| async { Ok(503) });
    assert_eq!(broken.await.expect("a response"), 503);

    let snapshot = retry.snapshot();
    assert_eq!(snapshot.counters["succeeded_after_retry"], 1);
    assert_eq!(snapshot.counters["gave_up_attempts"], 1);
    assert_eq!(snapshot.counters["retries"], 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_not_worth_it_ends_the_call() {
    let retry = build(builder());
    let calls = Cell::new(0);

    let call = retry.when(|error: &&str| *error == "busy").call(|_| {
        calls.set(calls.get() + 1);
        async { Err::<(), _>("not found") }
    });
    let failed = call.await.expect_err("it always fails");

    assert_eq!((calls.get(), failed.why()), (1, GaveUp::Final));
    assert_eq!(retry.snapshot().counters["gave_up_attempts"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_closure_with_retries_behind_it_can_be_awaited() {
    let retry = build(builder());
    let calls = Cell::new(0);
    let get = || {
        calls.set(calls.get() + 1);
        let call = calls.get();
        async move { if call < 3 { Err("busy") } else { Ok(call) } }
    };

    let answer = get.retry(&retry).when(|error: &&str| *error == "busy").await;

    assert_eq!(answer, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_gets_longer_by_chance_and_never_shorter() {
    let retry = build(builder().max_attempts(2).without_budget());
    let waits = Cell::new((Duration::MAX, Duration::ZERO));

    for _ in 0..1_000 {
        let began = Instant::now();
        let asked = |_: Result<&(), &()>| Decision::RetryAfter(MS * 2_000);
        let call = retry.decide(asked).call(|_| async { Err::<(), _>(()) });
        call.await.expect_err("it always fails");
        let (least, most) = waits.get();
        waits.set((least.min(began.elapsed()), most.max(began.elapsed())));
    }

    // By half of what the backoff's longest wait allows: a timer rounds up to the millisecond.
    let (least, most) = waits.get();
    assert!(least >= MS * 2_000 && most <= MS * 3_001, "{waits:?}");
    assert!(most - least > MS * 900, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_ends_the_call_at_once_with_its_own_error() {
    for (builder, why) in [
        (builder().max_retry_after(MS * 1_999), GaveUp::RetryAfter),
        (builder().deadline(MS * 2_000), GaveUp::Deadline),
    ] {
        let (retry, began) = (build(builder), Instant::now());
        let asked = |_: Result<&(), &&str>| Decision::RetryAfter(MS * 2_000);

        let failed = retry.decide(asked).call(|_| async { Err("throttled") }).await;

        let failed = failed.expect_err("it always fails");
        assert_eq!((failed.inner(), failed.why()), (Some(&"throttled"), why));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn another_backoff_can_be_chosen_for_an_error() {
    let (retry, began) = (build(builder().max_attempts(2)), Instant::now());
    let slower = Backoff::constant(MS * 700).jitter(Jitter::None);
    let throttled = move |_: Result<&(), &()>| Decision::RetryWith(slower.clone());

    let call = retry.decide(throttled).call(|_| async { Err::<(), _>(()) });
    call.await.expect_err("it always fails");

    assert_eq!(began.elapsed(), MS * 700);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_end_at_the_deadline_is_not_begun() {
    for (deadline, attempts) in [(MS * 101, 2), (MS * 100, 1)] {
        let (retry, began) = (build(builder().deadline(deadline)), Instant::now());

        let failed = retry.call(|_| async { Err::<(), _>("its own") }).await;

        let failed = failed.expect_err("it always fails");
        assert_eq!((failed.attempts(), failed.inner()), (attempts, Some(&"its own")));
        assert_eq!(failed.why(), GaveUp::Deadline);
        assert_eq!(began.elapsed(), MS * 100 * (attempts - 1), "the error comes at once");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_holds_too() {
    let (retry, began) = (build(builder()), Instant::now());
    let context = || Context::new().with_deadline(Deadline::after_on(Clock::tokio(), MS * 50));

    let failed = context().scope(retry.call(|_| async { Err::<(), _>("its own") })).await;
    let failed = failed.expect_err("it always fails");
    assert_eq!((failed.inner(), failed.why()), (Some(&"its own"), GaveUp::Deadline));
    assert_eq!(began.elapsed(), Duration::ZERO);

    let hung = context().scope(retry.call(|_| pending::<Result<(), ()>>())).await;
    let hung = hung.expect_err("it hangs");
    let reason = hung.last().rejection().map(Rejection::reason);
    assert_eq!((reason, hung.why()), (Some(Reason::DeadlineExceeded), GaveUp::Deadline));
    assert!(began.elapsed() <= MS * 51, "{:?}", began.elapsed());
    assert_eq!(deadline::remaining(), None);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_dropped_and_tried_again() {
    struct Held<'a>(&'a Cell<u32>);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let retry = build(builder().attempt_timeout(MS * 30));
    let (dropped, began) = (Cell::new(0), Instant::now());

    let answer = retry.call(|attempt| {
        let (held, dropped) = (Held(&dropped), &dropped);
        async move {
            let _held = held;
            if attempt.number() < 3 {
                pending::<()>().await;
            }
            Ok::<_, ()>(dropped.get())
        }
    });

    assert_eq!(answer.await, Ok(2));
    assert!((MS * 260..MS * 265).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(retry.snapshot().counters["attempt_timeouts"], 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_the_last_attempt() {
    let retry = build(builder().attempt_timeout(MS * 500).deadline(MS * 700));
    let began = Instant::now();

    let hung = retry.call(|_| pending::<Result<(), ()>>()).await.expect_err("it hangs");

    let reason = hung.last().rejection().map(Rejection::reason);
    assert_eq!((reason, hung.why()), (Some(Reason::Timeout), GaveUp::Deadline));
    assert_eq!(hung.attempts(), 2);
    assert!((MS * 700..MS * 705).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_further_in_is_not_stormed() {
    let retry = build(builder());
    let calls = Cell::new(0);
    let refuse = |reason: Reason| {
        let calls = &calls;
        calls.set(0);
        move |_: seawall_retry::Attempt| {
            calls.set(calls.get() + 1);
            async move { Err::<(), Error<()>>(Rejection::new(reason, "inner").into()) }
        }
    };

    retry.call(refuse(Reason::CircuitOpen)).await.expect_err("it is refused");
    assert_eq!(calls.get(), 1);
    retry.call(refuse(Reason::Timeout)).await.expect_err("it takes too long");
    assert_eq!(calls.get(), 3, "the other side was asked: another try may help");
    retry.when(|_: &Error<()>| true).call(refuse(Reason::CircuitOpen)).await.expect_err("refused");
    assert_eq!(calls.get(), 3, "who asks for it gets it");
}

#[tokio::test(start_paused = true)]
async fn each_call_draws_its_own_waits() {
    let jittered = Backoff::exponential(MS * 1_000).jitter(Jitter::Full);
    let retry = build(builder().backoff(jittered).max_attempts(2).without_budget().seed(7));
    let mut waits = Vec::new();

    for retry in [&retry, &retry.clone(), &retry, &retry.clone()] {
        let began = Instant::now();
        retry.call(|_| async { Err::<(), _>(()) }).await.expect_err("it always fails");
        waits.push(began.elapsed());
    }

    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 4, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn no_retry_is_made_that_the_budget_does_not_pay_for() {
    let retry = build(builder().max_attempts(9).budget(budget(3)));

    let failed = retry.call(|_| async { Err::<(), _>("its own") }).await;

    let failed = failed.expect_err("it always fails");
    assert_eq!((failed.attempts(), failed.why()), (4, GaveUp::Budget));
    assert_eq!(failed.inner(), Some(&"its own"));
    let snapshot = retry.snapshot();
    assert_eq!((snapshot.state.as_ref(), snapshot.counters["gave_up_budget"]), ("budget_spent", 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_in_its_wait_gives_back_what_it_took() {
    let budget = budget(5);
    let retry = build(builder().budget(budget.clone()));
    let calls = Cell::new(0);

    let call = retry.call(|_| {
        calls.set(calls.get() + 1);
        async { Err::<(), _>(()) }
    });
    tokio::time::timeout(MS * 50, call).await.expect_err("it waits for 100 ms");

    assert_eq!(calls.get(), 1);
    assert!((budget.available() - 5.0).abs() < 1e-9, "{budget:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_for_an_attempt_that_is_not_made() {
    let budget = budget(5);
    for builder in [
        builder().max_attempts(1),
        builder().deadline(MS * 100),
        builder().backoff(Backoff::constant(MS)).max_retry_after(MS),
    ] {
        let retry = build(builder.budget(budget.clone()));
        let asked = |_: Result<&(), &()>| Decision::RetryAfter(MS * 100);
        retry.decide(asked).call(|_| async { Err(()) }).await.expect_err("it always fails");
    }

    assert!((budget.available() - 5.0).abs() < 1e-9, "{budget:?}");
}

#[tokio::test(start_paused = true)]
async fn each_retry_and_each_end_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let retry = build(builder().max_attempts(2).on_event(move |event| {
        assert_eq!(event.name, "attempts");
        listener.lock().push(event.turn);
    }));

    retry.call(|_| async { Ok::<_, ()>(()) }).await.expect("it does well");
    assert_eq!(*told.lock(), [], "a call that does well at once is no news");
    retry.call(|_| async { Err::<(), _>(()) }).await.expect_err("it always fails");

    let told = told.lock();
    let [
        Turn::Retrying { attempt: 2, wait, .. },
        Turn::GaveUp { why: GaveUp::Attempts, attempts: 2, elapsed, .. },
    ] = told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!((wait, elapsed), (MS * 100, MS * 100));
}

#[tokio::test(start_paused = true)]
async fn a_future_can_be_sent_to_another_thread() {
    fn sendable<T: Send + 'static>(_: T) {}
    let retry = build(builder());
    sendable(async move { retry.call(|_| async { Ok::<(), ()>(()) }).await });
}

#[tokio::test(start_paused = true)]
async fn what_an_attempt_held_is_free_before_its_wait() {
    let held = Arc::new(());
    let retry = build(builder().attempt_timeout(MS));

    let mut call = pin!(retry.call(|_| {
        let held = Arc::clone(&held);
        async move {
            pending::<()>().await;
            drop(held);
            Ok::<(), ()>(())
        }
    }));
    tokio::time::timeout(MS * 50, call.as_mut()).await.expect_err("it waits for 100 ms");

    assert_eq!(retry.snapshot().counters["retries"], 1);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_not_needed_any_more_wakes_nobody() {
    let retry = build(builder().attempt_timeout(MS * 30));
    let task = Task::new();
    let mut call = pin!(retry.call(|_| {
        let mut polled = false;
        poll_fn(move |_| match std::mem::replace(&mut polled, true) {
            false => Poll::Pending,
            true => Poll::Ready(Ok::<(), ()>(())),
        })
    }));
    assert!(task.poll(call.as_mut()).is_pending());
    assert!(task.poll(call.as_mut()).is_ready());

    tokio::time::sleep(MS * 60).await;

    assert_eq!(task.wakes(), 0);
}
