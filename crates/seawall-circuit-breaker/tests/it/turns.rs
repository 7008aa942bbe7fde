//! How a circuit opens, tries, and closes again.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_circuit_breaker::{
    Backoff, CircuitBreaker, CircuitBreakerBuilder, Clock, Jitter, Outcome, State, Turn, Window,
};
use seawall_core::{ManualClock, Nanos};

const SECOND: Duration = Duration::from_secs(1);

fn builder() -> (CircuitBreakerBuilder, ManualClock) {
    let (clock, hand) = Clock::manual();
    let open_for = Backoff::constant(SECOND).jitter(Jitter::None);
    (CircuitBreaker::builder("test").clock(clock).open_for(open_for).seed(7), hand)
}

/// A breaker that has just become half-open.
fn half_open(builder: CircuitBreakerBuilder, hand: &ManualClock) -> CircuitBreaker {
    let breaker = builder.consecutive_failures(1).build().expect("sound settings");
    breaker.try_acquire().expect("closed").failure();
    hand.advance(SECOND);
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

#[test]
fn a_rejection_says_when_to_come_back() {
    let (builder, hand) = builder();
    let breaker = builder.consecutive_failures(1).build().unwrap();
    breaker.try_acquire().unwrap().failure();

    hand.advance(Duration::from_millis(400));

    let refused = breaker.try_acquire().unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(600)));
    assert_eq!(refused.name(), "test");
}

#[test]
fn a_late_success_of_an_earlier_state_closes_nothing() {
    let (builder, hand) = builder();
    let breaker = builder.consecutive_failures(1).build().unwrap();
    let late = breaker.try_acquire().unwrap();
    breaker.try_acquire().unwrap().failure();
    hand.advance(SECOND);
    let probe = breaker.try_acquire().unwrap();

    late.success();

    assert!(probe.is_probe());
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(breaker.snapshot().counters["stale"], 1);
}

#[test]
fn a_late_cancel_of_an_earlier_state_frees_no_place() {
    let (builder, hand) = builder();
    let breaker = builder.consecutive_failures(1).half_open_probes(1).build().unwrap();
    let late = breaker.try_acquire().unwrap();
    breaker.try_acquire().unwrap().failure();
    hand.advance(SECOND);
    let probe = breaker.try_acquire().unwrap();

    drop(late);

    assert!(breaker.try_acquire().is_err());
    drop(probe);
}

#[test]
fn never_more_probes_than_are_allowed() {
    let (builder, hand) = builder();
    let breaker = half_open(builder.half_open_probes(3), &hand);

    let admitted: Vec<_> = (0..32).filter_map(|_| breaker.try_acquire().ok()).collect();

    assert_eq!(admitted.len(), 3);
}

