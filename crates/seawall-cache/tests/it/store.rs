//! What the store promises, one thing a test; the numbers are those of its page.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc, Weak,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use seawall_cache::{Cause, SetStore, Store};
use seawall_core::sync::{
    Mutex,
    unmodelled::{AtomicUsize, Ordering::Relaxed},
};
use seawall_test::allocations;

fn of(entries: usize) -> SetStore<u64, u64> {
    SetStore::new(entries, entries as u64)
}

fn find(store: &SetStore<u64, u64>, key: u64) -> Option<u64> {
    store.with(&key, |entry| *entry)
}

/// What a store's listener was told.
type Told = Arc<Mutex<Vec<(u64, u64, Cause)>>>;

fn telling(store: SetStore<u64, u64>) -> (SetStore<u64, u64>, Told) {
    let told = Told::default();
    let notes = told.clone();
    let listener = move |key: &u64, entry: &u64, cause| notes.lock().push((*key, *entry, cause));
    (store.on_removal(listener), told)
}

#[test]
fn what_is_put_in_is_found_until_it_is_removed() {
    let store = of(100);

    store.insert(1, 10, 1);
    assert_eq!(find(&store, 1), Some(10));
    assert_eq!(find(&store, 2), None);
    assert_eq!((store.len(), store.weight()), (1, 1));

    assert!(store.remove(&1));
    assert!(!store.remove(&1));
    assert_eq!(find(&store, 1), None);
    assert_eq!((store.len(), store.weight()), (0, 0));
}

#[test]
fn a_key_is_looked_up_by_what_it_borrows() {
    let store = SetStore::new(10, 10);
    store.insert("key".to_owned(), 1, 1);

    assert_eq!(store.with("key", |entry| *entry), Some(1));
    assert!(store.remove("key"));
}

#[test]
fn a_second_entry_of_a_key_takes_the_place_of_the_first() {
    let (store, told) = telling(of(100));

    store.insert(1, 10, 1);
    store.insert(1, 11, 5);

    assert_eq!(find(&store, 1), Some(11));
    assert_eq!((store.len(), store.weight()), (1, 5));
    assert_eq!(*told.lock(), [(1, 10, Cause::Replaced)]);
}

#[test]
fn nearly_all_of_as_many_keys_as_it_is_for_are_held() {
    for entries in [1, 2, 16, 100, 1_000, 100_000] {
        let store = of(entries);

        (0..entries as u64).for_each(|key| store.insert(key, key, 1));

        let held = (0..entries as u64).filter(|key| find(&store, *key).is_some()).count();
        assert_eq!(held, store.len());
        assert!(held * 100 >= entries * 94, "{held} of {entries}");
    }
}

#[test]
fn no_more_are_held_than_it_is_for() {
    for entries in [1, 2, 3, 17, 1_000] {
        let store = of(entries);

        for key in 0..10 * entries as u64 {
            store.insert(key, key, 1);
            assert!(store.len() <= entries);
            assert_eq!(find(&store, key), Some(key), "the newest is in");
        }
        assert!(store.len() * 100 >= entries * 94, "{} of {entries}", store.len());
    }
}

#[test]
fn what_is_asked_for_stays_when_many_come_that_are_not() {
    let store = of(1_000);
    let hot = 0..300;
    for _ in 0..3 {
        for key in hot.clone().filter(|key| find(&store, *key).is_none()) {
            store.insert(key, key, 1);
        }
    }

    for cold in 1_000..50_000 {
        store.insert(cold, cold, 1);
        find(&store, cold % 300);
    }

    let kept = hot.filter(|key| find(&store, *key).is_some()).count();
    assert!(kept > 280, "{kept} of 300");
}

/// One set, all of whose entries are new: who was pushed out and comes again is known by its ghost.
#[test]
fn a_key_that_was_pushed_out_too_early_stays_when_it_comes_again() {
    let store = SetStore::new(12, 16);
    (0..17).for_each(|key| store.insert(key, key, 1));
    assert_eq!(find(&store, 0), None, "the oldest had to go");

    store.insert(0, 0, 1);
    (17..60).for_each(|key| store.insert(key, key, 1));

    assert_eq!(find(&store, 0), Some(0));
    assert_eq!(find(&store, 16), None, "it came once");
}

#[test]
fn weights_are_kept_within_the_limit_at_every_moment() {
    let (store, told) = telling(SetStore::new(1_000, 500));
    let mut random = fastrand::Rng::with_seed(7);

    let mut came = 0;
    for key in 0..5_000 {
        let weight = random.u32(0..40);
        store.insert(key % 700, key, weight);
        came += 1;
        assert!(store.weight() <= 500, "{}", store.weight());
        assert_eq!(find(&store, key % 700), Some(key));
    }

    assert!(store.weight() > 440, "there was always more to come: {}", store.weight());
    assert_eq!(store.len() + told.lock().len(), came, "each ends once, or stays");
}

#[test]
fn an_entry_heavier_than_the_whole_is_told_and_takes_its_former_along() {
    let (store, told) = telling(SetStore::new(10, 5));
    store.insert(1, 10, 2);
    store.insert(2, 20, 2);

    store.insert(1, 11, 6);

    assert_eq!(find(&store, 1), None, "an entry that is no longer true must not stay");
    assert_eq!(find(&store, 2), Some(20));
    assert_eq!(*told.lock(), [(1, 10, Cause::Replaced), (1, 11, Cause::Refused)]);
}

#[test]
fn a_store_for_nothing_holds_nothing() {
    let (store, told) = telling(of(0));

    store.insert(1, 10, 1);

    assert_eq!(find(&store, 1), None);
    assert_eq!((store.len(), store.weight()), (0, 0));
    assert_eq!(*told.lock(), [(1, 10, Cause::Refused)]);
}

