//! Real threads on real atomics, as many calls as fit into a moment: what loom's small models leave out,
//! and what ThreadSanitizer is run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which
//! does not see into the standard library.

#![cfg(not(seawall_loom))]

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_circuit_breaker::{
    Backoff, CircuitBreaker, CircuitBreakers, Clock, Jitter, Outcome, State, Turn, Window,
};
use seawall_core::sync::unmodelled::{AtomicU64, Ordering::Relaxed};

const THREADS: u64 = 4;
const CALLS: u64 = 20_000;

fn hammer(hit: impl Fn(u64, u64) + Send + Sync + 'static) {
    let hit = Arc::new(hit);
    let start = |thread| {
        let hit = Arc::clone(&hit);
        thread::spawn(move || (0..CALLS).for_each(|call| hit(thread, call)))
    };
    let threads: Vec<JoinHandle<()>> = (0..THREADS).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
}

#[test]
fn nothing_is_lost_in_either_window() {
    for window in [Window::count(1_000), Window::time(Duration::from_secs(3600))] {
        let (clock, _) = Clock::manual();
        let breaker = CircuitBreaker::builder("stress")
            .clock(clock)
            .window(window)
            .failure_rate(1.0)
            .build()
            .unwrap();
        let shared = breaker.clone();

        hammer(move |_, call| {
            let permit = shared.try_acquire().expect("a third fails, and all would have to");
            permit.record(if call % 3 == 0 { Outcome::Failure } else { Outcome::Success });
        });

        let snapshot = breaker.snapshot();
        assert_eq!(snapshot.counters["calls"], THREADS * CALLS);
        assert_eq!(snapshot.counters["failures"], THREADS * CALLS.div_ceil(3));
        let rate = snapshot.gauges["failure_rate"];
        assert!((0.3..0.37).contains(&rate), "{rate}");
    }
}

#[test]
fn never_more_probes_than_allowed_while_it_turns() {
    const PROBES: u64 = 3;
    let (clock, hand) = Clock::manual();
    let turns = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&turns);
    let breaker = CircuitBreaker::builder("stress")
        .clock(clock)
        .consecutive_failures(2)
        .half_open_probes(PROBES as u32)
        .probe_lease(Duration::from_secs(3600))
        .open_for(Backoff::constant(Duration::from_millis(1)).jitter(Jitter::None))
        .on_event(move |event| {
            if let Turn::Opened { .. } = event.turn {
                told.fetch_add(1, Relaxed);
            }
        })
        .build()
        .unwrap();
    let in_flight = Arc::new(AtomicU64::new(0));
    let shared = breaker.clone();

    hammer(move |thread, call| {
        hand.advance(Duration::from_micros(50));
        let Ok(permit) = shared.try_acquire() else {
            return;
        };
        if permit.is_probe() {
            // Probes of two generations can overlap by those that are late; never by more than a set.
            let probes = in_flight.fetch_add(1, Relaxed) + 1;
            assert!(probes <= PROBES + THREADS, "{probes} probes");
            in_flight.fetch_sub(1, Relaxed);
        }
        match (call + thread) % 5 {
            0 => drop(permit),
            1 | 2 => permit.failure(),
            _ => permit.success(),
        }
    });

    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.counters["opened"], turns.load(Relaxed), "each opening is told once");
    assert!(snapshot.counters["opened"] > 0);
}

#[test]
fn a_circuit_that_hangs_in_no_state_is_closed_in_the_end() {
    let (clock, hand) = Clock::manual();
    let breaker = CircuitBreaker::builder("stress")
        .clock(clock)
        .consecutive_failures(3)
        .hung_calls(Duration::from_secs(1), 100)
        .open_for(Backoff::constant(Duration::from_millis(1)).jitter(Jitter::None))
        .build()
        .unwrap();
    let shared = breaker.clone();
    let moved = hand.clone();

    hammer(move |_, call| {
        moved.advance(Duration::from_micros(100));
        if let Ok(permit) = shared.try_acquire() {
            permit.record(if call % 2 == 0 { Outcome::Failure } else { Outcome::Success });
        }
    });
    for _ in 0..100 {
        hand.advance(Duration::from_millis(2));
        if let Ok(permit) = breaker.try_acquire() {
            permit.success();
        }
    }

    assert_eq!(breaker.state(), State::Closed);
    hand.advance(Duration::from_secs(60));
    assert_eq!(breaker.snapshot().gauges["hung_calls"] as u64, 0, "all calls have ended");
}

#[test]
fn keys_come_and_go_under_a_flood() {
    let breakers: CircuitBreakers<u64> =
        CircuitBreaker::builder("stress").keyed().max_keys(64).build().unwrap();
    let shared = breakers.clone();

    hammer(move |thread, call| {
        let breaker = shared.get(&(call * THREADS + thread));
        breaker.try_acquire().expect("a fresh key's circuit is closed").success();
    });

    assert!(breakers.len() <= 64);
}
