//! The word of a rate, in every order in which callers can meet.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos,
    model::{model, race, race_of_three},
};

use crate::{
    Denied, Quota,
    gcra::{Gcra, Returned},
};

const NOW: Nanos = Nanos(1_000);

/// One cell in ten nanoseconds.
fn quota(burst: u32) -> Quota {
    every(10, burst)
}

fn every(nanos: u64, burst: u32) -> Quota {
    let quota = Quota::new(1, Duration::from_nanos(nanos)).and_then(|quota| quota.burst(burst));
    quota.expect("a sound quota")
}

fn gcra(burst: u32) -> Arc<Gcra> {
    Arc::new(Gcra::new(&quota(burst), NOW))
}

fn left(gcra: &Gcra) -> u64 {
    gcra.standing(NOW).remaining
}

fn takes(gcra: &Gcra) -> u64 {
    u64::from(gcra.take(NOW, 1).is_ok())
}

/// Promises 1 and 3: of three who want one of two cells, exactly two get one.
/// Caught when broken: a store in place of the swap lets all three in.
#[test]
fn a_burst_is_given_once() {
    model(|| {
        let gcra = gcra(2);
        let (a, b, c) = race_of_three(&gcra, takes, takes, takes);
        assert_eq!(a + b + c, 2);
        assert_eq!(left(&gcra), 0);
    });
}

/// Promise 1: who takes two is let in whole or not at all, beside one who takes one.
/// Caught when broken: a charge that is not all or nothing leaves one cell over in no case.
#[test]
fn a_heavy_call_gets_all_or_nothing() {
    model(|| {
        let gcra = gcra(2);
        let (heavy, light) = race(&gcra, |gcra| gcra.take(NOW, 2).is_ok(), takes);
        assert!(heavy != (light == 1));
        assert_eq!(left(&gcra), if heavy { 0 } else { 1 });
    });
}

/// Promise 4: no two book the same turn, and none is left out between them.
/// Caught when broken: a store in place of the swap gives one turn to two.
#[test]
fn turns_follow_each_other() {
    model(|| {
        let gcra = gcra(1);
        assert!(gcra.take(NOW, 1).is_ok());
        let book = |gcra: &Gcra| gcra.book(NOW, 1, 1_000).expect("there is time").at.0;
        let (a, b, c) = race_of_three(&gcra, book, book, book);
        let mut turns = [a, b, c];
        turns.sort_unstable();
        assert_eq!(turns, [1_010, 1_020, 1_030]);
    });
}

/// Promise 2: the wait that a refusal names is the one of the word that it was refused by.
/// Caught when broken: a wait that is reckoned from a second reading of the word.
#[test]
fn a_refusal_tells_a_wait_that_was_true() {
    model(|| {
        let gcra = gcra(1);
        assert!(gcra.take(NOW, 1).is_ok());
        let (booked, refused) = race(
            &gcra,
            |gcra| gcra.book(NOW, 1, 1_000).expect("there is time").at,
            |gcra| gcra.take(NOW, 1),
        );
        assert_eq!(booked, Nanos(1_010));
        assert!(matches!(refused, Err(Denied::Wait(10 | 20))), "{refused:?}");
    });
}

/// Promises 1 and 5: the last turn is given back or somebody has booked after it, and never both.
/// Caught when broken: a refund that does not look whether the word is still its own gives two the same
/// turn.
#[test]
fn the_last_turn_is_given_back_or_has_a_follower() {
    model(|| {
        let gcra = gcra(1);
        assert!(gcra.take(NOW, 1).is_ok());
        let first = gcra.book(NOW, 1, 1_000).expect("there is time");
        let (returned, next) = race(
            &gcra,
            move |gcra| gcra.give_back(NOW, 1, first),
            |gcra| gcra.book(NOW, 1, 1_000).expect("there is time").at.0,
        );
        match returned {
            Returned::Freed => assert_eq!(next, 1_010),
            Returned::Hole => assert_eq!(next, 1_020),
            Returned::Lost => panic!("its turn was still to come"),
        }
    });
}

/// Promise 5: two that give back what they took at once leave as much as there was.
/// Caught when broken: a refund by a store, or one that takes the mark for the word, loses one of them.
#[test]
fn what_two_give_back_is_all_there_again() {
    model(|| {
        let gcra = gcra(3);
        let [a, b] = [(); 2].map(|()| gcra.book(NOW, 1, 0).expect("there are three"));
        let (a, b, taken) = race_of_three(
            &gcra,
            move |gcra| gcra.give_back(NOW, 1, a),
            move |gcra| gcra.give_back(NOW, 1, b),
            takes,
        );
        assert_eq!((a, b, taken), (Returned::Freed, Returned::Freed, 1));
        assert_eq!(left(&gcra), 2);
    });
}

/// Promise 6: a change of the quota, and one more, make no cell and take none from who comes meanwhile.
/// Caught when broken: terms that are written after the word, or read without Acquire, are another
/// generation's: the call is refused, or its cell is none of the new ones.
#[test]
fn a_change_makes_no_cell_and_takes_none() {
    model(|| {
        let gcra = gcra(2);
        let ((), taken) = race(
            &gcra,
            |gcra| {
                gcra.change(NOW, &every(1_000, 5));
                gcra.change(NOW, &every(3, 4));
            },
            takes,
        );
        assert_eq!(taken, 1, "there were two all the time");
        assert_eq!(left(&gcra), 1);
    });
}

/// Promise 6, of two who take at the same time.
/// Caught when broken: a change that stores the word over what was taken meanwhile makes cells.
#[test]
fn a_change_keeps_what_others_take_meanwhile() {
    model(|| {
        let gcra = gcra(2);
        let (a, (), b) =
            race_of_three(&gcra, takes, |gcra| gcra.change(NOW, &every(1_000, 2)), takes);
        assert_eq!((a, b), (1, 1));
        assert_eq!(left(&gcra), 0);
    });
}

/// Promise 1: a refusal is by the present terms: where every quota that there was leaves a cell, nobody is
/// told that there is none.
/// Caught when broken: a refusal that does not look at the generation again is by terms of two changes
/// later, and of a word from before.
#[test]
fn a_refusal_is_never_by_terms_of_another_generation() {
    model(|| {
        let gcra = gcra(3);
        assert!(gcra.take(NOW, 2).is_ok());
        let ((), taken) = race(
            &gcra,
            |gcra| {
                gcra.change(NOW, &every(7, 3));
                gcra.change(NOW, &every(2, 3)); // by these, what is owed of the first would be too much
            },
            takes,
        );
        assert_eq!((taken, left(&gcra)), (1, 0));
    });
}

/// Promise 3: who moves the origin, which reaches too far back, keeps what another takes meanwhile.
/// Caught when broken: a `renew` that stores the word over what was taken meanwhile lets both in.
#[test]
fn the_origin_moves_and_nothing_is_forgotten() {
    model(|| {
        // So many units a nanosecond that the origin reaches for an hour; a cell in 25 s.
        let year = Duration::from_secs(366 * 86_400);
        let odd = Quota::new(1_234_567, year).and_then(|quota| quota.burst(1)).expect("sound");
        let gcra = Arc::new(Gcra::new(&odd, Nanos(0)));
        let take =
            |secs| move |gcra: &Gcra| u32::from(gcra.take(Nanos::from_secs(secs), 1).is_ok());
        let (within, beyond) = race(&gcra, take(3_595), take(3_605));
        assert_eq!(within + beyond, 1);
    });
}
