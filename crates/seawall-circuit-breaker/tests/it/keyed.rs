//! Circuits by key: shared, bounded, and the right ones thrown out.

use std::time::Duration;

use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakers, Clock, State};

fn keyed(max_keys: usize) -> CircuitBreakers<u64> {
    let builder = CircuitBreaker::builder("keys").consecutive_failures(1);
    builder.keyed().max_keys(max_keys).build().expect("sound settings")
}

#[test]
fn the_same_key_has_the_same_circuit() {
    let breakers = keyed(100);

    breakers.get(&1).try_acquire().unwrap().failure();

    assert_eq!(breakers.clone().get(&1).state(), State::Open);
    assert_eq!(breakers.get(&2).state(), State::Closed);
}

#[test]
fn a_flood_of_keys_takes_no_more_than_its_room() {
    let breakers = keyed(1_000);

    for key in 0..100_000 {
        drop(breakers.get(&key));
    }

    let snapshot = breakers.snapshot();
    assert!(snapshot.gauges["keys"] <= snapshot.limits["max_keys"], "{snapshot:?}");
    assert!((1_000.0..1_100.0).contains(&snapshot.limits["max_keys"]), "{snapshot:?}");
    assert_eq!(snapshot.counters["evicted"] as usize, 100_000 - breakers.len());
}

#[test]
fn a_flood_of_keys_does_not_close_what_is_open_nor_take_what_is_in_use() {
    let breakers = keyed(1_000);
    breakers.get(&u64::MAX).open_for(Duration::from_secs(3600));
    let held = breakers.get(&(u64::MAX - 1));

    for key in 0..100_000 {
        drop(breakers.get(&key));
    }

    assert_eq!(breakers.peek(&u64::MAX).map(|breaker| breaker.state()), Some(State::Open));
    held.force_open();
    let same = breakers.peek(&(u64::MAX - 1)).expect("it was in use");
    assert_eq!(same.state(), State::ForcedOpen);
}

#[test]
fn what_is_idle_goes_when_it_is_told_to() {
    let (clock, hand) = Clock::manual();
    let breakers: CircuitBreakers<String> = CircuitBreaker::builder("keys")
        .clock(clock)
        .keyed()
        .idle_after(Duration::from_secs(60))
        .build()
        .unwrap();
    drop(breakers.get("old"));
    hand.advance(Duration::from_secs(40));
    drop(breakers.get("young"));
    hand.advance(Duration::from_secs(20));

    breakers.evict_idle();

    let mut keys = Vec::new();
    breakers.for_each(|key, _| keys.push(key.clone()));
    assert_eq!(keys, ["young"]);
}

#[test]
fn a_key_that_is_removed_starts_afresh() {
    let breakers = keyed(10);
    breakers.get(&1).force_open();

    assert!(breakers.remove(&1));

    assert!(!breakers.remove(&1));
    assert_eq!(breakers.get(&1).state(), State::Closed);
}

#[test]
fn no_room_at_all_is_refused() {
    for max_keys in [0, usize::MAX] {
        let builder = CircuitBreaker::builder("keys").keyed().max_keys(max_keys);
        let error = builder.build::<u64>().unwrap_err();
        assert_eq!((error.field(), error.rule()), ("max_keys", "from 1 to 16777216"));
    }
}

#[test]
fn keys_are_not_shown() {
    let breakers: CircuitBreakers<String> =
        CircuitBreaker::builder("keys").keyed().build().unwrap();
    drop(breakers.get("a-secret"));

    assert!(!format!("{breakers:?} {:?}", breakers.snapshot()).contains("a-secret"));
}
