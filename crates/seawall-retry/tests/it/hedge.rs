//! Hedged calls, under a clock that stands still until nobody has anything to do.

#![cfg(feature = "tokio")]

use std::{
    cell::Cell,
    future::{Future, pending, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use seawall_core::{Context, Deadline};
use seawall_retry::{
    Attempt, Clock, Decision, Error, Hedge, HedgeBuilder, HedgeConfig, HedgeTurn, Percentile,
    Reason, Rejection, RetryBudget,
};
use seawall_test::Task;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

fn after(delay: Duration) -> HedgeBuilder {
    Hedge::builder("test").after(delay).clock(Clock::tokio())
}

fn hedge(delay: Duration) -> Hedge {
    after(delay).build().expect("sound")
}

async fn answer(after: Duration, result: Result<u32, u32>) -> Result<u32, u32> {
    sleep(after).await;
    result
}

/// Each attempt as its time and its result say, and how long the call took.
async fn call(hedge: &Hedge, attempts: &[(u32, Result<u32, u32>)]) -> (Result<u32, u32>, u128) {
    let began = Instant::now();
    let result = hedge
        .call(|attempt: Attempt| {
            let (ms, result) = attempts[attempt.number() as usize - 1];
            answer(MS * ms, result)
        })
        .await;
    (result, began.elapsed().as_millis())
}

/// Runs `future` with a deadline on tokio's time.
fn within<F: Future>(time: Duration, future: F) -> impl Future<Output = F::Output> {
    Context::new().with_deadline(Deadline::after_on(Clock::tokio(), time)).scope(future)
}

fn counter(hedge: &Hedge, name: &str) -> u64 {
    hedge.snapshot().counters[name]
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_answered_by_the_hedge() {
    let hedge = hedge(MS * 30);

    assert_eq!(call(&hedge, &[(100, Ok(1)), (10, Ok(2))]).await, (Ok(2), 40));

    assert_eq!((counter(&hedge, "hedged"), counter(&hedge, "won_by_hedge")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hedged_call_may_win_by_its_first_attempt() {
    let hedge = hedge(MS * 30);

    assert_eq!(call(&hedge, &[(50, Ok(1)), (100, Ok(2))]).await, (Ok(1), 50));

    assert_eq!((counter(&hedge, "hedged"), counter(&hedge, "won_by_hedge")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_fast_enough_is_not_hedged() {
    let hedge = hedge(MS * 30);

    assert_eq!(call(&hedge, &[(29, Ok(1))]).await, (Ok(1), 29));

    assert_eq!(counter(&hedge, "hedged"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_followed_by_the_next_attempt_at_once() {
    let hedge = hedge(MS * 30);

    assert_eq!(call(&hedge, &[(5, Err(1)), (10, Ok(2))]).await, (Ok(2), 15));
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_the_answer_where_none_does_well() {
    let hedge = hedge(MS * 30);

    assert_eq!(call(&hedge, &[(5, Err(1)), (10, Err(2))]).await, (Err(2), 15));
    assert_eq!(call(&hedge, &[(50, Err(1)), (10, Err(2))]).await, (Err(1), 50));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_no_attempt_would_mend_is_the_answer() {
    let hedge = hedge(MS * 30);
    let fatal = |result: Result<&u32, &u32>| match result {
        Err(9) | Ok(_) => Decision::Stop,
        Err(_) => Decision::Retry,
    };

    let result = hedge.decide(fatal).call(|_| answer(MS * 5, Err(9))).await;

    assert_eq!((result, counter(&hedge, "hedged")), (Err(9), 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_wanted_is_kept_for_want_of_a_better_one() {
    let hedge = hedge(MS * 30);
    let busy = |result: Result<&u32, &()>| match result {
        Ok(503) => Decision::Retry,
        _ => Decision::Stop,
    };

    assert_eq!(hedge.decide(busy).call(|_| ready(Ok::<u32, ()>(503))).await, Ok(503));
    assert_eq!(counter(&hedge, "hedged"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_wait_gets_no_other_attempt() {
    let hedge = hedge(MS * 30);
    let wait = |_: Result<&u32, &u32>| Decision::RetryAfter(MS);

    let result = hedge.decide(wait).call(|_| answer(MS * 5, Err(9))).await;

    assert_eq!((result, counter(&hedge, "hedged")), (Err(9), 0));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_from_further_in_is_not_hedged() {
    let hedge = hedge(MS * 30);
    let refuse = || Err::<u32, Error<u32>>(Rejection::new(Reason::BulkheadFull, "inner").into());

    let result = hedge.call(|_| async { refuse() }).await;

    assert_eq!(result.unwrap_err().rejection().unwrap().reason(), Reason::BulkheadFull);
    assert_eq!(counter(&hedge, "hedged"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_refused_leaves_the_first_attempt_alone() {
    let hedge = after(MS * 30).max_in_flight(3).build().expect("sound");
    let rejection = || Rejection::new(Reason::BulkheadFull, "inner");

    let result = hedge
        .call(|attempt| async move {
            match attempt.number() {
                1 => answer(MS * 100, Ok(1)).await.map_err(Error::Inner),
                _ => Err(rejection().into()),
            }
        })
        .await;

    assert_eq!((result, counter(&hedge, "hedged")), (Ok(1), 1));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_knows_which_it_is() {
    let hedge = after(MS * 30).max_in_flight(3).build().expect("sound");
    let seen = Mutex::new(Vec::new());

    let result = timeout(
        MS * 500,
        hedge.call(|attempt| {
            seen.lock().push((attempt.number(), attempt.elapsed().as_millis(), attempt.is_last()));
            pending::<Result<u32, u32>>()
        }),
    )
    .await;

    assert!(result.is_err());
    assert_eq!(*seen.lock(), [(1, 0, false), (2, 30, false), (3, 60, true)]);
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_made_than_are_allowed_however_they_end() {
    let hedge = after(MS * 30).max_in_flight(4).build().expect("sound");
    let made = Cell::new(0);

    let result = hedge
        .call(|_| {
            made.set(made.get() + 1);
            ready(Err::<u32, u32>(made.get()))
        })
        .await;

    assert_eq!((result, made.get()), (Err(4), 4));
}

#[tokio::test(start_paused = true)]
async fn no_hedge_is_sent_that_the_deadline_would_pass_before() {
    let hedge = hedge(MS * 30);

    let late = [(25, Ok(1)), (1, Ok(2))];
    let in_time = [(100, Ok(1)), (1, Ok(2))];
    let tight = within(MS * 30, async { timeout(MS * 30, call(&hedge, &in_time)).await });
    assert!(tight.await.is_err());
    assert_eq!(counter(&hedge, "hedged"), 0);

    _ = within(MS * 30, call(&hedge, &late)).await;
    assert_eq!(counter(&hedge, "hedged"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_deadline_is_the_answer() {
    let hedge = hedge(MS * 30);
    let budget = hedge.budget().available();

    let call = within(MS * 10, call(&hedge, &[(20, Err(1)), (1, Ok(2))])).await;

    assert_eq!((call, counter(&hedge, "hedged")), ((Err(1), 20), 0));
    assert!(hedge.budget().available() >= budget, "nothing was taken");
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_the_hedges() {
    let budget = RetryBudget::builder().ratio(0.001).burst(3).floor_per_second(0).build();
    let hedge = after(MS * 30).budget(budget.expect("sound")).build().expect("sound");

    for _ in 0..5 {
        _ = call(&hedge, &[(100, Ok(1)), (10, Ok(2))]).await;
    }

    assert_eq!((counter(&hedge, "hedged"), counter(&hedge, "refused_by_budget")), (3, 2));
}

/// Counts how many of it are there.
struct Held<'a>(&'a AtomicU32);

impl<'a> Held<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

async fn hold(count: &AtomicU32, after: Duration) -> Result<u32, u32> {
    let _held = Held::new(count);
    answer(after, Ok(1)).await
}

#[tokio::test(start_paused = true)]
async fn the_losers_are_dropped_with_the_answer() {
    let hedge = after(MS * 30).max_in_flight(3).build().expect("sound");
    let held = AtomicU32::new(0);

    let mut call = pin!(hedge.call(|attempt| hold(&held, MS * 100 * (4 - attempt.number()))));
    assert!(timeout(MS * 70, call.as_mut()).await.is_err());
    assert_eq!(held.load(Relaxed), 3);

    assert_eq!(call.as_mut().await, Ok(1));
    assert_eq!(held.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_drops_all_attempts() {
    let hedge = hedge(MS * 30);
    let held = AtomicU32::new(0);

    assert!(timeout(MS * 50, hedge.call(|_| hold(&held, MS * 100))).await.is_err());

    assert_eq!((counter(&hedge, "hedged"), held.load(Relaxed)), (1, 0));
}

fn learning() -> Hedge {
    let builder = Hedge::builder("test").after(Percentile::P95).clock(Clock::tokio());
    builder.build().expect("sound")
}

async fn learned(ms: u32) -> Hedge {
    let hedge = learning();
    for _ in 0..200 {
        _ = call(&hedge, &[(ms, Ok(1))]).await;
    }
    hedge
}

#[tokio::test(start_paused = true)]
async fn nothing_is_hedged_before_the_latency_is_known() {
    let hedge = learning();

    assert_eq!(call(&hedge, &[(10_000, Ok(1))]).await, (Ok(1), 10_000));
    assert_eq!(call(&hedge, &[(5, Err(1))]).await, (Err(1), 5));

    assert_eq!((hedge.snapshot().state.as_ref(), counter(&hedge, "hedged")), ("learning", 0));
}

#[tokio::test(start_paused = true)]
async fn the_delay_is_learned() {
    let hedge = learned(30).await;

    let delay = hedge.delay().expect("it has learned");
    assert!(delay.abs_diff(MS * 30) * 8 <= MS * 30, "{delay:?}");

    let (result, took) = call(&hedge, &[(500, Ok(1)), (10, Ok(2))]).await;
    assert_eq!(result, Ok(2));
    assert!((37..=46).contains(&took), "{took} ms");
    assert_eq!(hedge.snapshot().state, "hedging");
}

#[tokio::test(start_paused = true)]
async fn fast_failures_teach_nothing() {
    let hedge = learned(30).await;

    for _ in 0..5_000 {
        _ = call(&hedge, &[(1, Err(1)), (1, Err(2))]).await;
    }
    _ = call(&hedge, &[(30, Ok(1))]).await;

    let delay = hedge.delay().expect("it has learned");
    assert!(delay.abs_diff(MS * 30) * 8 <= MS * 30, "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn turns_are_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let hedge = after(MS * 30).on_event(move |event| {
        assert_eq!(event.name, "test");
        listener.lock().push(event.turn);
    });
    let hedge = hedge.build().expect("sound");

    _ = call(&hedge, &[(100, Ok(1)), (10, Ok(2))]).await;

    let told = told.lock();
    assert!(
        matches!(
            told[..],
            [HedgeTurn::Hedged { attempt: 2, .. }, HedgeTurn::WonByHedge { attempt: 2, .. }]
        ),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn settings_change_for_the_calls_to_come() {
    let hedge = hedge(MS * 30);
    let mut config = hedge.config();
    config.after = (MS * 80).into();
    config.max_in_flight = 1;

    hedge.reconfigure(config.clone()).expect("sound");
    assert_eq!(call(&hedge, &[(100, Ok(1))]).await, (Ok(1), 100));
    assert_eq!(hedge.delay(), Some(MS * 80));

    config.after = Percentile::P99.into();
    assert_eq!(hedge.reconfigure(config).unwrap_err().field(), "after");
}

#[test]
fn a_call_that_is_done_at_once_needs_no_runtime() {
    let hedge = hedge(MS * 30);
    let task = Task::new();

    let mut call = pin!(hedge.call(|_| ready(Ok::<u32, u32>(7))));

    assert!(task.poll(call.as_mut()).is_ready());
}

#[test]
fn the_clock_is_read_twice_at_most() {
    for (builder, most) in [
        (Hedge::builder("test").after(Percentile::P95), 2),
        (Hedge::builder("test").after(MS * 30), 1),
    ] {
        let reads = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&reads);
        let clock = Clock::custom(move || {
            counted.fetch_add(1, Relaxed);
            seawall_core::Nanos::ZERO
        });
        let hedge = builder.clock(clock).build().expect("sound");
        let task = Task::new();
        let before = reads.load(Relaxed);

        let mut call = pin!(hedge.call(|_| ready(Ok::<u32, u32>(7))));

        assert!(task.poll(call.as_mut()).is_ready());
        assert_eq!(reads.load(Relaxed) - before, most);
    }
}

#[test]
fn each_setting_that_cannot_be_is_named_with_what_is_allowed() {
    let mut empty = HedgeConfig::default();
    empty.budget_burst = 0;
    let cases = [
        (after(Duration::ZERO), "after", "from 1 ms"),
        (after(Duration::MAX), "after", "an hour"),
        (after(MS).max_in_flight(0), "max_in_flight", "from 1 to 5"),
        (after(MS).max_in_flight(6), "max_in_flight", "from 1 to 5"),
        (after(MS).config(empty), "budget_burst", "from 1 to"),
    ];

    for (builder, field, rule) in cases {
        let error = builder.build().expect_err(field);
        assert_eq!(error.field(), field);
        assert!(error.rule().contains(rule), "`{error}` does not say `{rule}`");
    }
    for percent in [f64::NAN, 49.0, 100.0, -1.0] {
        assert!(Percentile::new(percent).is_err(), "{percent}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_file_says_it_as_people_do() {
    let config: HedgeConfig = toml::from_str("after = \"p99.9\"").expect("sound");
    assert_eq!(config.after, Percentile::new(99.9).expect("sound").into());
    assert_eq!(config.max_in_flight, 2);
    let text = toml::to_string(&config).expect("it can be written");
    assert_eq!(toml::from_str::<HedgeConfig>(&text).expect("as it was written"), config);

    let config: HedgeConfig = toml::from_str("after = \"50ms\"").expect("sound");
    assert_eq!(config.after, (MS * 50).into());
    for text in ["after = \"p100\"", "after = \"50\"", "after = \"p\"", "before = \"p95\""] {
        assert!(toml::from_str::<HedgeConfig>(text).is_err(), "{text}");
    }
}

/// Part of the interface, though no signature says so.
const _: () = {
    const fn all<T: Send + Sync + Unpin>() {}

    all::<Hedge>();
    all::<HedgeBuilder>();
    all::<HedgeConfig>();
    all::<HedgeTurn>();
};

#[test]
fn the_future_of_a_call_can_be_spawned() {
    fn sendable(_: impl Future + Send + 'static) {}

    let hedge = hedge(MS);
    sendable(async move {
        let once = |_| -> BoxFuture<'static, Result<(), ()>> { Box::pin(ready(Ok(()))) };
        hedge.call(once).await
    });
}
