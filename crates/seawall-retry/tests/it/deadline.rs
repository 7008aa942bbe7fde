//! The time of a whole call: how it is counted, and that nothing is begun once it is over.

#![cfg(feature = "tokio")]

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use proptest::prelude::*;
use seawall_core::{Context, Deadline, Nanos};
use seawall_retry::{
    Attempt, Backoff, Clock, Decision, GaveUp, Jitter, Reason, Rejection, Retry, RetryBudget,
    RetryError,
};
use seawall_test::Task;
use tokio::time::{Instant, sleep};

const MS: Duration = Duration::from_millis(1);

/// What one attempt does, and what is decided about its result.
#[derive(Clone, Debug)]
struct Play {
    takes: Duration,
    result: Result<(), ()>,
    hangs: bool,
    decision: Decision,
}

#[derive(Clone, Debug)]
struct Settings {
    attempts: u32,
    backoff: Backoff,
    attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
    callers: Option<Duration>,
    budget: Option<u32>,
}

/// Up to so many milliseconds, whole ones as often as others: timers round up.
fn time(millis: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..=millis).prop_map(Duration::from_millis),
        (0..=millis * 1_000_000).prop_map(Duration::from_nanos),
    ]
}

fn limit(millis: u64) -> impl Strategy<Value = Option<Duration>> {
    prop::option::of(time(millis).prop_map(|time| time.max(MS)))
}

fn backoff() -> impl Strategy<Value = Backoff> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated)
    ];
    (time(100), jitter, any::<bool>()).prop_map(|(base, jitter, grows)| {
        let backoff = if grows { Backoff::exponential(base) } else { Backoff::constant(base) };
        backoff.max(MS * 300).jitter(jitter)
    })
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        1 => Just(Decision::Stop),
        5 => Just(Decision::Retry),
        2 => time(150).prop_map(Decision::RetryAfter),
        2 => time(150).prop_map(Decision::Pushback),
        1 => backoff().prop_map(Decision::RetryWith),
    ]
}

fn play() -> impl Strategy<Value = Play> {
    let result = prop_oneof![Just(Ok(())), Just(Err(()))];
    (prop_oneof![Just(Duration::ZERO), time(120)], result, prop::bool::weighted(0.1), decision())
        .prop_map(|(takes, result, hangs, decision)| Play { takes, result, hangs, decision })
}

fn settings() -> impl Strategy<Value = Settings> {
    (1..8_u32, backoff(), limit(100), limit(500), limit(500), prop::option::of(1..4_u32)).prop_map(
        |(attempts, backoff, attempt_timeout, deadline, callers, budget)| Settings {
            attempts,
            backoff,
            attempt_timeout,
            deadline,
            callers,
            budget,
        },
    )
}

fn build(settings: &Settings) -> (Retry, Option<RetryBudget>) {
    let mut builder = Retry::builder("deadline")
        .clock(Clock::tokio())
        .max_attempts(settings.attempts)
        .backoff(settings.backoff.clone())
        .without_budget();
    if let Some(time) = settings.attempt_timeout {
        builder = builder.attempt_timeout(time);
    }
    if let Some(time) = settings.deadline {
        builder = builder.deadline(time);
    }
    let budget = settings.budget.map(|retries| {
        let budget = RetryBudget::builder().burst(retries).ratio(0.001).floor_per_second(0);
        budget.build().expect("sound settings")
    });
    if let Some(budget) = &budget {
        builder = builder.budget(budget.clone());
    }
    (builder.build().expect("sound settings"), budget)
}

/// When an attempt began, and when it ended; nothing, where it was dropped before.
type Log = RefCell<Vec<(Duration, Option<Duration>)>>;

async fn run(settings: &Settings, plays: &[Play]) {
    let (retry, budget) = build(settings);
    let (log, began) = (Log::default(), Instant::now());
    let at = Cell::new(0);
    let decide = |_: Result<&(), &()>| plays[at.get() % plays.len()].decision.clone();
    let attempt = |attempt: Attempt| {
        let number = attempt.number() as usize - 1;
        at.set(number);
        log.borrow_mut().push((began.elapsed(), None));
        let (play, log) = (plays[number % plays.len()].clone(), &log);
        async move {
            if !play.takes.is_zero() {
                sleep(play.takes).await;
            }
            if play.hangs {
                pending::<()>().await;
            }
            log.borrow_mut()[number].1 = Some(began.elapsed());
            play.result
        }
    };
    let call = retry.decide(decide).call(attempt);
    let limits = [settings.attempt_timeout, settings.deadline, settings.callers];
    if limits.iter().all(Option::is_none) && plays.iter().any(|play| play.hangs) {
        return; // nothing would ever end it
    }
    let ended = match settings.callers {
        Some(time) => {
            let deadline = Deadline::after_on(Clock::tokio(), time);
            Context::new().with_deadline(deadline).scope(call).await
        }
        None => call.await,
    };

    check(settings, &ended, &log.into_inner(), began.elapsed());
    if let (Some(budget), Some(full)) = (&budget, settings.budget) {
        let sent = f64::from(at.get() as u32);
        let left = f64::from(full) - budget.available();
        assert!((left - sent).abs() < 1e-9, "{sent} retries were sent, and {left} are paid");
    }
}

