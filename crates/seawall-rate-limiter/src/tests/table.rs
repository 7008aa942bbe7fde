//! The table of many keys; the promises are those of [`crate::keyed::table`].

use std::{
    collections::HashMap,
    hash::BuildHasher as _,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use foldhash::quality::FixedState;
use proptest::prelude::*;
use seawall_core::Nanos;

use crate::{
    Denied, Quota, WhenFull,
    gcra::{Booked, Rate, Returned},
    keyed::table::{PER_NANO, Table, rate},
};

const NOW: Nanos = Nanos(5_000);

/// One cell in ten nanoseconds.
fn ten(burst: u32) -> Rate {
    every(Duration::from_nanos(10), burst)
}

fn every(interval: Duration, burst: u32) -> Rate {
    rate(&Quota::new(1, interval).and_then(|quota| quota.burst(burst)).expect("a sound quota"))
}

fn after(nanos: u64) -> Nanos {
    Nanos(NOW.0 + nanos)
}

fn table(max_keys: usize, when_full: WhenFull) -> Table {
    Table::new(max_keys, when_full, NOW, || ())
}

/// A table of two slots, in which two keys owe a cell until ten nanoseconds from now.
fn full(when_full: WhenFull) -> Table<2> {
    let table = Table::with_sets(1, when_full, NOW, || ());
    for key in [1, 2] {
        table.take(key, &ten(1), NOW, 1).expect("there is room for two");
    }
    table
}

fn left<const WAYS: usize>(table: &Table<WAYS>, key: u64, rate: &Rate, now: Nanos) -> u64 {
    table.standing(key, rate, now).remaining
}

#[test]
fn each_key_has_a_burst_of_its_own() {
    let table = table(10, WhenFull::Share);
    for key in [0, 2, 7, u64::MAX] {
        for _ in 0..3 {
            assert_eq!(table.take(key, &ten(3), NOW, 1), Ok(()), "{key}");
        }
        assert_eq!(table.take(key, &ten(3), NOW, 1), Err(Denied::Wait(10)), "{key}");
        assert_eq!(table.take(key, &ten(3), after(9), 1), Err(Denied::Wait(1)), "{key}");
        assert_eq!(table.take(key, &ten(3), after(10), 1), Ok(()), "{key}");
    }
    assert_eq!((table.busy(after(39)), table.busy(after(40))), (4, 0));
}

/// Promise 4.
#[test]
fn a_refusal_writes_nothing() {
    let table = table(10, WhenFull::Share);
    assert_eq!(table.take(3, &ten(2), NOW, 3), Err(Denied::Never));
    assert_eq!(table.busy(NOW), 0, "it took no slot");
    table.take(3, &ten(2), NOW, 2).expect("a burst");
    let before = table.standing(3, &ten(2), NOW);

    for _ in 0..100 {
        assert_eq!(table.take(3, &ten(2), NOW, 2), Err(Denied::Wait(20)));
        assert_eq!(table.book(3, &ten(2), NOW, 2, 19), Err(Denied::Wait(20)));
        assert_eq!(table.book(3, &ten(2), NOW, 3, 1_000), Err(Denied::Never));
    }

    assert_eq!(table.standing(3, &ten(2), NOW), before);
}

/// What a key owes is time: a quota that changes judges by its own burst, beyond which nothing is owed.
#[test]
fn a_key_is_judged_by_the_quota_that_it_has_now() {
    let table = table(10, WhenFull::Share);
    table.take(5, &ten(4), NOW, 4).expect("a burst");

    assert_eq!(left(&table, 5, &ten(6), NOW), 2);
    assert_eq!(table.take(5, &every(Duration::from_nanos(5), 10), NOW, 2), Ok(()));
    assert_eq!(left(&table, 5, &ten(6), NOW), 1);
    assert_eq!(table.take(5, &ten(1), NOW, 1), Err(Denied::Wait(10)));
}

/// A slot that is paid off is as good as none, and another's who needs it.
#[test]
fn a_key_that_is_given_more_waits_by_its_new_quota() {
    let (hours, tenths) =
        (every(Duration::from_secs(3_600), 4), every(Duration::from_millis(100), 4));
    let table = table(10, WhenFull::Share);
    table.take(3, &hours, NOW, 4).expect("a burst");

    assert_eq!(table.take(3, &tenths, NOW, 1), Err(Denied::Wait(100_000_000)));
    assert_eq!(table.take(3, &tenths, after(99_999_999), 1), Err(Denied::Wait(1)));
    assert_eq!(table.take(3, &tenths, after(100_000_000), 1), Ok(()));
}

#[test]
fn what_is_booked_beyond_a_burst_stays_booked() {
    let table = table(10, WhenFull::Share);
    table.take(3, &ten(1), NOW, 1).expect("a burst");
    for turn in [10, 20, 30] {
        let booked = table.book(3, &ten(1), NOW, 1, 1_000).expect("there is time");
        assert_eq!(booked.at, after(turn));
        assert_eq!(table.take(3, &ten(1), NOW, 1), Err(Denied::Wait(turn + 10)));
    }
}

#[test]
fn an_idle_key_gives_its_slot_away_and_comes_back_with_a_full_burst() {
    let table = full(WhenFull::Refuse);
    assert!(table.take(3, &ten(1), after(10), 1).is_err(), "the last moment is theirs");
    assert!(table.take(1, &ten(2), after(11), 2).is_ok(), "its own, and as new");

    assert!(table.take(3, &ten(1), after(11), 1).is_ok(), "the other one's");
    assert!(table.take(2, &ten(1), after(11), 1).is_err(), "no room");

    assert_eq!(table.busy(after(12)), 2);
    assert!(table.take(2, &ten(3), after(22), 3).is_ok());
    assert_eq!(table.busy(after(22)), 2);
}

/// Promise 1.
#[test]
#[cfg_attr(miri, ignore = "covered by the models")]
fn two_threads_that_share_a_key_get_one_burst() {
    for round in 0..50 {
        let table = Arc::new(table(10, WhenFull::Share));
        let start = Arc::new(Barrier::new(2));
        let racers = [(); 2].map(|()| {
            let (table, start) = (Arc::clone(&table), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                (0..100).filter(|_| table.take(round, &ten(100), NOW, 1).is_ok()).count()
            })
        });
        let admitted: usize = racers.map(|racer| racer.join().expect("no panic")).iter().sum();
        assert_eq!(admitted, 100);
        assert_eq!(table.busy(NOW), 1);
    }
}

