//! Real threads on one small store, as many calls as fit into a moment: what loom's small models leave
//! out, and what ThreadSanitizer and AddressSanitizer are run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which does
//! not see into the standard library.

#![cfg(not(seawall_loom))]

use std::{sync::Arc, thread};

use seawall_cache::{SetStore, Store};
use seawall_core::sync::unmodelled::{AtomicU64, Ordering::Relaxed};

const THREADS: u64 = 4;
const CALLS: u64 = 30_000;

/// Runs `body` on each thread, with its number and a random number generator of its own.
fn threads(body: impl Fn(u64, &mut fastrand::Rng) + Send + Sync + 'static) {
    let body = Arc::new(body);
    let start = |number| {
        let body = Arc::clone(&body);
        thread::spawn(move || body(number, &mut fastrand::Rng::with_seed(number)))
    };
    let threads: Vec<_> = (0..THREADS).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
}

/// An entry that can be seen torn or freed: in memory of its own, the same word twice.
struct Entry(Box<[u64; 2]>);

impl Entry {
    fn new(key: u64, version: u64) -> Self {
        Self(Box::new([key << 32 | version; 2]))
    }

    fn of(&self, key: u64) -> u64 {
        assert_eq!(self.0[0], self.0[1], "torn");
        assert_eq!(self.0[0] >> 32, key, "another key's");
        self.0[0] & 0xffff_ffff
    }
}

#[test]
fn an_entry_is_whole_and_its_keys_own_whatever_else_is_done() {
    let told = Arc::new(AtomicU64::new(0));
    let count = told.clone();
    let store = SetStore::new(48, 200).on_removal(move |key: &u64, entry: &Entry, _| {
        entry.of(*key);
        count.fetch_add(1, Relaxed);
    });
    let store = Arc::new(store);
    let made = Arc::new(AtomicU64::new(0));

    let (shared, counted) = (store.clone(), made.clone());
    threads(move |_, random| {
        let mut cursor = random.u64(..);
        for version in 0..CALLS {
            let key = random.u64(..96);
            match random.u8(..100) {
                0..60 => drop(shared.with(&key, |entry| entry.of(key))),
                60..90 => {
                    counted.fetch_add(1, Relaxed);
                    shared.insert(key, Entry::new(key, version), random.u32(..9));
                }
                90..97 => drop(shared.remove(&key)),
                97..99 => shared.retain_step(&mut cursor, |key, entry| entry.of(*key) % 3 > 0),
                _ => {
                    let held = shared.weight();
                    assert!(held <= 200, "{held}");
                }
            }
        }
    });

    assert_eq!(
        told.load(Relaxed) + store.len() as u64,
        made.load(Relaxed),
        "each ends once, or stays"
    );
    store.clear();
    assert_eq!((store.len(), store.weight()), (0, 0));
}

/// A key's versions grow, as its one writer makes them; so what a reader sees never goes back.
#[test]
fn what_was_replaced_does_not_come_back() {
    let store = Arc::new(SetStore::new(1_000, 1_000));
    threads(move |number, random| {
        let mut seen = [0; THREADS as usize];
        for version in 1..CALLS {
            store.insert(number, Entry::new(number, version), 1);
            let key = random.u64(..THREADS);
            if let Some(now) = store.with(&key, |entry| entry.of(key)) {
                let last = &mut seen[key as usize];
                assert!(now >= *last, "{now} after {last}");
                *last = now;
            }
            let own = store.with(&number, |entry| entry.of(number));
            assert_eq!(own, Some(version), "there is room for all");
        }
    });
}