#[test]
fn a_dropped_probe_frees_its_place() {
    let (builder, hand) = builder();
    let breaker = half_open(builder.half_open_probes(1), &hand);

    for _ in 0..1_000 {
        drop(breaker.try_acquire().expect("the last one's place is free again"));
    }

    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn a_probe_that_is_ignored_neither_closes_nor_wedges() {
    let (builder, hand) = builder();
    let breaker = half_open(builder.half_open_probes(1), &hand);

    for _ in 0..1_000 {
        breaker.try_acquire().expect("there is a place").record(Outcome::Ignored);
    }

    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn a_hung_probe_wedges_nothing() {
    let (builder, hand) = builder();
    let breaker = half_open(builder.half_open_probes(1).probe_lease(SECOND * 5), &hand);
    let hung = breaker.try_acquire().unwrap();
    hand.advance(SECOND * 5);

    let refused = breaker.try_acquire().unwrap_err();
    assert_eq!(refused.retry_after(), Some(SECOND), "its probe has failed: open again");
    hand.advance(SECOND);
    breaker.try_acquire().expect("the next probe").success();
    assert_eq!(breaker.state(), State::Closed);

    hung.failure();
    assert_eq!(breaker.state(), State::Closed, "the lost probe no longer counts");
}

#[test]
fn a_service_with_little_traffic_recovers() {
    let (builder, hand) = builder();
    let window = Window::time(Duration::from_millis(50));
    let breaker = half_open(builder.window(window).half_open_probes(3), &hand);

    for _ in 0..3 {
        hand.advance(Duration::from_millis(60)); // longer than the window
        breaker.try_acquire().expect("a probe").success();
    }

    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn the_verdict_comes_as_soon_as_it_is_certain() {
    let (builder, hand) = builder();
    let breaker = half_open(builder.failure_rate(0.5).half_open_probes(10), &hand);
    let probes: Vec<_> = (0..10).map(|_| breaker.try_acquire().unwrap()).collect();

    let mut probes = probes.into_iter();
    probes.by_ref().take(5).for_each(|probe| probe.failure());
    assert_eq!(breaker.state(), State::Open);
    probes.for_each(|probe| probe.success());

    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.snapshot().counters["stale"], 5);
}

#[test]
fn a_probe_as_slow_as_what_opened_the_circuit_does_not_close_it() {
    let (builder, hand) = builder();
    let breaker = half_open(builder.slow_call(SECOND, 0.5).half_open_probes(1), &hand);

    let probe = breaker.try_acquire().unwrap();
    hand.advance(SECOND * 2);
    probe.success();

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn each_opening_in_a_row_lasts_longer_and_a_stable_time_starts_over() {
    let (builder, hand) = builder();
    let open_for = Backoff::exponential(SECOND).max(SECOND * 6).jitter(Jitter::None);
    let breaker = builder
        .consecutive_failures(1)
        .half_open_probes(1)
        .open_for(open_for)
        .stable_after(SECOND * 60)
        .build()
        .unwrap();
    let mut waits = Vec::new();
    let mut fail_and_wait = || {
        breaker.try_acquire().unwrap().failure();
        let wait = breaker.try_acquire().unwrap_err().retry_after().unwrap();
        waits.push(wait.as_secs());
        hand.advance(wait);
    };

    fail_and_wait();
    fail_and_wait();
    fail_and_wait();
    fail_and_wait();
    breaker.try_acquire().unwrap().success();
    hand.advance(SECOND * 59); // not stable yet
    fail_and_wait();
    breaker.try_acquire().unwrap().success();
    hand.advance(SECOND * 60);
    fail_and_wait();

    assert_eq!(waits, [1, 2, 4, 6, 6, 1]);
}

#[test]
fn open_times_stay_under_the_cap_and_differ() {
    let (clock, hand) = Clock::manual();
    let breaker = CircuitBreaker::builder("test")
        .clock(clock)
        .consecutive_failures(1)
        .half_open_probes(1)
        .open_for(Backoff::exponential(SECOND).max(SECOND * 8).jitter(Jitter::Equal))
        .seed(3)
        .build()
        .unwrap();
    let mut waits = Vec::new();

    for _ in 0..70 {
        breaker.try_acquire().unwrap().failure();
        waits.push(breaker.try_acquire().unwrap_err().retry_after().unwrap());
        hand.advance(SECOND * 8 + Duration::from_millis(1));
    }

    let at_the_cap = &waits[4..];
    assert!(at_the_cap.iter().all(|wait| (SECOND * 4..=SECOND * 8).contains(wait)), "{waits:?}");
    let mut distinct = at_the_cap.to_vec();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() > 60, "{waits:?}");
}

#[test]
fn the_ramp_lets_a_growing_share_in() {
    let (builder, hand) = builder();
    let ramp = SECOND * 30;
    let breaker =
        builder.consecutive_failures(1).half_open_probes(1).ramp(ramp, 0.1).build().unwrap();
    breaker.try_acquire().unwrap().failure();
    hand.advance(SECOND);
    breaker.try_acquire().unwrap().success();
    assert_eq!(breaker.state(), State::Ramp);

    for second in 0..30 {
        let let_in = (0..1_000)
            .filter(|_| breaker.try_acquire().map(|permit| permit.success()).is_ok())
            .count();
        let share = 0.1 + 0.9 * f64::from(second) / 30.0;
        let sigma = (1_000.0 * share * (1.0 - share)).sqrt();
        let off = (let_in as f64 - 1_000.0 * share).abs();
        assert!(off <= 4.0 * sigma, "{let_in} of 1000 in second {second}");
        hand.advance(SECOND);
    }

    assert!(breaker.try_acquire().is_ok());
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_failure_on_the_ramp_opens_again_for_longer() {
    let (builder, hand) = builder();
    let open_for = Backoff::exponential(SECOND).jitter(Jitter::None);
    let breaker = builder
        .consecutive_failures(1)
        .half_open_probes(0)
        .ramp(SECOND * 30, 1.0)
        .open_for(open_for)
        .build()
        .unwrap();
    breaker.try_acquire().unwrap().failure();
    hand.advance(SECOND);

    let permit = breaker.try_acquire().unwrap();
    assert_eq!(breaker.state(), State::Ramp);
    permit.failure();

    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(SECOND * 2));
}

#[test]
fn what_is_forced_open_stays_open() {
    let (builder, hand) = builder();
    let breaker = builder.build().unwrap();

    breaker.force_open();
    hand.advance(SECOND * 1_000);

    let refused = breaker.try_acquire().unwrap_err();
    assert_eq!(refused.retry_after(), None);
    assert_eq!(breaker.state(), State::ForcedOpen);
}

#[test]
fn what_is_forced_closed_watches_nothing() {
    let (builder, _) = builder();
    let breaker = builder.consecutive_failures(1).build().unwrap();

    breaker.force_closed();
    for _ in 0..100 {
        breaker.try_acquire().unwrap().failure();
    }

    assert_eq!(breaker.state(), State::ForcedClosed);
    assert_eq!(breaker.snapshot().counters["failures"], 0);
}

#[test]
fn what_is_disabled_tells_once_what_it_would_do() {
    let (builder, _) = builder();
    let turns = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&turns);
    let breaker = builder
        .consecutive_failures(3)
        .on_event(move |event| told.lock().push(event.turn.clone()))
        .build()
        .unwrap();

    breaker.disable();
    for _ in 0..100 {
        breaker.try_acquire().unwrap().failure();
    }

    let turns = turns.lock();
    assert!(matches!(turns[..], [Turn::Disabled, Turn::WouldOpen { .. }]), "{turns:?}");
    assert_eq!(breaker.snapshot().counters["failures"], 100);
}

#[test]
fn a_reset_forgets_what_the_window_holds_and_what_is_in_flight() {
    let (builder, _) = builder();
    let breaker = builder.window(Window::count(10)).minimum_calls(10).build().unwrap();
    for _ in 0..9 {
        breaker.try_acquire().unwrap().failure();
    }
    let in_flight: Vec<_> = (0..100).map(|_| breaker.try_acquire().unwrap()).collect();

    breaker.reset();
    in_flight.into_iter().for_each(|permit| permit.failure());

    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.snapshot().gauges["window_calls"] as u64, 0);
    assert_eq!(breaker.snapshot().counters["stale"], 100);
}