/// Promise 6.
#[test]
fn a_flood_of_random_keys_takes_nothing_from_those_who_are_busy() {
    const KNOWN: u64 = 500;
    const SLOTS: usize = 16 * 157;
    let slow = every(Duration::from_secs(3_600), 2);
    let table = table(1_000, WhenFull::Share);
    let known = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..KNOWN).for_each(|i| assert!(table.take(known(i), &slow, NOW, 1).is_ok()));

    let mut random = fastrand::Rng::with_seed(1);
    let flood = if cfg!(miri) { 20_000 } else { 1_000_000 };
    let admitted = (0..flood).filter(|_| table.take(random.u64(..), &slow, NOW, 1).is_ok()).count();

    assert_eq!(table.busy(NOW), SLOTS, "all there are");
    assert_eq!(admitted, SLOTS - KNOWN as usize + 2, "one a slot, and a burst for all the others");
    assert_eq!(table.crowded(), (flood - admitted + 2) as u64);
    for i in 0..KNOWN {
        assert_eq!(left(&table, known(i), &slow, NOW), 1);
        assert!(table.take(known(i), &slow, NOW, 1).is_ok());
    }
}

/// As many keys as it was built for: the page says how many of them find no room.
#[test]
#[cfg_attr(miri, ignore = "too long")]
fn one_key_in_twelve_thousand_finds_no_room() {
    const KEYS: u64 = 1_000_000;
    let slow = every(Duration::from_secs(3_600), 1);
    let hasher = FixedState::with_seed(1);
    let table = table(KEYS as usize, WhenFull::Refuse);

    let taken = (0..KEYS).filter(|key| table.take(hasher.hash_one(key), &slow, NOW, 1).is_ok());
    let taken = taken.count();

    assert_eq!(table.busy(NOW), taken);
    let crowded = table.crowded();
    assert_eq!(crowded, KEYS - taken as u64);
    assert!((86 - 37..86 + 37).contains(&crowded), "{crowded}: four times what chance explains");
}

#[test]
fn who_finds_no_room_shares_one_quota() {
    let table = full(WhenFull::Share);
    assert_eq!(table.take(3, &ten(2), NOW, 1), Ok(()));
    assert_eq!(table.take(4, &ten(2), NOW, 1), Ok(()));
    assert_eq!(table.take(5, &ten(2), NOW, 1), Err(Denied::Wait(10)));
    assert_eq!(table.take(5, &ten(3), NOW, 1), Ok(()), "by a quota of its own");
    assert_eq!(table.take(5, &ten(3), NOW, 4), Err(Denied::Never));
    assert_eq!(left(&table, 6, &ten(4), NOW), 1);

    let booked = table.book(6, &ten(3), NOW, 1, 10).expect("it waits with the others");
    assert_eq!(booked.at, after(10));
    assert_eq!(table.give_back(6, &ten(3), NOW, 1, booked), Returned::Lost);
    assert_eq!(table.crowded(), 5);
    assert_eq!(left(&table, 1, &ten(2), NOW), 1, "whoever has room is not touched");
}

