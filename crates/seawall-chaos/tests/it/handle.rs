//! The plain doors: `call`, `pass`, `disarmed`; arming, events and snapshots.
#![expect(clippy::float_cmp, reason = "gauges that count, and settings as they were set")]

use std::{
    future::Future,
    io, panic,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_chaos::{Chaos, Clock, ConfigError, Event, Injected, Plan, Registry, Strike};
use seawall_core::{BoxError, Error, sync::Mutex};
use tokio::time::{Instant, timeout};
use tokio_test::{assert_pending, assert_ready, task};

type Outcome = Result<&'static str, Injected>;

const LONG: Duration = Duration::from_secs(86_400);
const DELAY: Duration = Duration::from_millis(200);

fn chaos() -> Result<Chaos, ConfigError> {
    Chaos::builder("db-a").seed(7).build()
}

async fn fetch(chaos: &Chaos) -> Outcome {
    chaos.call(|| async { Ok("row") }).await
}

fn held(chaos: &Chaos) -> f64 {
    chaos.snapshot().gauges["held"]
}

#[tokio::test(start_paused = true)]
async fn a_disarmed_chaos_does_nothing() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    let start = Instant::now();

    for _ in 0..1000 {
        assert_eq!(fetch(&chaos).await, Ok("row"));
        assert_eq!(chaos.strike(), None);
    }

    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(chaos.snapshot().counters["calls"], 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_latency_comes_before_the_call() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().latency(1.0, DELAY))?;
    let start = Instant::now();

    let called = chaos.call(|| async { Ok::<_, Injected>(start.elapsed()) }).await;

    assert_eq!(called, Ok(DELAY));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_after_the_latency_and_instead_of_the_call() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().latency(1.0, DELAY).error(1.0))?;
    let start = Instant::now();

    let outcome: Outcome = chaos.call(|| async { unreachable!("the call is not made") }).await;

    assert_eq!(outcome, Err(Injected::new("db-a", 0)));
    assert_eq!(start.elapsed(), DELAY);
    Ok(())
}

#[tokio::test]
async fn an_injected_error_is_found_in_any_error() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().error(1.0))?;

    let io: Result<(), io::Error> = chaos.call(|| async { Ok(()) }).await;
    let boxed: Result<(), BoxError> = chaos.call(|| async { Ok(()) }).await;
    let layered: Result<(), Error<Injected>> = chaos.call(|| async { Ok(()) }).await;

    assert_eq!(Injected::find(&io.unwrap_err()).map(Injected::call), Some(0));
    assert_eq!(Injected::find(&*boxed.unwrap_err()).map(Injected::call), Some(1));
    assert_eq!(Injected::find(&layered.unwrap_err()).map(Injected::call), Some(2));
    assert_eq!(Injected::find(&io::Error::other("a real one")), None);
    Ok(())
}

#[test]
fn a_panic_names_the_chaos() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().panic(1.0))?;
    let mut call = task::spawn(fetch(&chaos));

    let payload = panic::catch_unwind(panic::AssertUnwindSafe(|| call.poll())).unwrap_err();

    let message = payload.downcast_ref::<String>().expect("a message");
    assert_eq!(message, "`db-a`: this panic was injected by chaos (call 0)");
    Ok(())
}

#[test]
fn a_panic_harms_no_later_call() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().panic(1.0))?;
    let mut call = task::spawn(fetch(&chaos));
    assert!(panic::catch_unwind(panic::AssertUnwindSafe(|| call.poll())).is_err());
    drop(call);

    chaos.arm(Plan::new())?;

    assert_eq!(assert_ready!(task::spawn(fetch(&chaos)).poll()), Ok("row"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hung_call_hangs_until_it_is_dropped() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().hang(1.0))?;

    assert!(timeout(LONG, fetch(&chaos)).await.is_err());

    assert_eq!(held(&chaos), 0.0);
    Ok(())
}

#[test]
fn disarming_wakes_a_hung_call_which_then_is_made() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().hang(1.0))?;
    let mut call = task::spawn(fetch(&chaos));
    assert_pending!(call.poll());
    assert!(!call.is_woken());

    chaos.disarm();

    assert!(call.is_woken());
    assert_eq!(assert_ready!(call.poll()), Ok("row"));
    assert_eq!(held(&chaos), 0.0);
    Ok(())
}

