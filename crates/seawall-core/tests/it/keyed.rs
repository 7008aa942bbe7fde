//! The map of keyed handles: one value a key, bounded, and the right ones thrown out.

#![cfg(feature = "keyed")]

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use seawall_core::{
    Nanos,
    keyed::{KeyedConfig, KeyedMap},
};

/// At rest where nobody holds another clone of it, as a handle is.
type Value = Arc<u64>;

fn map(max_keys: usize) -> KeyedMap<u64, Value> {
    let config = KeyedConfig { max_keys, ..KeyedConfig::default() };
    config.build(|value| Arc::strong_count(value) == 1).expect("sound settings")
}

/// Asks for a key at some second; a value that is made now is equal to its key.
fn ask(map: &KeyedMap<u64, Value>, key: u64, second: u64) -> Value {
    map.get_or_make(&key, Nanos::from_secs(second), || Arc::new(key))
}

fn keys<V>(map: &KeyedMap<u64, V>) -> Vec<u64> {
    let mut keys = Vec::new();
    map.for_each(|&key, _| keys.push(key));
    keys.sort_unstable();
    keys
}

#[test]
fn a_key_has_one_value_made_when_it_is_first_asked_for() {
    let map = map(100);
    assert!(map.peek(&1).is_none() && map.is_empty());

    let first = ask(&map, 1, 0);
    let second = map.get_or_make(&1, Nanos::ZERO, || unreachable!("it has one"));

    assert!(Arc::ptr_eq(&first, &second));
    assert!(map.peek(&1).is_some_and(|peeked| Arc::ptr_eq(&first, &peeked)));
    assert_eq!((map.len(), map.evicted()), (1, 0));
}

#[test]
fn threads_that_ask_at_once_get_one_value() {
    let map = map(10);
    let made = AtomicUsize::new(0);
    let ask = || map.get_or_make(&1, Nanos::ZERO, || Arc::new(made.fetch_add(1, Relaxed) as u64));

    let got: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });

    assert!(got.iter().all(|value| Arc::ptr_eq(value, &got[0])));
    assert_eq!(made.into_inner(), 1);
}

#[test]
fn a_flood_of_keys_takes_no_more_than_its_room() {
    for max_keys in [1, 7, 64, 1_000] {
        let map = map(max_keys);

        (0..20_000).for_each(|key| drop(ask(&map, key, key)));

        assert!((max_keys..max_keys + 64).contains(&map.max_keys()), "{}", map.max_keys());
        assert!((1..=map.max_keys()).contains(&map.len()), "{} of {max_keys}", map.len());
        assert_eq!(map.evicted() as usize, 20_000 - map.len());
    }
}

#[test]
fn a_flood_of_keys_does_not_take_what_is_in_use() {
    let map = map(1_000);
    let held: Vec<_> = (0..4).map(|key| ask(&map, key, 0)).collect();

    (100..100_000).for_each(|key| drop(ask(&map, key, key)));

    for (key, value) in (0..).zip(&held) {
        assert!(map.peek(&key).is_some_and(|peeked| Arc::ptr_eq(value, &peeked)), "{key}");
    }
}

#[test]
fn what_was_asked_for_longest_ago_goes_first() {
    let map = map(4);
    (0..4).for_each(|key| drop(ask(&map, key, key)));
    drop(ask(&map, 0, 4));
    let _ = map.peek(&1); // to look is not to ask

    drop(ask(&map, 4, 5));

    assert_eq!(keys(&map), [0, 2, 3, 4]);
}

#[test]
fn where_all_are_in_use_one_goes_all_the_same_and_lives_on_with_who_holds_it() {
    let map = map(4);
    let held: Vec<_> = (0..4).map(|key| ask(&map, key, key)).collect();

    drop(ask(&map, 4, 5));

    assert_eq!(keys(&map), [1, 2, 3, 4]);
    assert!(!Arc::ptr_eq(&held[0], &ask(&map, 0, 6)));
}

#[test]
fn what_is_idle_and_at_rest_goes_when_it_is_told_to() {
    let config = KeyedConfig { idle_after: Duration::from_secs(60), ..KeyedConfig::default() };
    let map: KeyedMap<u64, Value> = config.build(|value| Arc::strong_count(value) == 1).unwrap();
    let _held = ask(&map, 1, 0);
    drop(ask(&map, 2, 0));
    drop(ask(&map, 3, 1));

    map.evict_idle(Nanos::from_secs(60));

    assert_eq!(keys(&map), [1, 3]);
    assert_eq!(map.evicted(), 1);
}

#[test]
fn a_key_that_is_removed_starts_afresh() {
    let map = map(10);
    let old = ask(&map, 1, 0);

    assert!(map.remove(&1));

    assert!(!map.remove(&1));
    assert!(!Arc::ptr_eq(&old, &ask(&map, 1, 0)));
    assert_eq!(map.evicted(), 0, "who removes knows of it");
}

#[test]
fn no_room_at_all_is_refused() {
    for max_keys in [0, (1 << 24) + 1, usize::MAX] {
        let config = KeyedConfig { max_keys, ..KeyedConfig::default() };
        let error = config.build::<u64, Value>(|_| true).unwrap_err();
        assert_eq!((error.field(), error.value()), ("max_keys", &*max_keys.to_string()));
        assert_eq!(error.rule(), "from 1 to 16777216");
    }
}

#[test]
fn a_value_that_could_not_be_made_throws_nobody_out() {
    let map = map(1);
    drop(ask(&map, 1, 0));

    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        map.get_or_make(&2, Nanos::ZERO, || panic!("no value today"))
    }));

    assert!(made.is_err());
    assert_eq!((keys(&map), map.evicted()), (vec![1], 0));
}

#[test]
fn keys_are_not_shown() {
    let map: KeyedMap<String, ()> = KeyedConfig::default().build(|&()| true).unwrap();
    map.get_or_make("a-secret", Nanos::ZERO, || ());

    assert_eq!(format!("{map:?}"), "KeyedMap { keys: 1, .. }");
}

/// A value that asks the map as it is dropped: under a lock of the map it would wait for ever.
#[derive(Clone)]
struct Asks(#[expect(dead_code, reason = "dropped, not read")] Arc<AsksOnDrop>);

struct AsksOnDrop(Arc<OnceLock<KeyedMap<u64, Asks>>>);

impl Drop for AsksOnDrop {
    fn drop(&mut self) {
        let _ = self.0.get().map(KeyedMap::len);
    }
}

#[test]
fn what_goes_is_dropped_outside_the_lock() {
    let map = Arc::new(OnceLock::new());
    let config = KeyedConfig { max_keys: 1, idle_after: Duration::ZERO };
    assert!(map.set(config.build(|_| true).unwrap()).is_ok());
    let (done, finished) = mpsc::channel();

    thread::spawn(move || {
        let asked = map.get().expect("it was set");
        let make = || Asks(Arc::new(AsksOnDrop(map.clone())));
        drop(asked.get_or_make(&1, Nanos::ZERO, make));
        drop(asked.get_or_make(&2, Nanos::ZERO, make));
        asked.evict_idle(Nanos::ZERO);
        drop(asked.get_or_make(&3, Nanos::ZERO, make));
        asked.remove(&3);
        done.send(asked.evicted())
    });

    assert_eq!(finished.recv_timeout(Duration::from_secs(20)), Ok(2));
}