#[test]
fn who_finds_no_room_is_refused_until_there_is_some() {
    let table = full(WhenFull::Refuse);
    assert_eq!(table.take(3, &ten(2), NOW, 1), Err(Denied::Wait(11)));
    assert_eq!(table.take(3, &ten(2), after(10), 2), Err(Denied::Wait(1)));
    assert_eq!(table.book(3, &ten(2), NOW, 1, 1_000), Err(Denied::Wait(11)), "no turn to wait for");
    assert_eq!(table.take(3, &ten(2), NOW, 3), Err(Denied::Never));
    let standing = table.standing(3, &ten(2), NOW);
    assert_eq!((standing.remaining, standing.next), (0, Duration::from_nanos(11)));
    assert_eq!(table.crowded(), 3);

    assert_eq!(table.take(3, &ten(2), after(11), 2), Ok(()));
}

#[test]
fn who_finds_no_room_is_let_in_and_not_counted() {
    let table = full(WhenFull::Admit);
    for _ in 0..10 {
        assert_eq!(table.take(3, &ten(2), NOW, 2), Ok(()));
    }
    assert_eq!(table.take(3, &ten(2), NOW, 3), Err(Denied::Never));
    assert_eq!(left(&table, 3, &ten(2), NOW), 2);
    let booked = table.book(3, &ten(2), NOW, 1, 10).expect("at once");
    assert_eq!(booked.at, NOW);

    assert_eq!(table.take(3, &ten(2), after(11), 2), Ok(()), "there is room now");
    assert_eq!(table.give_back(3, &ten(2), after(11), 1, booked), Returned::Freed);
    assert_eq!(left(&table, 3, &ten(2), after(11)), 0, "nothing was taken, and nothing comes back");
}

#[test]
fn a_crowd_is_told_once_and_again_after_a_calm_minute() {
    let told = Arc::new(AtomicUsize::new(0));
    let tell = Arc::clone(&told);
    let table: Table<1> = Table::with_sets(1, WhenFull::Refuse, NOW, move || {
        tell.fetch_add(1, Relaxed);
    });
    table.take(1, &every(Duration::from_secs(3_600), 1), NOW, 1).expect("there is room for one");
    let told_at = |secs| {
        let now = NOW + Duration::from_secs(secs);
        table.take(2, &ten(1), now, 1).expect_err("no room");
        (told.load(Relaxed), table.is_crowded(now))
    };

    assert!(!table.is_crowded(NOW));
    assert_eq!(told_at(0), (1, true));
    assert_eq!(told_at(0), (1, true));
    assert_eq!(told_at(59), (1, true));
    assert_eq!(told_at(118), (1, true), "less than a minute after the last one");
    assert_eq!(told_at(178), (2, true));
    assert_eq!(told_at(178), (2, true));
    assert!(!table.is_crowded(NOW + Duration::from_secs(238)));
}

#[test]
fn the_last_booking_of_a_key_comes_back_whole() {
    let table = table(10, WhenFull::Share);
    table.take(1, &ten(2), NOW, 2).expect("a burst");
    let booked = table.book(1, &ten(2), NOW, 2, 20).expect("within its patience");
    assert_eq!(booked.at, after(20));

    assert_eq!(table.give_back(1, &ten(2), after(5), 2, booked), Returned::Freed);

    assert_eq!(table.take(1, &ten(2), after(5), 1), Err(Denied::Wait(5)));
    assert_eq!(table.book(1, &ten(2), after(5), 2, 20), Ok(booked));
}

#[test]
fn a_booking_before_others_who_wait_is_lost() {
    let table = table(10, WhenFull::Share);
    table.take(1, &ten(1), NOW, 1).expect("a burst");
    let first = table.book(1, &ten(1), NOW, 1, 10).expect("within its patience");
    table.book(1, &ten(1), NOW, 1, 20).expect("within its patience");

    assert_eq!(table.give_back(1, &ten(1), NOW, 1, first), Returned::Lost);
    assert_eq!(table.take(1, &ten(1), NOW, 1), Err(Denied::Wait(30)));
}

