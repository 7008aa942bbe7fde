//! Bulkheads by key: shared, bounded, and the right ones thrown out.

use std::time::Duration;

use seawall_bulkhead::{Bulkhead, Bulkheads, Clock};

fn keyed(max_keys: usize) -> Bulkheads<u64> {
    let builder = Bulkhead::builder("keys").limit(1).keyed().max_keys(max_keys);
    builder.build().expect("sound settings")
}

#[test]
fn the_same_key_has_the_same_bulkhead_and_another_has_another() {
    let bulkheads = keyed(100);

    let permit = bulkheads.get(&1).try_acquire_owned().expect("it is empty");

    assert!(bulkheads.clone().get(&1).try_acquire().is_err());
    assert!(bulkheads.get(&2).try_acquire().is_ok());
    drop(permit);
    assert!(bulkheads.get(&1).try_acquire().is_ok());
}

#[test]
fn a_flood_of_keys_takes_no_more_than_its_room_nor_what_is_in_use() {
    let bulkheads = keyed(1_000);
    let permit = bulkheads.get(&u64::MAX).try_acquire_owned().expect("it is empty");

    for key in 0..100_000 {
        drop(bulkheads.get(&key));
    }

    let snapshot = bulkheads.snapshot();
    assert!(snapshot.gauges["keys"] <= snapshot.limits["max_keys"], "{snapshot:?}");
    assert_eq!(snapshot.counters["evicted"] as usize, 100_001 - bulkheads.len());
    let same = bulkheads.peek(&u64::MAX).expect("a place of it is held");
    assert_eq!(same.in_flight(), 1);
    drop(permit);
}

#[test]
fn what_is_idle_and_empty_goes_when_it_is_told_to() {
    let (clock, hand) = Clock::manual();
    let bulkheads: Bulkheads<String> = Bulkhead::builder("keys")
        .clock(clock)
        .keyed()
        .idle_after(Duration::from_secs(60))
        .build()
        .expect("sound settings");
    let permit = bulkheads.get("held").try_acquire_owned().expect("it is empty");
    drop(bulkheads.get("idle"));
    hand.advance(Duration::from_secs(59));
    drop(bulkheads.get("fresh"));
    hand.advance(Duration::from_secs(1));

    bulkheads.evict_idle();

    let mut left = Vec::new();
    bulkheads.for_each(|key, _| left.push(key.clone()));
    left.sort();
    assert_eq!(left, ["fresh", "held"]);
    drop(permit);
}

#[test]
fn a_key_that_is_removed_begins_anew() {
    let bulkheads = keyed(100);
    let permit = bulkheads.get(&1).try_acquire_owned().expect("it is empty");

    assert!(bulkheads.remove(&1));

    assert!(bulkheads.get(&1).try_acquire().is_ok());
    assert!(!bulkheads.remove(&2));
    drop(permit);
}

#[test]
fn too_many_keys_are_refused_when_it_is_built() {
    let error = Bulkhead::builder("keys").keyed().max_keys(0).build::<u64>().unwrap_err();

    assert_eq!(error.field(), "max_keys");
}