#[test]
fn a_sweep_goes_round_and_takes_out_what_is_not_to_be_kept() {
    let (store, told) = telling(of(1_000));
    (0..900).for_each(|key| store.insert(key, key, 1));
    let held = store.len();

    let (mut cursor, mut seen, mut steps) = (0, 0, 0);
    while seen < held {
        let before = seen;
        store.retain_step(&mut cursor, |key, _| {
            seen += 1;
            key % 3 != 0
        });
        steps += 1;
        assert!(seen - before <= 16, "a step is bounded");
        assert!(steps <= 1_000, "it goes round");
    }

    assert!((0..900).all(|key| key % 3 != 0 || find(&store, key).is_none()));
    let expired = told.lock().iter().filter(|(.., cause)| *cause == Cause::Expired).count();
    assert_eq!(store.len(), held - expired);
    assert!(expired > 250, "{expired}");
}

/// The sweep has seen the old one, and must not take out the new one for it.
#[test]
fn what_is_replaced_while_a_sweep_looks_stays() {
    let store = of(10);
    store.insert(1, 10, 1);

    store.retain_step(&mut 0, |key, entry| {
        store.insert(*key, entry + 1, 1);
        false
    });

    assert_eq!(find(&store, 1), Some(11));
    assert_eq!(store.len(), 1);
}

#[test]
fn a_cleared_store_is_empty_and_can_be_filled_again() {
    let (store, told) = telling(of(100));
    (0..80).for_each(|key| store.insert(key, key, 1));
    let held = store.len();

    store.clear();

    assert_eq!((store.len(), store.weight()), (0, 0));
    assert!((0..80).all(|key| find(&store, key).is_none()));
    let removed = told.lock().iter().filter(|(.., cause)| *cause == Cause::Removed).count();
    assert_eq!(removed, held);
    store.insert(1, 11, 1);
    assert_eq!(find(&store, 1), Some(11));
}

/// Promise 5: no lock of ours is held.
#[test]
fn a_listener_may_come_back_to_the_store() {
    let store = Arc::new_cyclic(|this: &Weak<SetStore<u64, u64>>| {
        let this = this.clone();
        of(16).on_removal(move |key, entry, cause| {
            let store = this.upgrade().expect("it is in use");
            assert_eq!(find(&store, *key).filter(|now| now == entry), None, "told before it ended");
            if cause == Cause::Evicted && *key < 1_000 {
                store.insert(key + 1_000, 0, 1);
            }
        })
    });

    (0..100).for_each(|key| store.insert(key, key, 1));
    store.clear();

    assert!(store.is_empty());
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Promise 5, as far as dropping goes.
#[test]
fn every_entry_is_dropped_once_also_those_that_the_store_takes_along() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut made = 0;
    let mut counted = || {
        made += 1;
        Counted(dropped.clone())
    };

    let store = SetStore::new(200, 200);
    for key in 0..1_000_u64 {
        store.insert(key % 600, counted(), 1); // in, in another's place, in its former's place
        if key % 5 == 0 {
            store.remove(&(key / 2));
        }
        if key == 500 {
            store.clear();
        }
    }
    store.insert(1, counted(), 300); // refused
    store.retain_step(&mut 0, |_, _| false);
    assert!(!store.is_empty());
    drop(store);

    // What was retired is freed by whoever comes by, as soon as nobody of the other tests looks.
    let give_up = 1_000_000;
    let mut rounds = 0;
    while dropped.load(Relaxed) < made {
        crossbeam_epoch::pin().flush();
        thread::yield_now();
        rounds += 1;
        assert!(rounds < give_up, "{} of {made} were dropped", dropped.load(Relaxed));
    }
    (0..1_000).for_each(|_| crossbeam_epoch::pin().flush());
    assert_eq!(dropped.load(Relaxed), made);
}

/// Promise 6.
#[test]
fn a_look_allocates_nothing() {
    let store = of(1_000);
    (0..500).for_each(|key| store.insert(key, key, 1));

    let (found, allocated) =
        allocations(|| (0..1_000).filter(|key| find(&store, *key).is_some()).count());

    assert!(found > 400);
    assert_eq!(allocated, 0);
}

/// A key that is in one set with all others, and whose comparing can be made to wait.
struct Slow {
    number: u64,
    gate: Option<(SyncSender<()>, Mutex<Receiver<()>>)>,
}

impl Slow {
    fn new(number: u64) -> Self {
        Self { number, gate: None }
    }
}

impl Hash for Slow {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl PartialEq for Slow {
    fn eq(&self, other: &Self) -> bool {
        for (entered, go) in [&self.gate, &other.gate].into_iter().flatten() {
            entered.send(()).expect("the test waits for it");
            go.lock().recv().expect("the test lets it go");
        }
        self.number == other.number
    }
}

impl Eq for Slow {}

/// Promise 6: a writer is stopped in the middle of what it does under its set's lock, and looks go on.
#[test]
fn a_look_does_not_wait_for_a_writer_that_sleeps_in_its_lock() {
    let store = Arc::new(SetStore::new(16, 16));
    store.insert(Slow::new(1), 10, 1);
    let (entered, is_in) = sync_channel(0);
    let (go, wait) = sync_channel(0);
    let writer = thread::spawn({
        let store = store.clone();
        move || {
            let key = Slow { number: 2, gate: Some((entered, Mutex::new(wait))) };
            store.remove(&key)
        }
    });

    is_in.recv().expect("the writer is in the lock");
    let found = store.with(&Slow::new(1), |entry| *entry);
    go.send(()).expect("the writer waits");

    assert_eq!(found, Some(10));
    assert!(!writer.join().expect("it does not panic"));
}