/// Promise 5.
#[test]
fn what_is_paid_off_does_not_come_back() {
    let table = full(WhenFull::Refuse);
    let stays = |booked: Booked, now, left_of_three| {
        let returned = table.give_back(1, &ten(3), now, 2, booked);
        assert_eq!(returned, Returned::Freed);
        assert_eq!(left(&table, 1, &ten(3), after(40)), left_of_three);
    };

    let booked = table.book(1, &ten(3), after(20), 2, 0).expect("it is idle");
    table.take(3, &ten(1), after(20), 1).expect("another one's slot");
    stays(booked, after(40), 3);

    // Its slot has been another's, and is its own again.
    table.take(3, &ten(1), after(41), 1).expect("its own");
    table.take(4, &ten(1), after(41), 1).expect("the first one's");
    let again = table.take(1, &ten(3), after(100), 3);
    again.expect("any one's");
    assert_eq!(table.give_back(1, &ten(3), NOW, 2, booked), Returned::Freed, "a clock read early");
    assert_eq!(table.take(1, &ten(3), after(100), 1), Err(Denied::Wait(10)));
}

#[test]
fn what_is_forgotten_is_as_new() {
    let table = full(WhenFull::Refuse);
    table.take(1, &ten(9), NOW, 8).expect("eight more");

    assert!(table.forget(1, after(5)));
    assert!(!table.forget(1, after(5)), "it owes nothing");
    assert!(!table.forget(9, after(5)), "it never came");

    assert_eq!(left(&table, 1, &ten(9), after(5)), 9);
    assert_eq!(table.busy(after(5)), 1);
}

/// Who has seen a word that is lowered may still swap it: the slot must not be another's before.
#[test]
fn a_slot_that_was_lowered_is_kept_for_its_key() {
    let table = full(WhenFull::Refuse);
    table.take(1, &ten(9), NOW, 8).expect("eight more");
    table.take(2, &ten(9), NOW, 8).expect("eight more");
    table.forget(1, NOW);

    table.take(1, &ten(1), NOW, 1).expect("it is as new");
    table.forget(1, NOW); // from an earlier moment than before
    assert!(table.take(3, &ten(1), after(1), 1).is_err());
    assert!(table.take(3, &ten(1), after(11), 1).is_err());
    assert!(table.take(3, &ten(1), after(90), 1).is_err());
    assert!(table.take(1, &ten(9), after(90), 9).is_ok(), "its own");
    assert!(table.take(3, &ten(1), after(91), 1).is_ok(), "the other one's");
    assert!(table.take(4, &ten(1), after(181), 1).is_ok());
}

#[test]
fn time_goes_on_for_fifteen_years_and_then_stands_still() {
    let year = Duration::from_secs(365 * 86_400);
    let day = Quota::per_day(1).expect("a sound quota");
    let largest = rate(&day.burst(6_600).expect("eighteen years are paid off"));
    for now in [NOW + 15 * year, Nanos::MAX] {
        let table = table(10, WhenFull::Share);
        assert_eq!(table.take(1, &largest, now, 6_600), Ok(()));
        let denied = table.book(1, &largest, now, 6_600, u64::MAX);
        assert!(matches!(denied, Err(Denied::Wait(_))), "{denied:?}");
        assert_eq!(table.busy(now), 1);
    }
    let table = table(10, WhenFull::Share);
    table.take(1, &ten(1), NOW + 15 * year, 1).expect("time goes on");
    table.take(1, &ten(1), NOW + 15 * year + Duration::from_nanos(10), 1).expect("time goes on");
    table.take(1, &ten(1), NOW + 16 * year, 1).expect("the last one");
    table.take(1, &ten(1), NOW + 17 * year, 1).expect_err("time stands still");
}

/// How many keys there are.
const KEYS: u64 = 8;

#[derive(Clone, Debug)]
enum Step {
    Take { key: u64, cells: u32 },
    Book { key: u64, cells: u32, patience: u64 },
    GiveBack { nth: usize },
    Forget { key: u64 },
    Pass { nanos: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 1..=KEYS;
    let step = prop_oneof![
        6 => (key(), 1..4_u32).prop_map(|(key, cells)| Step::Take { key, cells }),
        3 => (key(), 1..4_u32, 0..60_u64)
            .prop_map(|(key, cells, patience)| Step::Book { key, cells, patience }),
        2 => (0..8_usize).prop_map(|nth| Step::GiveBack { nth }),
        1 => key().prop_map(|key| Step::Forget { key }),
        4 => prop_oneof![0..12_u64, 0..100_u64].prop_map(|nanos| Step::Pass { nanos }),
    ];
    prop::collection::vec(step, 1..120)
}

/// A key as a bucket of time that fills up: less than none is in it where somebody waits.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    rate: Rate,
    left: i128,
    at: u64,
}

