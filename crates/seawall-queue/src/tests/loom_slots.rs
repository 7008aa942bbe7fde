//! Models of the slots alone; the promises are those of [`crate::ring`].
//!
//! Each was seen to fail with the broken variant that it names.

use std::sync::Arc;

use seawall_core::model::{model, model_of_equals, race, race_of_three};

use crate::ring::{In, Out, Slots};

fn slots(capacity: usize) -> Slots<u8> {
    Slots::new(capacity).expect("it is allowed")
}

/// So many laps that the next one begins at 0.
fn about_to_wrap(capacity: usize) -> Slots<u8> {
    Slots::from_lap(capacity, usize::MAX).expect("it is allowed")
}

fn all(slots: &Slots<u8>) -> Vec<u8> {
    std::iter::from_fn(|| slots.pop().ok()).collect()
}

/// Promises 1 and 3: of two who push to a ring of two, both succeed; to a ring of one, one does.
///
/// Caught when broken: with a store of the tail in place of the swap, both write to one slot; with a Relaxed
/// stamp, a value is read while it is written.
#[test]
fn two_pushes_get_two_slots() {
    model_of_equals(|| {
        let slots = Arc::new(slots(2));
        let (one, other) = race(&slots, |it| it.push(1), |it| it.push(2));

        assert_eq!((one, other), (Ok(()), Ok(())));
        let mut values = all(&slots);
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
    });
}

/// Promise 3, at its least.
///
/// Caught when broken: with a `push` that takes a slot that is filled for a free one.
#[test]
fn one_slot_holds_one() {
    model_of_equals(|| {
        let slots = Arc::new(slots(1));
        let (one, other) = race(&slots, |it| it.push(1), |it| it.push(2));

        match (one, other) {
            (Ok(()), Err(In::Full(2))) => assert_eq!(all(&slots), [1]),
            (Err(In::Full(1)), Ok(())) => assert_eq!(all(&slots), [2]),
            other => panic!("{other:?}"),
        }
    });
}

/// Promise 1: one value comes out once.
///
/// Caught when broken: with a store of the head in place of the swap, both take it.
#[test]
fn two_pops_of_one_value_give_it_once() {
    model_of_equals(|| {
        let slots = Arc::new(slots(2));
        slots.push(7).expect("there is room");
        let (one, other) = race(&slots, Slots::pop, Slots::pop);

        assert!(matches!((one, other), (Ok(7), Err(Out::Empty)) | (Err(Out::Empty), Ok(7))));
    });
}

/// Promises 1 and 2, while a slot is used again and its positions wrap around.
///
/// Caught when broken: with a Relaxed stamp in `take`, the next value is written while this one is read.
#[test]
fn a_slot_that_is_used_again_is_one_threads_at_a_time() {
    model(|| {
        let slots = Arc::new(about_to_wrap(1));
        slots.push(1).expect("there is room");
        let (pushed, popped) = race(&slots, |it| it.push(2), |it| [it.pop(), it.pop()]);

        let mut values: Vec<_> = popped.into_iter().flatten().collect();
        values.extend(all(&slots));
        let expected: &[_] = if pushed.is_ok() { &[1, 2] } else { &[1] };
        assert_eq!(values, expected);
    });
}

/// Promise 2, with two receivers: each of them sees the order in which they were sent.
///
/// Caught when broken: with a `pop` that takes two and puts the first of them back; with a store of the head
/// in place of the swap.
#[test]
fn values_of_one_sender_stay_in_order() {
    model(|| {
        let slots = Arc::new(slots(2));
        let (_, one, other) = race_of_three(
            &slots,
            |it| [it.push(1), it.push(2)],
            |it| [it.pop(), it.pop()],
            Slots::pop,
        );

        let one: Vec<_> = one.into_iter().flatten().collect();
        assert!(one.is_sorted());
        let mut values = one;
        values.extend(other.ok());
        values.extend(all(&slots));
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
    });
}

/// Promise 1, for a batch: it takes each value once, and in order, whoever takes meanwhile.
///
/// Caught when broken: with a batch that claims its positions by a store, both take the same; with one
/// that counts up to the tail, and not up to a gap, it reads what is not there.
#[test]
fn a_batch_takes_what_is_there_once() {
    model(|| {
        let slots = Arc::new(slots(2));
        slots.push(1).expect("there is room");
        let many = |it: &Slots<u8>| {
            let mut values = Vec::new();
            let _ = it.pop_many(&mut values, 2);
            values
        };
        let (pushed, batch, popped) = race_of_three(&slots, |it| it.push(2), many, Slots::pop);

        assert_eq!(pushed, Ok(()));
        assert!(batch.is_sorted());
        let mut values = batch;
        values.extend(popped.ok());
        values.extend(all(&slots));
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
    });
}

/// Promise 7: what was pushed beside a shut is there before the end, and nothing after it.
///
/// Caught when broken: with a `push` that claims its position by an addition, in spite of a bit that came
/// after its look; with an end that is said where the slot is a gap.
#[test]
fn nothing_goes_in_after_the_end() {
    model(|| {
        let slots = Arc::new(slots(2));
        let end = |it: &Slots<u8>| {
            it.shut();
            [it.pop(), it.pop()]
        };
        let (pushed, popped) = race(&slots, |it| it.push(1), end);

        match popped {
            [Ok(1), Err(Out::Over)] => assert_eq!(pushed, Ok(())),
            [Err(Out::Over), Err(Out::Over)] => assert_eq!(pushed, Err(In::Shut(1))),
            [Err(Out::Empty), Err(Out::Empty)] => assert_eq!(all(&slots), [1]),
            [Err(Out::Empty), Ok(1)] => assert_eq!(pushed, Ok(())),
            other => panic!("{other:?}"),
        }
        assert_eq!(slots.pop(), Err(Out::Over));
    });
}
