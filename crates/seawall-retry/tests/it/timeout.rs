//! What a timeout does, and whose time it says was over.

#![cfg(feature = "tower")]

use std::{
    future::{pending, poll_fn, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use seawall_core::{Clock, Context, Deadline, Nanos, Registry, deadline};
use seawall_retry::{Error, Reason, Rejection, Timeout, TimeoutLayer};
use seawall_test::{Failure, Held, Probe, Task};
use tokio::time::{Instant, advance, sleep};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn timeout(time: Duration) -> Timeout {
    named("timeout", time)
}

fn named(name: &'static str, time: Duration) -> Timeout {
    Timeout::builder(name).time(time).clock(Clock::tokio()).build().expect("sound settings")
}

fn within(time: Duration) -> Context {
    Context::new().with_deadline(Deadline::after_on(Clock::tokio(), time))
}

async fn hang() -> Result<(), Failure> {
    pending().await
}

fn refused<T>(result: Result<T, Error<Failure>>) -> (String, Reason) {
    let rejection = match result {
        Err(Error::Rejected(rejection)) => rejection,
        Err(Error::Inner(error)) => panic!("the call failed: {error}"),
        Ok(_) => panic!("the call succeeded"),
    };
    (rejection.name().to_owned(), rejection.reason())
}

#[tokio::test(start_paused = true)]
async fn a_call_in_time_keeps_its_answer() {
    let timeout = timeout(2 * SECOND);

    let answer = timeout
        .call(|| async {
            sleep(SECOND).await;
            Ok::<_, Failure>(7)
        })
        .await;
    let error = timeout
        .call(|| async {
            sleep(SECOND).await;
            Err::<(), _>(Failure(3))
        })
        .await;

    assert_eq!(answer, Ok(7));
    assert_eq!(error, Err(Error::Inner(Failure(3))));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_a_timeout() {
    let began = Instant::now();

    let late = timeout(2 * SECOND).call(hang).await;

    assert_eq!(refused(late), ("timeout".to_owned(), Reason::Timeout));
    assert_eq!(began.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_callers_deadline_ends_says_so() {
    let began = Instant::now();

    let late = within(SECOND).scope(timeout(2 * SECOND).call(hang)).await;

    assert_eq!(refused(late).1, Reason::DeadlineExceeded);
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_past_its_deadline_is_not_made() {
    let (inner, probe) = Probe::new(Held::<u64, u64, Failure>::new().0);
    let mut service = TimeoutLayer::new(timeout(SECOND)).layer(inner);
    service.ready().await.expect("it is ready");

    let mut plain = false;
    let call = || {
        plain = true;
        hang()
    };
    let late = within(Duration::ZERO).scope(timeout(SECOND).call(call)).await;
    let response = within(Duration::ZERO).run(|| service.call(1)).await;

    assert_eq!(refused(late).1, Reason::DeadlineExceeded);
    assert_eq!(refused(response).1, Reason::DeadlineExceeded);
    assert!(!plain);
    assert_eq!(probe.calls(), 0);
}

/// A buffer makes the call in a task of its own, and the caller polls what it gets.
#[tokio::test(start_paused = true)]
async fn the_deadline_of_whoever_polls_the_response_holds() {
    let (held, _handle) = Held::<u64, u64, Failure>::new();
    let mut service = TimeoutLayer::new(timeout(5 * SECOND)).layer(held);
    service.ready().await.expect("it is ready");

    let response = service.call(1);
    let late = within(SECOND).scope(response).await;

    assert_eq!(refused(late).1, Reason::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_wait_inside_sees_the_time_of_the_layer() {
    let inner = service_fn(|()| async {
        let at_first = deadline::remaining();
        sleep(SECOND).await;
        Ok::<_, Failure>((at_first, deadline::remaining()))
    });
    let service = TimeoutLayer::new(timeout(3 * SECOND)).layer(inner);

    let alone = service.clone().oneshot(()).await;
    let within_more = within(9 * SECOND).scope(service.clone().oneshot(())).await;
    let within_less = within(2 * SECOND).scope(service.oneshot(())).await;

    assert_eq!(alone, Ok((Some(3 * SECOND), Some(2 * SECOND))));
    assert_eq!(within_more, Ok((Some(3 * SECOND), Some(2 * SECOND))));
    assert_eq!(within_less, Ok((Some(2 * SECOND), Some(SECOND))));
    assert_eq!(deadline::remaining(), None);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_does_not_propagate_tells_nobody() {
    let quiet = Timeout::builder("quiet").time(SECOND).propagate(false).build().expect("sound");
    let seen = || async { Ok::<_, Failure>(deadline::remaining()) };

    let alone = quiet.call(seen).await;
    let of_the_caller = within(9 * SECOND).scope(quiet.call(seen)).await;
    let late = quiet.call(hang).await;

    assert_eq!(alone, Ok(None));
    assert_eq!(of_the_caller, Ok(Some(9 * SECOND)));
    assert_eq!(refused(late).1, Reason::Timeout);
}

/// As a bulkhead inside does: it gives up by the deadline that it finds, a little before the layer does.
#[tokio::test(start_paused = true)]
async fn a_wait_inside_that_gives_up_for_the_layers_time_is_the_layers_timeout() {
    async fn wait() -> Result<(), Error<Failure>> {
        sleep(deadline::remaining().expect("it has one")).await;
        Err(Rejection::new(Reason::DeadlineExceeded, "inner").into())
    }

    let late = timeout(SECOND).call(wait).await;
    let of_the_caller = within(SECOND).scope(timeout(2 * SECOND).call(wait)).await;

    let rejection = late.unwrap_err().flatten::<Error<Failure>>();
    assert_eq!(refused::<()>(Err(rejection)), ("timeout".to_owned(), Reason::Timeout));
    let rejection = of_the_caller.unwrap_err().flatten::<Error<Failure>>();
    assert_eq!(refused::<()>(Err(rejection)), ("inner".to_owned(), Reason::DeadlineExceeded));
}

#[tokio::test(start_paused = true)]
async fn of_two_timeouts_the_shorter_one_is_named() {
    for (outer, inner, name) in [(1, 5, "outer"), (5, 1, "inner")] {
        let (outer, inner) = (named("outer", SECOND * outer), named("inner", SECOND * inner));

        let late = outer.call(|| inner.call(hang)).await;

        let late = late.map_err(Error::flatten);
        assert_eq!(refused(late), (name.to_owned(), Reason::Timeout));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_has_a_time_of_its_own_or_the_one_that_is_set() {
    let by_request = |&seconds: &u64| (seconds != 9).then_some(SECOND * seconds as u32);
    let (inner, probe) = Probe::new(Held::<u64, u64, Failure>::new().0);
    let mut service = TimeoutLayer::new(timeout(3 * SECOND)).time(by_request).layer(inner);

    for (request, takes, reason) in [
        (1, 1, Reason::Timeout),
        (9, 3, Reason::Timeout),
        (5, 5, Reason::Timeout),
        (0, 0, Reason::DeadlineExceeded),
    ] {
        let began = Instant::now();
        let late = service.ready().await.expect("it is ready").call(request).await;
        assert_eq!((refused(late).1, began.elapsed()), (reason, SECOND * takes));
    }
    assert_eq!(probe.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_time_holds_for_the_calls_to_come() {
    let timeout = timeout(2 * SECOND);
    let mut running = pin!(timeout.call(hang));
    let task = Task::new();
    assert!(task.poll(running.as_mut()).is_pending());

    timeout.set_time(SECOND).expect("it is some time");
    let began = Instant::now();
    let late = timeout.call(hang).await;
    let first = running.await;

    assert_eq!(refused(late).1, Reason::Timeout);
    assert_eq!(refused(first).1, Reason::Timeout);
    assert_eq!(began.elapsed(), 2 * SECOND);
    assert_eq!(timeout.time(), Some(SECOND));
    assert!(timeout.set_time(Duration::ZERO).is_err());
    assert_eq!(timeout.time(), Some(SECOND));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_counts_though_the_time_is_over() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let mut service = TimeoutLayer::new(timeout(SECOND)).layer(held);
    let mut response = pin!(service.ready().await.expect("it is ready").call(1));
    let task = Task::new();
    assert!(task.poll(response.as_mut()).is_pending());

    advance(2 * SECOND).await;
    handle.ok(10);

    assert_eq!(task.poll(response), Poll::Ready(Ok(10)));
}

#[tokio::test(start_paused = true)]
async fn the_inner_call_is_dropped_when_the_time_is_over() {
    let (inner, probe) = Probe::new(Held::<u64, u64, Failure>::new().0);
    let mut service = TimeoutLayer::new(timeout(SECOND)).layer(inner);
    let mut response = pin!(service.ready().await.expect("it is ready").call(1));

    let late = response.as_mut().await;

    assert_eq!(refused(late).1, Reason::Timeout);
    assert_eq!((probe.in_flight(), probe.dropped()), (0, 1)); // though the response is still around
}

/// There is no request yet, and so no call that could take too long.
#[tokio::test(start_paused = true)]
async fn readiness_is_not_timed() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    handle.hold_readiness();
    let mut service = TimeoutLayer::new(timeout(SECOND)).layer(held);
    let task = Task::new();
    assert!(task.enter(|cx| service.poll_ready(cx)).is_pending());

    advance(9 * SECOND).await;
    assert!(task.enter(|cx| service.poll_ready(cx)).is_pending());
    let both = timeout(SECOND).call(|| service.oneshot(1)).await;

    assert!(matches!(both, Err(Error::Rejected(late)) if late.reason() == Reason::Timeout));
}

#[test]
fn a_call_that_is_ready_at_once_arms_no_timer() {
    let outside_any_runtime = Task::new();
    let timeout = timeout(SECOND);

    let mut call = pin!(timeout.call(|| ready(Ok::<_, Failure>(7))));

    assert_eq!(outside_any_runtime.poll(call.as_mut()), Poll::Ready(Ok(7)));
}

#[test]
fn a_call_reads_the_clock_once_to_tell_the_calls_inside_and_else_never() {
    let readings = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&readings);
    let clock = Clock::custom(move || Nanos(counted.fetch_add(1, Relaxed)));
    let task = Task::new();

    for (propagates, expected) in [(false, 0), (true, 1)] {
        let builder = Timeout::builder("counted").time(SECOND).clock(clock.clone());
        let timeout = builder.propagate(propagates).build().expect("sound settings");
        readings.store(0, Relaxed);
        assert!(task.poll(pin!(timeout.call(|| ready(Ok::<_, Failure>(7))))).is_ready());
        assert_eq!(readings.load(Relaxed), expected);
    }
}

#[test]
fn without_a_time_and_a_deadline_nothing_is_timed() {
    let outside_any_runtime = Task::new();
    let timeout = Timeout::builder("edge").time(None).build().expect("sound settings");

    let mut call = pin!(timeout.call(hang));

    assert!(outside_any_runtime.poll(call.as_mut()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn without_a_time_the_deadline_ends_a_call() {
    let timeout = Timeout::builder("edge").time(None).build().expect("sound settings");

    let late = within(SECOND).scope(timeout.call(hang)).await;

    assert_eq!(refused(late).1, Reason::DeadlineExceeded);
}

/// Tokio gives a task a budget for each poll; the timer takes from it, too.
#[tokio::test]
async fn a_busy_call_does_not_starve_the_timer() {
    async fn busy() -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < 2 * SECOND {
            tokio::task::consume_budget().await;
        }
        Ok(())
    }

    let late = Timeout::builder("busy").time(SECOND / 50).build().expect("sound").call(busy).await;

    assert_eq!(refused(late).1, Reason::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_panic_restores_the_callers_deadline() {
    let timeout = timeout(SECOND);
    let panics = poll_fn(|_| -> Poll<Result<(), Failure>> {
        std::panic::resume_unwind(Box::new("as it was told to"))
    });
    let task = Task::new();

    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        task.poll(pin!(timeout.call(|| panics)))
    }));

    assert!(polled.is_err());
    assert_eq!(deadline::remaining(), None);
}

#[test]
fn no_time_at_all_is_refused_with_the_settings_name() {
    let error = Timeout::builder("none").time(Duration::ZERO).build().unwrap_err();

    assert_eq!((error.field(), error.value()), ("time", "0ns"));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_tells_whose_time_was_over_how_often() {
    let timeout = timeout(2 * SECOND);
    let registry = Registry::new();
    timeout.register(&registry);

    let _ = timeout.call(hang).await;
    for _ in 0..2 {
        let _ = within(SECOND).scope(timeout.clone().call(hang)).await;
    }

    let snapshot = &registry.snapshots()[0];
    assert_eq!((&*snapshot.pattern, &*snapshot.name), ("timeout", "timeout"));
    assert_eq!(snapshot.counters["timed_out"], 1);
    assert_eq!(snapshot.counters["deadline_exceeded"], 2);
    assert_eq!(snapshot.limits.get("time_seconds"), Some(&2.0));
}

#[tokio::test(start_paused = true)]
async fn a_flat_error_is_of_the_services_own_type() {
    let service = TimeoutLayer::new(timeout(SECOND))
        .flatten()
        .layer(service_fn(|()| async { pending::<Result<(), BoxError>>().await }));

    let error = service.oneshot(()).await.unwrap_err();

    assert_eq!(Rejection::find(&*error).map(Rejection::reason), Some(Reason::Timeout));
}