#[test]
fn a_thousand_resets_bring_nothing_back() {
    let (builder, _) = builder();
    let window = Window::time(SECOND);
    let breaker = builder.window(window).minimum_calls(2).failure_rate(1.0).build().unwrap();

    for _ in 0..1_000 {
        breaker.try_acquire().unwrap().failure();
        assert_eq!(breaker.snapshot().gauges["window_calls"] as u64, 1);
        breaker.reset();
    }

    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn an_outage_of_weeks_does_not_make_the_window_blind() {
    for window in [Window::count(8), Window::time(SECOND * 10)] {
        let (builder, hand) = builder();
        let breaker = builder
            .window(window)
            .minimum_calls(8)
            .failure_rate(1.0)
            .consecutive_failures(5)
            .half_open_probes(1)
            .build()
            .unwrap();
        // No call is counted while probes fail, and each failure is two turns.
        for turns in [1_500, 3_000, 5_000, 20_000, 40_000] {
            for _ in 0..5 {
                breaker.try_acquire().unwrap().failure();
            }
            for _ in 0..turns {
                hand.advance(SECOND);
                breaker.try_acquire().expect("a probe").failure();
            }
            hand.advance(SECOND);
            breaker.try_acquire().expect("a probe").success();

            for calls in 1..=4_u64 {
                breaker.try_acquire().expect("closed").failure();
                assert_eq!(breaker.snapshot().gauges["window_calls"] as u64, calls);
                assert_eq!(breaker.snapshot().gauges["failures_in_a_row"] as u64, calls);
            }
            breaker.try_acquire().expect("closed").success();
        }
    }
}

#[test]
fn a_dependency_can_say_itself_when_it_is_back() {
    let (builder, hand) = builder();
    let breaker = builder.build().unwrap();

    breaker.open_for(Duration::from_secs(120));

    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(Duration::from_secs(120)));
    hand.advance(Duration::from_secs(120));
    assert!(breaker.try_acquire().unwrap().is_probe());
}

#[test]
fn a_clock_that_is_set_back_opens_nothing_early() {
    let (builder, hand) = builder();
    let breaker = builder.consecutive_failures(1).slow_call(SECOND, 1.0).build().unwrap();
    breaker.try_acquire().unwrap().failure();

    hand.set(Nanos::from_secs(10)); // nearly an hour before it was built

    assert!(breaker.try_acquire().is_err());
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_listener_may_call_back_and_may_panic() {
    let (builder, _) = builder();
    let itself: Arc<Mutex<Option<CircuitBreaker>>> = Arc::default();
    let inner = Arc::clone(&itself);
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    let breaker = builder
        .consecutive_failures(1)
        .on_event(|_| std::panic::resume_unwind(Box::new("on purpose")))
        .on_event(move |_| {
            let breaker = inner.lock().clone();
            *told.lock() = breaker.map(|breaker| breaker.state());
        })
        .build()
        .unwrap();
    *itself.lock() = Some(breaker.clone());

    breaker.try_acquire().unwrap().failure();

    assert_eq!(*seen.lock(), Some(State::Open), "it is told after the turn");
    assert_eq!(breaker.state(), State::Open);
    itself.lock().take();
}

#[test]
fn settings_change_while_calls_are_in_flight() {
    let (builder, _) = builder();
    let breaker = builder.failure_rate(1.0).build().unwrap();
    let in_flight = breaker.try_acquire().unwrap();
    for _ in 0..30 {
        breaker.try_acquire().unwrap().success();
    }

    let mut config = breaker.config();
    config.consecutive_failures = Some(1);
    breaker.reconfigure(config).unwrap();
    in_flight.failure();

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn what_is_fixed_once_built_is_refused_and_changes_nothing() {
    let (builder, _) = builder();
    let breaker = builder.build().unwrap();
    let before = breaker.config();

    let mut config = before.clone();
    config.consecutive_failures = Some(1);
    config.window = Window::count(7);
    let error = breaker.reconfigure(config).unwrap_err();

    assert_eq!(error.field(), "window");
    assert!(error.to_string().contains("build a new breaker"), "{error}");
    assert_eq!(breaker.config(), before);
    breaker.try_acquire().unwrap().failure();
    assert_eq!(breaker.state(), State::Closed);
}
