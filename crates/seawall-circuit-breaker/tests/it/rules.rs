//! What opens a circuit, and what does not.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_circuit_breaker::{
    Backoff, Cause, CircuitBreaker, CircuitBreakerBuilder, Clock, Jitter, Outcome, Reason, State,
    Throttle, Turn, Window,
};
use seawall_core::{ManualClock, Ratio};

const SECOND: Duration = Duration::from_secs(1);

/// A builder on a clock that stands still, opening for exactly a second.
fn builder() -> (CircuitBreakerBuilder, ManualClock) {
    let (clock, hand) = Clock::manual();
    let open_for = Backoff::constant(SECOND).jitter(Jitter::None);
    (CircuitBreaker::builder("test").clock(clock).open_for(open_for).seed(7), hand)
}

fn report(breaker: &CircuitBreaker, outcome: Outcome, times: usize) {
    for _ in 0..times {
        breaker.try_acquire().expect("it lets calls in").record(outcome);
    }
}

#[test]
fn a_window_of_ten_opens_at_the_tenth_failure_and_not_the_eleventh() {
    let (builder, _) = builder();
    let breaker = builder.window(Window::count(10)).minimum_calls(10).build().unwrap();

    report(&breaker, Outcome::Failure, 9);
    assert_eq!(breaker.state(), State::Closed);
    report(&breaker, Outcome::Failure, 1);

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn ten_thousand_successes_do_not_delay_the_opening() {
    let (builder, _) = builder();
    let breaker = builder.window(Window::count(100)).failure_rate(0.5).build().unwrap();

    report(&breaker, Outcome::Success, 10_000);
    report(&breaker, Outcome::Failure, 49);
    assert_eq!(breaker.state(), State::Closed);
    report(&breaker, Outcome::Failure, 1);

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn the_threshold_is_exact_for_every_size_and_percentage() {
    for size in 1..=100_u32 {
        for percent in 1..=100_u32 {
            let (builder, _) = builder();
            let breaker = builder
                .window(Window::count(size))
                .minimum_calls(size)
                .failure_rate(f64::from(percent) / 100.0)
                .build()
                .unwrap();
            let enough = (percent * size).div_ceil(100).max(1);

            report(&breaker, Outcome::Success, size as usize);
            report(&breaker, Outcome::Failure, enough as usize - 1);
            assert_eq!(breaker.state(), State::Closed, "{percent} % of {size}: too early");
            report(&breaker, Outcome::Failure, 1);

            assert_eq!(breaker.state(), State::Open, "{percent} % of {size}: too late");
        }
    }
}

#[test]
fn a_success_never_opens_a_circuit() {
    let (builder, _) = builder();
    let breaker = builder.window(Window::count(10)).minimum_calls(10).build().unwrap();

    report(&breaker, Outcome::Failure, 9);
    report(&breaker, Outcome::Success, 1); // nine of ten failed

    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn fewer_calls_than_the_minimum_say_nothing() {
    let (builder, _) = builder();
    let breaker = builder.window(Window::time(SECOND)).minimum_calls(5).build().unwrap();

    report(&breaker, Outcome::Failure, 4);
    assert_eq!(breaker.state(), State::Closed);
    report(&breaker, Outcome::Failure, 1);

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn the_failure_that_begins_a_slice_is_counted() {
    let (builder, hand) = builder();
    let breaker = builder.window(Window::time(SECOND)).minimum_calls(2).build().unwrap();

    report(&breaker, Outcome::Failure, 1);
    hand.advance(SECOND / 10);
    report(&breaker, Outcome::Failure, 1);

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_time_window_is_empty_after_any_idle_time() {
    let slice = SECOND / 10;
    // One window, its laps, and where the wrap of a slice's 16 bits could bring an old one back.
    for slices in [10, 11, 20, 100, 1 << 15, (1 << 16) - 1, 1 << 16, 1 << 17, 1 << 20] {
        let (builder, hand) = builder();
        let breaker = builder.window(Window::time(SECOND)).failure_rate(1.0).build().unwrap();
        report(&breaker, Outcome::Failure, 15);
        report(&breaker, Outcome::Success, 1);

        hand.advance(slice * slices);

        assert_eq!(breaker.snapshot().gauges["window_calls"] as u64, 0, "after {slices} slices");
        report(&breaker, Outcome::Failure, 1);
        assert_eq!(breaker.snapshot().gauges["window_calls"] as u64, 1, "after {slices} slices");
        assert_eq!(breaker.snapshot().counters["calls"], 17);
    }
}

#[test]
fn a_bucket_that_would_overflow_keeps_its_rate_and_its_count() {
    let (builder, _) = builder();
    let breaker = builder
        .window(Window::time(SECOND))
        .failure_rate(0.9)
        .minimum_calls(100_000)
        .lanes(1)
        .build()
        .unwrap();

    for _ in 0..400_000 {
        report(&breaker, Outcome::Success, 3);
        report(&breaker, Outcome::Failure, 1);
    }

    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.counters["calls"], 1_600_000);
    assert_eq!(snapshot.counters["failures"], 400_000);
    assert!((snapshot.gauges["failure_rate"] - 0.25).abs() < 0.01, "{snapshot:?}");
    assert!(snapshot.gauges["window_calls"] >= 100_000.0, "{snapshot:?}");
}

#[test]
fn a_call_that_takes_exactly_the_limit_is_not_slow() {
    let (builder, hand) = builder();
    let breaker = builder.slow_call(SECOND, 1.0).minimum_calls(1).build().unwrap();

    let permit = breaker.try_acquire().unwrap();
    hand.advance(SECOND);
    permit.success();
    assert_eq!(breaker.state(), State::Closed);

    breaker.reset();
    let permit = breaker.try_acquire().unwrap();
    hand.advance(SECOND + Duration::from_nanos(1));
    permit.success();
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_caller_who_gives_up_on_a_hanging_call_does_not_hide_it() {
    let (builder, hand) = builder();
    let breaker = builder.slow_call(SECOND, 1.0).minimum_calls(2).build().unwrap();

    for _ in 0..2 {
        let permit = breaker.try_acquire().unwrap();
        hand.advance(SECOND * 2);
        drop(permit);
    }

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_cancelled_call_counts_as_the_user_says() {
    for (outcome, state) in [
        (Outcome::Ignored, State::Closed),
        (Outcome::Success, State::Closed),
        (Outcome::Failure, State::Open),
    ] {
        let (builder, _) = builder();
        let breaker = builder.consecutive_failures(3).on_cancel(outcome).build().unwrap();

        for _ in 0..3 {
            drop(breaker.try_acquire().unwrap());
        }

        assert_eq!(breaker.state(), state, "{outcome:?}");
    }
}

#[test]
fn a_hundred_panics_open_the_circuit() {
    let (builder, _) = builder();
    let breaker = builder.failure_rate(None).consecutive_failures(100).build().unwrap();

    for _ in 0..100 {
        // As a panic, but for the line on standard error.
        let panics = || -> Result<(), ()> { std::panic::resume_unwind(Box::new("on purpose")) };
        let call = std::panic::AssertUnwindSafe(|| breaker.call_blocking(panics));
        std::panic::catch_unwind(call).unwrap_err();
    }

    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn calls_that_hang_open_the_circuit_though_none_has_come_back() {
    let (builder, hand) = builder();
    let causes = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&causes);
    let breaker = builder
        .hung_calls(SECOND * 2, 20)
        .on_event(move |event| told.lock().push(event.turn.clone()))
        .build()
        .unwrap();
    let hanging: Vec<_> = (0..20).map(|_| breaker.try_acquire().unwrap()).collect();

    hand.advance(SECOND * 2);
    drop(breaker.try_acquire().expect("none has hung for longer than the limit"));
    hand.advance(SECOND * 2 / 8 + Duration::from_millis(1));
    let refused = breaker.try_acquire().unwrap_err();

    assert_eq!(refused.reason(), Reason::CircuitOpen);
    let Turn::Opened { cause: Cause::HungCalls { hung, .. }, .. } = causes.lock()[0] else {
        panic!("{causes:?}");
    };
    assert_eq!(hung, 20);
    drop(hanging);
}

#[test]
fn calls_that_came_back_do_not_hang() {
    let (builder, hand) = builder();
    let breaker = builder.hung_calls(SECOND, 1).build().unwrap();

    for _ in 0..100 {
        let permit = breaker.try_acquire().unwrap();
        hand.advance(SECOND / 2);
        permit.success();
    }
    // Older than the ring reaches, and ended after its slot was taken.
    let permit = breaker.try_acquire().unwrap();
    for _ in 0..7 {
        hand.advance(SECOND / 8);
        breaker.try_acquire().unwrap().success();
    }
    permit.success();
    hand.advance(SECOND * 10);

    assert!(breaker.try_acquire().is_ok());
    assert_eq!(breaker.snapshot().gauges["hung_calls"] as u64, 0);
}

#[test]
fn the_throttle_rejects_the_share_that_would_fail() {
    let (builder, _) = builder();
    let throttle = Throttle::default();
    let breaker = builder.failure_rate(None).throttle(throttle).build().unwrap();
    let mut rejected = 0;

    // A dependency that accepts one in five.
    for call in 0..20_000 {
        match breaker.try_acquire() {
            Ok(permit) if call % 5 == 0 => permit.success(),
            Ok(permit) => permit.failure(),
            Err(refused) => {
                assert_eq!(refused.reason(), Reason::Overloaded);
                rejected += 1;
            }
        }
    }

    // Sent is k times what is accepted: with p rejected, (1-p) sent and (1-p)/5 accepted, the
    // formula settles where p = 1 - 2 (1-p) / 5, which is 1 - 2/5 + 2p/5 = p at p = 1, and the bound
    // of 95 % holds it there.
    let share = f64::from(rejected) / 20_000.0;
    assert!((0.85..=0.95).contains(&share), "rejected {share}");
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn the_throttle_lets_everything_through_while_half_is_accepted() {
    let (builder, _) = builder();
    let breaker = builder.failure_rate(None).throttle(Throttle::default()).build().unwrap();

    for _ in 0..10_000 {
        report(&breaker, Outcome::Success, 1);
        report(&breaker, Outcome::Failure, 1);
    }

    assert_eq!(breaker.snapshot().counters["rejected"], 0);
}

#[test]
fn the_throttle_does_not_reject_what_has_not_come_back_yet() {
    let (builder, _) = builder();
    let breaker = builder.failure_rate(None).throttle(Throttle::default()).build().unwrap();

    let in_flight: Vec<_> = (0..20).map(|_| breaker.try_acquire()).collect();

    assert!(in_flight.iter().all(Result::is_ok));
}

#[test]
fn a_throttled_dependency_that_heals_gets_its_traffic_back() {
    let (builder, hand) = builder();
    let throttle = Throttle { over: SECOND * 10, ..Throttle::default() };
    let breaker = builder.failure_rate(None).throttle(throttle).build().unwrap();
    let run = |seconds: usize, outcome: Outcome| {
        let mut let_in = 0;
        for _ in 0..seconds * 100 {
            hand.advance(SECOND / 100);
            if let Ok(permit) = breaker.try_acquire() {
                permit.record(outcome);
                let_in += 1;
            }
        }
        let_in
    };

    let sick = run(20, Outcome::Failure);
    assert!(sick < 400, "{sick} of 2000 reached a dead dependency");
    run(60, Outcome::Success);

    assert_eq!(run(5, Outcome::Success), 500);
}

#[test]
fn a_breaker_that_only_watches_rejects_nothing_and_tells() {
    let (builder, _) = builder();
    let turns = Arc::new(Mutex::new(0));
    let told = Arc::clone(&turns);
    let breaker = builder
        .consecutive_failures(2)
        .enforce(0.0)
        .on_event(move |_| *told.lock() += 1)
        .build()
        .unwrap();

    report(&breaker, Outcome::Failure, 50);

    assert_eq!(breaker.state(), State::Open);
    assert_eq!(*turns.lock(), 1);
    assert_eq!(breaker.snapshot().counters["let_through"], 48);
}

#[test]
fn partial_enforcement_means_that_share_of_the_rejections() {
    let (builder, _) = builder();
    let breaker = builder.enforce(0.25).build().unwrap();
    breaker.force_open();

    let rejected = (0..10_000).filter(|_| breaker.try_acquire().is_err()).count();

    assert!((2_300..2_700).contains(&rejected), "{rejected} of 10000");
}

#[test]
fn one_lost_call_in_a_thousand_is_compared_as_a_whole_number() {
    assert!(Ratio::of(1, 1_000) >= Ratio::new(0.001).unwrap());
}