#[test]
fn a_hung_call_needs_no_runtime() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().hang(1.0))?;

    assert_pending!(task::spawn(chaos.pass()).poll());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn disarming_ends_a_latency_and_calls_off_the_error_after_it() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().latency(1.0, Duration::from_secs(3600)).error(1.0))?;
    let start = Instant::now();
    let mut call = task::spawn(fetch(&chaos));
    assert_pending!(call.poll());

    chaos.disarm();

    assert!(call.is_woken());
    assert_eq!(assert_ready!(call.poll()), Ok("row"));
    assert_eq!(start.elapsed(), Duration::ZERO);
    Ok(())
}

#[test]
fn a_call_that_was_drawn_and_not_yet_polled_is_let_go_too() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    for plan in [Plan::new().error(1.0), Plan::new().panic(1.0), Plan::new().hang(1.0)] {
        chaos.arm(plan)?;
        let mut pass = task::spawn(chaos.pass());

        chaos.disarm();

        assert_eq!(assert_ready!(pass.poll()), Ok(()));
    }
    Ok(())
}

#[test]
fn arming_anew_lets_nobody_go_whom_disarming_did_not() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().hang(1.0))?;
    let mut before = task::spawn(chaos.pass());
    assert_pending!(before.poll());

    chaos.arm(Plan::new())?;
    assert!(!before.is_woken());
    assert_pending!(before.poll());

    chaos.disarm();
    chaos.arm(Plan::new().hang(1.0))?;
    assert_eq!(assert_ready!(before.poll()), Ok(()), "armed again, but it was let go before");
    Ok(())
}

#[test]
fn a_dropped_call_leaves_nothing_behind() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().hang(1.0))?;
    let mut calls = [(); 3].map(|()| Some(task::spawn(chaos.pass())));
    for call in calls.iter_mut().flatten() {
        assert_pending!(call.poll());
        assert_pending!(call.poll(), "polled twice, it has one place all the same");
    }
    assert_eq!(held(&chaos), 3.0);

    calls[1] = None;

    assert_eq!(held(&chaos), 2.0);
    chaos.disarm();
    assert!(calls.iter().flatten().all(task::Spawn::is_woken));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_finished_call_holds_no_place_before_it_is_dropped() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().latency(1.0, DELAY))?;
    let mut pass = pin!(chaos.pass());

    assert_eq!(pass.as_mut().await, Ok(()));

    assert_eq!(held(&chaos), 0.0);
    Ok(())
}

#[test]
fn whoever_hangs_by_hand_is_let_go_by_disarming() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    assert_ready!(task::spawn(chaos.disarmed()).poll());
    chaos.arm(Plan::new().hang(1.0))?;
    assert_eq!(chaos.strike(), Some(Strike::Hang));
    let mut over = task::spawn(chaos.disarmed());
    assert_pending!(over.poll());

    chaos.disarm();

    assert!(over.is_woken());
    assert_ready!(over.poll());
    assert_eq!(chaos.snapshot().counters["hangs"], 1, "waiting for the end is no strike");
    Ok(())
}

#[test]
fn clones_are_armed_and_counted_together() -> Result<(), ConfigError> {
    let [chaos, clone] = {
        let one = chaos()?;
        [one.clone(), one]
    };

    chaos.arm(Plan::new().error(1.0))?;

    assert_eq!(chaos.strike(), Some(Strike::Error(Injected::new("db-a", 0))));
    assert_eq!(clone.strike(), Some(Strike::Error(Injected::new("db-a", 1))));
    clone.disarm();
    assert!(!chaos.is_armed());
    Ok(())
}

#[test]
fn a_drill_ends_with_its_scope_even_by_a_panic() -> Result<(), ConfigError> {
    let chaos = chaos()?;

    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let _drill = chaos.drill(Plan::new().error(1.0)).expect("a good plan");
        assert!(chaos.is_armed());
        panic!("the test under drill fails");
    }));

    assert!(outcome.is_err());
    assert!(!chaos.is_armed());
    Ok(())
}

