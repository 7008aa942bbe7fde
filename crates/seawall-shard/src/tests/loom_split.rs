//! Models of a split's turns; the promises are those of [`crate::split::turns`].

use std::sync::Arc;

use super::{model, race, race_of_three};
use crate::split::turns::Turns;

/// Promise 1: each call gets a turn of its own.
///
/// Caught when broken: with a load and a store in place of the addition, two calls get the same turn.
#[test]
fn no_turn_is_given_twice() {
    model(|| {
        let turns = Arc::new(Turns::new(3, &[1, 2, 3], 0));

        let (first, second, third) =
            race_of_three(&turns, |turns| turns.next(), |turns| turns.next(), |turns| turns.next());

        let mut taken = [first, second, third];
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3]);
    });
}

/// Promise 2: who sees the word of a change sees its table, also by another call's step.
///
/// Caught when broken: with a Relaxed store of the word, a Relaxed addition, or with the word stored before the
/// table, a call reads a table that is not written yet: 0.
#[test]
fn who_sees_a_change_sees_its_table() {
    model(|| {
        let turns = Arc::new(Turns::new(1, &[1], 0));

        let ((), second, third) = race_of_three(
            &turns,
            |turns| turns.exchange(&[2], 0),
            |turns| turns.next(),
            |turns| turns.next(),
        );

        assert!([1, 2].contains(&second) && [1, 2].contains(&third), "{second} and {third}");
    });
}

/// A call that sleeps through two changes gets a turn of one of the sequences, and no slot that was never
/// written.
///
/// Caught when broken: with a Relaxed store or load of the length, or with the length stored before the slots,
/// a call finds a long table whose last slot is not written yet: 0.
#[test]
fn who_sleeps_through_two_changes_gets_a_turn_all_the_same() {
    model(|| {
        let turns = Arc::new(Turns::new(9, &[1], 8));

        let ((), taken) = race(
            &turns,
            |turns| {
                turns.exchange(&[2], 0);
                turns.exchange(&[3; 9], 8);
            },
            |turns| turns.next(),
        );

        assert!((1..=3).contains(&taken), "{taken}");
    });
}
