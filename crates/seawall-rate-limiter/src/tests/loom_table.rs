//! The table of many keys, in every order in which callers can meet; the promises are those of
//! [`crate::keyed::table`].

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos,
    model::{model, race, race_of_three},
};

use crate::{
    Denied, Quota, WhenFull,
    gcra::{Rate, Returned},
    keyed::table::{Table, rate},
};

const NOW: Nanos = Nanos(1_000);

/// Two keys, of which each can be in each slot.
const A: u64 = 1;
const B: u64 = 2;

/// One cell in `nanos` nanoseconds.
fn every(nanos: u64, burst: u32) -> Rate {
    let quota = Quota::new(1, Duration::from_nanos(nanos)).and_then(|quota| quota.burst(burst));
    rate(&quota.expect("a sound quota"))
}

fn ten(burst: u32) -> Rate {
    every(10, burst)
}

fn after(nanos: u64) -> Nanos {
    Nanos(NOW.0 + nanos)
}

/// A table of one set, in which who finds no room is refused.
fn table<const WAYS: usize>() -> Arc<Table<WAYS>> {
    with(WhenFull::Refuse)
}

fn with<const WAYS: usize>(when_full: WhenFull) -> Arc<Table<WAYS>> {
    Arc::new(Table::with_sets(1, when_full, NOW, || ()))
}

fn takes<const WAYS: usize>(key: u64, rate: Rate, now: Nanos) -> impl FnOnce(&Table<WAYS>) -> u64 {
    move |table| u64::from(table.take(key, &rate, now, 1).is_ok())
}

fn left<const WAYS: usize>(table: &Table<WAYS>, key: u64, rate: Rate, now: Nanos) -> u64 {
    table.standing(key, &rate, now).remaining
}

/// Promise 1: a turn that is being booked is not taken for what was owed to another quota.
/// Caught when broken: a booking that says how far it goes only after its swap, a `settle` that does not
/// ask, or either without its fence, forgets a turn.
#[test]
fn a_turn_that_is_booked_is_not_settled() {
    model(|| {
        let table = table::<1>();
        table.take(A, &ten(1), NOW, 1).expect("a burst");
        let (booked, refused) = race(
            &table,
            |table| {
                [10, 1_000]
                    .map(|time| table.book(A, &ten(1), NOW, 1, time).expect("there is time").at)
            },
            |table| table.take(A, &ten(1), NOW, 1),
        );
        assert_eq!(booked, [after(10), after(20)]);
        assert!(refused.is_err());
        assert_eq!(table.standing(A, &ten(1), NOW).full, Duration::from_nanos(30));
    });
}

/// Promise 1: of three who want one of two cells that a key has left, two get one.
/// Caught when broken: a store in place of the swap lets all three in.
#[test]
fn what_a_key_has_left_is_given_once() {
    model(|| {
        let table = table::<1>();
        table.take(A, &ten(3), NOW, 1).expect("a burst");

        let take = || takes(A, ten(3), NOW);
        let (a, b, c) = race_of_three(&table, take(), take(), take());

        assert_eq!(a + b + c, 2);
        assert_eq!((left(&table, A, ten(3), NOW), table.busy(NOW)), (0, 1));
    });
}

/// Promises 1 and 3: a key that two bring as new gets one slot, and its burst in all.
/// Caught when broken: who does not look for it again under the lock gives it a second slot; who takes a
/// locked slot for a refusal refuses a cell that is there.
#[test]
fn a_key_that_two_bring_as_new_gets_one_slot() {
    for burst in [1, 2] {
        model(move || {
            let table = table::<2>();

            let take = || takes(A, ten(burst), NOW);
            let (a, b) = race(&table, take(), take());

            assert_eq!(a + b, u64::from(burst));
            assert_eq!((left(&table, A, ten(burst), NOW), table.busy(NOW)), (0, 1));
        });
    }
}

/// Promises 1 and 3: as before, where three bring it and an idle one has a slot.
/// Caught when broken: as before; without the lock.
#[test]
fn a_key_that_three_bring_as_new_gets_one_slot() {
    model(|| {
        let table = table::<2>();
        table.take(B, &ten(1), NOW, 1).expect("there is room");

        let take = || takes(A, ten(2), after(11));
        let (a, b, c) = race_of_three(&table, take(), take(), take());

        assert_eq!(a + b + c, 2);
        assert_eq!((left(&table, A, ten(2), after(11)), table.busy(after(11))), (0, 1));
    });
}

/// Promise 2: an idle key comes as its slot goes to another: one of them has it, and owes for itself.
/// Caught when broken: without the second look at whose the slot is, or with one that is not repeated
/// after each load of the word, the first key is charged to the second one's. So it is with a word that
/// is stored or read with Relaxed; with one that is stored before the hash; and without `LOCKED`. A store
/// in place of the swap that locks it forgets a charge.
#[test]
fn an_idle_key_comes_as_its_slot_goes_to_another() {
    model(|| {
        let table = table::<1>();
        table.take(A, &ten(2), NOW, 1).expect("there is room");

        let now = after(11);
        let (a, b) = race(&table, takes(A, ten(2), now), takes(B, ten(2), now));

        assert_eq!(a + b, 1, "there is room for one");
        assert_eq!(left(&table, if a == 1 { A } else { B }, ten(2), now), 1);
    });
}