#[test]
fn a_drill_does_not_end_what_was_armed_after_it() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    let drill = chaos.drill(Plan::new().error(0.1))?;
    chaos.arm(Plan::new().error(0.2))?;

    drop(drill);

    assert_eq!(chaos.plan(), Some(Plan::new().error(0.2)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_each_turn_and_strike_in_order() -> Result<(), ConfigError> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let chaos = Chaos::builder("db-a")
        .seed(7)
        .on_event(move |event| ear.lock().push(event.to_string()))
        .build()?;

    chaos.arm(Plan::new().latency(1.0, DELAY).error(1.0))?;
    assert!(fetch(&chaos).await.is_err());
    chaos.disarm();
    chaos.disarm();

    let heard = heard.lock();
    assert_eq!(
        *heard,
        [
            "chaos `db-a` is armed with latency 1 of 200ms, error 1 (seed 7)",
            "chaos `db-a` struck call 0: latency of 200ms",
            "chaos `db-a` struck call 0: error",
            "chaos `db-a` is disarmed after 1 calls",
        ],
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_called_off_is_not_told_as_done() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().latency(1.0, DELAY).error(1.0))?;
    let mut call = task::spawn(fetch(&chaos));
    assert_pending!(call.poll());

    drop(call);

    let snapshot = chaos.snapshot();
    assert_eq!((snapshot.counters["latencies"], snapshot.counters["errors"]), (1, 0));
    Ok(())
}

#[test]
fn a_listener_may_disarm_after_so_many_strikes() -> Result<(), ConfigError> {
    let handle = Arc::new(OnceLock::<Chaos>::new());
    let strikes = AtomicU32::new(0);
    let own = handle.clone();
    let chaos = Chaos::builder("db-a")
        .on_event(move |event| {
            let struck = matches!(event, Event::Struck { .. });
            if struck && strikes.fetch_add(1, Relaxed) == 2 {
                own.get().expect("it was built").disarm();
            }
        })
        .build()?;
    handle.set(chaos.clone()).expect("once");
    chaos.arm(Plan::new().error(1.0))?;

    let struck = (0..10).filter_map(|_| chaos.strike()).count();

    assert_eq!(struck, 3);
    Ok(())
}

#[test]
fn a_listener_that_panics_harms_no_call() -> Result<(), ConfigError> {
    let chaos = Chaos::builder("db-a").on_event(|_| panic!("a bad listener")).build()?;

    chaos.arm(Plan::new().error(1.0))?;

    assert!(chaos.strike().is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_says_what_is_armed_and_what_was_done() -> Result<(), ConfigError> {
    let (clock, hand) = Clock::manual();
    let chaos = Chaos::builder("db-a").seed(7).clock(clock).build()?;
    assert_eq!(chaos.snapshot().state, "disarmed");
    chaos.arm(Plan::new().latency(1.0, DELAY).error(1.0))?;
    assert!(fetch(&chaos).await.is_err());
    hand.advance(Duration::from_secs(90));

    let snapshot = chaos.snapshot();

    assert_eq!((&*snapshot.pattern, &*snapshot.name, &*snapshot.state), ("chaos", "db-a", "armed"));
    assert_eq!(snapshot.gauges["armed_seconds"], 90.0);
    assert_eq!(snapshot.counters["calls"], 1);
    assert_eq!(snapshot.counters["errors"], 1);
    assert_eq!(snapshot.limits["latency_to"], 0.2);
    assert_eq!(snapshot.limits["error_share"], 1.0);
    Ok(())
}

#[test]
fn counters_go_on_where_a_new_drill_counts_from_zero() -> Result<(), ConfigError> {
    let chaos = chaos()?;
    chaos.arm(Plan::new().error(1.0))?;
    assert!(chaos.strike().is_some());
    chaos.disarm();

    chaos.arm(Plan::new().error(1.0))?;

    assert_eq!(chaos.strike(), Some(Strike::Error(Injected::new("db-a", 0))));
    assert_eq!(chaos.snapshot().counters["calls"], 2);
    Ok(())
}

#[test]
fn a_registry_lists_it_and_does_not_keep_it() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let chaos = chaos()?;
    chaos.register(&registry);
    chaos.arm(Plan::new().error(1.0))?;
    assert_eq!(registry.snapshots()[0].state, "armed");

    drop(chaos);

    assert!(registry.snapshots().is_empty());
    Ok(())
}

#[test]
fn a_chaos_without_a_name_is_refused() {
    assert_eq!(Chaos::builder("").build().unwrap_err().field(), "name");
}

#[test]
fn handles_and_futures_may_cross_threads() {
    fn assert_send_sync<T: Send + Sync + 'static>(_: &T) {}
    fn assert_send<T: Send>(_: T) {}
    fn no_error() -> impl Future<Output = Result<(), BoxError>> {
        std::future::ready(Ok(()))
    }

    let chaos = chaos().expect("it has a name");

    assert_send_sync(&chaos);
    assert_send_sync(&chaos.pass());
    assert_send(chaos.call(no_error));
    assert_send(chaos.disarmed());
}