fn check(
    settings: &Settings,
    ended: &Result<(), RetryError<()>>,
    log: &[(Duration, Option<Duration>)],
    elapsed: Duration,
) {
    let deadline = [settings.deadline, settings.callers].into_iter().flatten().min();
    assert!(log.len() <= settings.attempts as usize, "{log:?}");
    let Some(deadline) = deadline else { return };
    for (begun, _) in log {
        assert!(*begun < deadline, "an attempt began at or after {deadline:?}: {log:?}");
    }
    // A timer rings up to two milliseconds late.
    assert!(elapsed <= deadline + MS * 2, "it went on to {elapsed:?}: {log:?}");
    if let Err(failed) = ended
        && failed.inner().is_some()
        && let Some((_, Some(last))) = log.last()
        && failed.why() != GaveUp::Deadline
    {
        assert_eq!(elapsed, *last, "the last error comes at once");
    }
}

fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_attempt_begins_and_no_wait_ends_after_the_deadline(
        settings in settings(),
        plays in prop::collection::vec(play(), 1..8),
    ) {
        paused(run(&settings, &plays));
    }
}

/// A machine so busy that a wait ends long after it should.
#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_after_the_deadline_is_followed_by_no_attempt() {
    let (clock, hand) = Clock::manual();
    let steady = Backoff::constant(MS * 10).jitter(Jitter::None);
    let budget = RetryBudget::builder().burst(5).floor_per_second(0).build().expect("sound");
    let retry = Retry::builder("busy").backoff(steady).clock(clock).deadline(MS * 100);
    let retry = retry.budget(budget.clone()).build().expect("sound settings");
    let task = Task::new();
    let mut call = pin!(retry.call(|_| ready(Err::<(), _>("its own"))));
    assert!(task.poll(call.as_mut()).is_pending());

    hand.advance(MS * 100);
    let failed = call.await.expect_err("it always fails");

    assert_eq!((failed.attempts(), failed.inner()), (1, Some(&"its own")));
    assert_eq!((failed.why(), failed.elapsed()), (GaveUp::Deadline, MS * 100));
    assert!((budget.available() - 5.0).abs() < 1e-9, "{budget:?}");
    assert_eq!(retry.snapshot().counters["gave_up_deadline"], 1);
}

#[test]
fn a_blocking_wait_that_ends_after_the_deadline_is_followed_by_no_attempt() {
    for well in [false, true] {
        // Each reading is 40 ms after the one before: at the begin, after the attempt, after the wait.
        let readings = AtomicU32::new(0);
        let clock = Clock::custom(move || Nanos::from(MS * 40 * readings.fetch_add(1, Relaxed)));
        let steady = Backoff::constant(MS).jitter(Jitter::None);
        let retry = Retry::builder("busy").backoff(steady).clock(clock).deadline(MS * 79);
        let retry = retry.build().expect("sound settings");

        let ended =
            retry.decide(|_: Result<&u32, &u32>| Decision::Retry).call_blocking(|attempt| {
                if well { Ok(attempt.number()) } else { Err(attempt.number()) }
            });

        assert_eq!(
            ended.map_err(|failed| *failed.inner().expect("its own")),
            if well { Ok(1) } else { Err(1) }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_first_attempt_waits_counts() {
    let retry = Retry::builder("elapsed").clock(Clock::tokio()).max_attempts(1).build();

    let call = retry
        .expect("sound settings")
        .call(|_| async {
            sleep(MS * 50).await;
            Err::<(), _>(())
        })
        .await;

    assert_eq!(call.expect_err("it always fails").elapsed(), MS * 50);
}

/// The clock is most of what such a call would cost.
#[test]
fn a_call_that_does_well_at_once_looks_at_the_clock_only_for_a_deadline() {
    for (deadline, expected) in [(None, 0), (Some(MS), 1)] {
        let readings = Arc::new(AtomicU32::new(0));
        let read = Arc::clone(&readings);
        let clock = Clock::custom(move || Nanos::from_secs(read.fetch_add(1, Relaxed).into()));
        let mut builder = Retry::builder("clock").clock(clock);
        if let Some(time) = deadline {
            builder = builder.deadline(time);
        }
        let retry = builder.build().expect("sound settings");

        let mut call = pin!(retry.call(|_| ready(Ok::<_, ()>(()))));

        assert!(Task::new().poll(call.as_mut()).is_ready());
        assert_eq!(readings.load(Relaxed), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_counts_from_the_call_and_not_from_its_first_wait() {
    let (clock, hand) = Clock::manual();
    let retry = Retry::builder("deadline").clock(clock).deadline(MS * 100).build();
    let retry = retry.expect("sound settings");

    let failed = retry.call(|_| {
        hand.advance(MS * 100); // an attempt that blocks
        ready(Err::<(), _>("its own"))
    });

    let failed = failed.await.expect_err("it always fails");
    assert_eq!((failed.attempts(), failed.why()), (1, GaveUp::Deadline));
    let hung = retry.call(|_| {
        hand.advance(MS * 99);
        pending::<Result<(), ()>>()
    });
    let hung = hung.await.expect_err("it hangs");
    assert_eq!(hung.last().rejection().map(Rejection::reason), Some(Reason::Timeout));
}
