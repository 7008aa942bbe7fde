//! The store in every order of calls that chance comes up with: beside a map that never forgets, which
//! says what may be found; and beside quick_cache, which says how much should be.

use std::collections::HashMap;

use proptest::prelude::*;
use seawall_cache::{SetStore, Store};

#[derive(Clone, Debug)]
enum Call {
    Insert(u8, u32),
    Find(u8),
    Remove(u8),
    /// Takes out the entries of one set whose value is odd.
    Sweep,
    Clear,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        20 => (any::<u8>(), 0..12_u32).prop_map(|(key, weight)| Call::Insert(key, weight)),
        20 => any::<u8>().prop_map(Call::Find),
        4 => any::<u8>().prop_map(Call::Remove),
        2 => Just(Call::Sweep),
        1 => Just(Call::Clear),
    ];
    prop::collection::vec(call, 0..600)
}

proptest! {
    /// What is found is what was put in last; what was removed is not found; what is counted is there.
    #[test]
    fn the_store_forgets_and_does_not_make_up(calls in calls(), entries in 0..80_usize, limit in 0..200_u64) {
        let store = SetStore::new(entries, limit);
        let mut last: HashMap<u8, (u64, u32)> = HashMap::new();
        let mut cursor = 0;

        for (now, call) in (0_u64..).zip(calls) {
            match call {
                Call::Insert(key, weight) => {
                    store.insert(key, now, weight);
                    last.insert(key, (now, weight));
                    let found = store.with(&key, |entry| *entry);
                    prop_assert_eq!(found, (u64::from(weight) <= limit).then_some(now));
                }
                Call::Find(key) => {
                    let found = store.with(&key, |entry| *entry);
                    prop_assert!(found.is_none() || found == last.get(&key).map(|(entry, _)| *entry));
                }
                Call::Remove(key) => {
                    let was = store.with(&key, |_| ()).is_some();
                    prop_assert_eq!(store.remove(&key), was);
                    last.remove(&key);
                }
                Call::Sweep => store.retain_step(&mut cursor, |key, entry| {
                    if entry % 2 == 1 {
                        last.remove(key);
                    }
                    entry % 2 == 0
                }),
                Call::Clear => {
                    store.clear();
                    last.clear();
                }
            }
            prop_assert!(store.weight() <= limit);
        }

        let held: Vec<_> = last
            .iter()
            .filter(|(key, (entry, _))| store.with(*key, |found| found == entry).is_some())
            .collect();
        prop_assert_eq!(store.len(), held.len());
        prop_assert_eq!(store.weight(), held.iter().map(|(_, (_, weight))| u64::from(*weight)).sum::<u64>());
        prop_assert!((0..=u8::MAX).all(|key| last.contains_key(&key) || store.with(&key, |_| ()).is_none()));
    }

    /// Where nothing need go, nothing goes: both hold the same.
    #[test]
    fn with_room_for_all_it_holds_what_quick_cache_holds(calls in calls()) {
        let ours = SetStore::new(2_048, 2_048);
        let peer = quick_cache::sync::Cache::new(2_048);
        for (now, call) in (0_u64..).zip(calls) {
            match call {
                Call::Insert(key, _) => {
                    ours.insert(key, now, 1);
                    peer.insert(key, now);
                }
                Call::Find(key) => {
                    prop_assert_eq!(ours.with(&key, |entry| *entry), peer.get(&key));
                }
                Call::Remove(key) => {
                    prop_assert_eq!(ours.remove(&key), peer.remove(&key).is_some());
                }
                Call::Sweep => {
                    let odd = |entry: &u64| entry % 2 == 1;
                    (0..200).for_each(|mut set| ours.retain_step(&mut set, |_, entry| !odd(entry)));
                    peer.retain(|_, entry| !odd(entry));
                }
                Call::Clear => {
                    ours.clear();
                    peer.clear();
                }
            }
            prop_assert_eq!(ours.len(), peer.len());
        }
    }
}

/// The table of the benches has more traces, and more peers.
#[test]
fn it_finds_nearly_as_often_as_quick_cache() {
    const ENTRIES: usize = 2_000;
    let ours = SetStore::new(ENTRIES, ENTRIES as u64);
    let peer = quick_cache::sync::Cache::new(ENTRIES);
    let mut random = fastrand::Rng::with_seed(7);

    let (mut ours_found, mut peer_found) = (0, 0);
    for request in 0..400_000_u64 {
        let rank = 200_000_f64.powf(random.f64()) as u64; // as often as its number is small
        let key = if request % 1_000 < 100 { request + 1_000_000 } else { rank };
        match ours.with(&key, |_| ()) {
            Some(()) => ours_found += 1,
            None => ours.insert(key, key, 1),
        }
        match peer.get(&key) {
            Some(_) => peer_found += 1,
            None => peer.insert(key, key),
        }
    }

    let behind = (f64::from(peer_found) - f64::from(ours_found)) / 4_000.0;
    assert!(peer_found > 100_000, "a trace in which few are found says little: {peer_found}");
    assert!(behind < 1.5, "{behind} points behind");
}