/// Promises 2 and 3: as before, with a second slot: both have one.
/// Caught when broken: who does not look for it again under the lock gives it a second slot; who takes a
/// locked slot for a refusal refuses a key that owes nothing.
#[test]
fn an_idle_key_whose_slot_is_taken_gets_another() {
    model(|| {
        let table = table::<2>();
        table.take(B, &ten(2), NOW, 2).expect("there is room");

        let now = after(21);
        let (a, b, c) = race_of_three(
            &table,
            takes(A, ten(2), now),
            takes(B, ten(2), now),
            takes(A, ten(2), now),
        );

        assert_eq!((a + c, b), (2, 1));
        assert_eq!((left(&table, A, ten(2), now), left(&table, B, ten(2), now)), (0, 1));
        assert_eq!(table.busy(now), 2);
    });
}

/// Promise 2: a word that was lowered does not come again as another key's.
/// Caught when broken: without the hold on the slot, the second key leaves the word that the first one
/// had seen, and is charged for it.
#[test]
fn a_lowered_word_does_not_come_again_under_another_key() {
    model(|| {
        let table = table::<1>();
        let booked = table.book(A, &ten(2), NOW, 1, 0).expect("a burst"); // paid off at 10
        let nine = every(9, 3);

        let (_, b) = race(&table, takes(A, ten(2), NOW), move |table| {
            table.give_back(A, &ten(2), NOW, 1, booked);
            table.take(B, &nine, after(1), 1).is_ok() // paid off at 10
        });

        if b {
            assert_eq!(left(&table, B, nine, after(1)), 2);
        }
        assert!(table.take(B, &nine, after(21), 1).is_ok());
        assert_eq!(left(&table, B, nine, after(21)), 2);
    });
}

/// Promise 2: nor does the word at which a slot went to another, when that one gives all back.
/// Caught when broken: with a slot that is idle at the very moment at which it is paid off.
#[test]
fn a_word_that_has_passed_does_not_come_again_under_another_key() {
    model(|| {
        let table = table::<1>();
        table.take(A, &ten(1), NOW, 1).expect("a burst"); // paid off at 10

        let now = after(10);
        let (_, b) = race(&table, takes(A, ten(2), now), move |table| {
            let booked = table.book(B, &ten(2), now, 1, 0).ok()?;
            Some(table.give_back(B, &ten(2), now, 1, booked))
        });

        if b.is_some() {
            assert_eq!(left(&table, B, ten(2), now), 2);
        }
    });
}

/// Promises 2 and 5: what one key gives back, with a clock that it read long ago, lowers no other one's
/// word.
/// Caught when broken: without the lock, it lowers the word of whoever has the slot by then, or one that
/// is locked.
#[test]
fn what_comes_back_as_the_slot_goes_to_another_is_not_taken_from_that_one() {
    model(|| {
        let table = table::<1>();
        let booked = table.book(A, &ten(2), NOW, 1, 0).expect("a burst");

        let now = after(11);
        let (returned, b) = race(
            &table,
            move |table| table.give_back(A, &ten(2), NOW, 1, booked),
            takes(B, ten(2), now),
        );

        assert_eq!((returned, b), (Returned::Freed, 1));
        assert_eq!(left(&table, B, ten(2), now), 1);
    });
}

/// Promises 1 and 5: what comes back is there once for those who take.
/// Caught when broken: a word that is lowered by a store forgets who took meanwhile.
#[test]
fn what_comes_back_is_taken_once() {
    model(|| {
        let table = table::<1>();
        let booked = table.book(A, &ten(2), NOW, 1, 0).expect("a burst");

        let take = || takes(A, ten(2), NOW);
        let give_back = move |table: &Table<1>| table.give_back(A, &ten(2), NOW, 1, booked);
        let (returned, a, b) = race_of_three(&table, give_back, take(), take());

        assert_eq!(returned, Returned::Freed, "nobody waits");
        assert_eq!(left(&table, A, ten(2), NOW), 2 - a - b);
        assert!(a + b >= 1, "one was left at any time");
    });
}

/// Those who find no room share one burst.
/// Caught when broken: a store in place of the swap gives it twice.
#[test]
fn who_finds_no_room_shares_one_burst() {
    model(|| {
        let table = with::<1>(WhenFull::Share);
        table.take(A, &ten(1), NOW, 1).expect("there is room for one");

        let share = |key| move |table: &Table<1>| table.take(key, &ten(1), NOW, 1);
        let (b, c) = race(&table, share(B), share(3));

        assert!(b.is_ok() != c.is_ok(), "{b:?} and {c:?}");
        assert_eq!(b.and(c), Err(Denied::Wait(10)));
        assert_eq!(table.crowded(), 2);
    });
}