impl Bucket {
    fn of(key: u64) -> Self {
        let rate = every(Duration::from_nanos(7 + key), 1 + key as u32 % 4);
        Self { rate, left: i128::from(rate.most), at: 0 }
    }

    fn fill(&mut self, now: Nanos) {
        let passed = i128::from((now.0 - NOW.0 - self.at) * PER_NANO);
        (self.left, self.at) = (i128::from(self.rate.most).min(self.left + passed), now.0 - NOW.0);
    }

    fn price(&self, cells: u32) -> i128 {
        i128::from(self.rate.per_cell) * i128::from(cells)
    }

    fn take(&mut self, cells: u32, patience: u64) -> bool {
        let price = self.price(cells);
        let lets_in = price <= i128::from(self.rate.most)
            && self.left + i128::from(patience * PER_NANO) >= price;
        self.left -= if lets_in { price } else { 0 };
        lets_in
    }

    /// When it is full.
    fn full_at(&self) -> i128 {
        i128::from(self.at * PER_NANO + self.rate.most) - self.left
    }

    /// What was booked for `turn`, when it was full at `end`, comes back.
    fn give_back(&mut self, cells: u32, turn: Nanos, end: i128) -> bool {
        if self.full_at() > end && self.left < 0 {
            return false;
        }
        let still_owed = (end - i128::from(self.at * PER_NANO)).max(0);
        let late = i128::from(self.at.saturating_sub(turn.0 - NOW.0) * PER_NANO);
        let unpaid = (self.price(cells) - late).max(0);
        self.left = i128::from(self.rate.most).min(self.left + still_owed.min(unpaid));
        true
    }
}

/// Does the same to a table and to buckets. Where a key finds no room, which is counted, it is refused;
/// everything else must come out the same.
fn compare<const WAYS: usize>(table: &Table<WAYS>, steps: Vec<Step>) {
    let mut buckets: HashMap<u64, Bucket> = (1..=KEYS).map(|key| (key, Bucket::of(key))).collect();
    let mut booked = Vec::new();
    let mut now = NOW;
    for step in steps {
        buckets.values_mut().for_each(|bucket| bucket.fill(now));
        let crowded = table.crowded();
        let mut let_in = |key: u64, cells, patience, is_in: bool| {
            let bucket = buckets.get_mut(&key).expect("all have one");
            if table.crowded() > crowded {
                assert!(!is_in, "without room");
            } else {
                assert_eq!(bucket.take(cells, patience), is_in, "{key}: {bucket:?}");
            }
            bucket.full_at()
        };
        match step {
            Step::Take { key, cells } => {
                let taken = table.take(key, &Bucket::of(key).rate, now, cells);
                let_in(key, cells, 0, taken.is_ok());
            }
            Step::Book { key, cells, patience } => {
                let turn = table.book(key, &Bucket::of(key).rate, now, cells, patience);
                let end = let_in(key, cells, patience, turn.is_ok());
                booked.extend(turn.map(|turn| (key, cells, turn, end)));
            }
            Step::GiveBack { nth } => {
                let nth = if nth < booked.len() { booked.remove(nth) } else { continue };
                let (key, cells, turn, end) = nth;
                let bucket = buckets.get_mut(&key).expect("all have one");
                let returned = table.give_back(key, &bucket.rate, now, cells, turn);
                let expected = bucket.give_back(cells, turn.at, end);
                assert_eq!(returned == Returned::Freed, expected, "{key}: {bucket:?}");
            }
            Step::Forget { key } => {
                table.forget(key, now);
                booked.retain(|(whose, ..)| *whose != key);
                let bucket = buckets.get_mut(&key).expect("all have one");
                bucket.left = i128::from(bucket.rate.most);
            }
            Step::Pass { nanos } => now = Nanos(now.0 + nanos),
        }
        buckets.values_mut().for_each(|bucket| bucket.fill(now));
        let owe = buckets.values().filter(|bucket| bucket.left < i128::from(bucket.rate.most));
        assert_eq!(table.busy(now), owe.count());
    }
}

proptest! {
    /// Promises 1 to 3: with room for all, each key is let in as if it were alone.
    #[test]
    fn with_room_for_all_it_is_a_bucket_for_each(steps in steps()) {
        let table: Table<8> = Table::with_sets(1, WhenFull::Refuse, NOW, || ());
        compare(&table, steps);
        prop_assert_eq!(table.crowded(), 0);
    }

    /// Promises 1 to 3: with room for a few, none is let in that would not be if it were alone.
    #[test]
    fn with_little_room_nobody_gets_more(steps in steps()) {
        let table: Table<2> = Table::with_sets(1, WhenFull::Refuse, NOW, || ());
        compare(&table, steps);
    }
}
