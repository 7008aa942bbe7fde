//! Models of those who wait; the promises are those of [`crate::machine`].

use seawall_core::{Bound, Priority};

use super::{
    hall::{Asked, Hall, ONE, TWO},
    model, race, race_of_three,
};

/// Promise 2: one who finds no room as the last one leaves is let in.
///
/// Caught when broken: without the `serve` after joining; without the one after leaving.
#[test]
fn whoever_joins_as_the_last_one_leaves_gets_the_place() {
    model(|| {
        let hall = Hall::new(1);
        hall.enter(ONE);

        let (_, asked) = race(&hall, |hall| hall.leave(ONE), |hall| hall.ask(ONE));

        assert!(hall.is_in(&asked));
        hall.leave(ONE);
        hall.is_as_new(1);
    });
}

/// Promise 2: of two who come as the last one leaves, one gets the place, and the other one after
/// him.
///
/// Caught when broken: as [`whoever_joins_as_the_last_one_leaves_gets_the_place`]; with one who tries
/// again where there is room, though somebody waits.
#[test]
fn two_who_join_as_the_last_one_leaves_get_the_place_in_turn() {
    model(|| {
        let hall = Hall::new(1);
        hall.enter(ONE);

        let (_, a, b) = race_of_three(
            &hall,
            |hall| hall.leave(ONE),
            |hall| hall.ask(ONE),
            |hall| hall.ask(ONE),
        );

        let (first, second) = (hall.is_in(&a), hall.is_in(&b));
        assert!(first != second, "{a:?} and {b:?}");
        hall.leave(ONE);
        assert!(hall.is_in(if first { &b } else { &a }));
        hall.leave(ONE);
        hall.is_as_new(1);
    });
}

/// Promise 2: two places that come free together are for two who wait.
///
/// Caught when broken: as [`whoever_joins_as_the_last_one_leaves_gets_the_place`]; with a waiter who is
/// counted only once he stands in line.
#[test]
fn two_who_leave_make_room_for_two() {
    model(|| {
        let hall = Hall::new(2);
        hall.enter(TWO);
        let first = hall.asleep(ONE);

        let (_, _, second) = race_of_three(
            &hall,
            |hall| hall.leave(ONE),
            |hall| hall.leave(ONE),
            |hall| hall.ask(ONE),
        );

        assert_eq!(hall.look_after(&first), Some(Ok(())));
        assert!(hall.is_in(&second));
        assert_eq!(hall.seen(), (2, 2, 0));
    });
}

/// Promise 2: as many come in as there is room for after one who leaves.
///
/// Caught when broken: with a `serve` that ends one wait.
#[test]
fn a_heavy_one_who_leaves_makes_room_for_two() {
    model(|| {
        let hall = Hall::new(2);
        hall.enter(TWO);
        let first = hall.asleep(ONE);

        let (_, second) = race(&hall, |hall| hall.leave(TWO), |hall| hall.ask(ONE));

        assert_eq!(hall.look_after(&first), Some(Ok(())));
        assert!(hall.is_in(&second));
        assert_eq!(hall.seen(), (2, 2, 0));
    });
}

/// Promise 2: a limit that grows lets in who waits, or is about to.
///
/// Caught when broken: with a `set_limit` that does not serve, or stores; without the `serve` after
/// joining.
#[test]
fn a_limit_that_grows_lets_in_who_waits() {
    model(|| {
        let hall = Hall::new(1);
        hall.enter(ONE);

        let (_, asked) = race(&hall, |hall| hall.set_limit(2), |hall| hall.ask(ONE));

        assert!(hall.is_in(&asked));
        assert_eq!(hall.seen(), (2, 2, 0));
    });
}

/// Promise 2: one for whom the limit has become too small is told so, and is in nobody's way.
///
/// Caught when broken: with a heavy waiter who stays at the turn; with one who is let go and counted
/// on as waiting.
#[test]
fn who_weighs_more_than_a_limit_that_shrank_is_told() {
    model(|| {
        let hall = Hall::new(2);
        hall.enter(ONE);
        let (heavy, light) = (hall.asleep(TWO), hall.asleep(ONE));

        race(&hall, |hall| hall.set_limit(1), |hall| hall.leave(ONE));

        match hall.look_after(&heavy) {
            Some(Ok(())) => {
                assert_eq!(hall.seen(), (1, 2, 1));
                hall.leave(TWO);
            }
            refused => assert_eq!(refused, Some(Err(Bound::Weight))),
        }
        assert_eq!(hall.look_after(&light), Some(Ok(())));
        hall.leave(ONE);
        hall.is_as_new(1);
    });
}

/// Promise 3: where one may wait, one does, and the others are told that the queue is full.
///
/// Caught when broken: with a look at the queue and a `fetch_add`, or a count of those who stand in
/// line, two wait.
#[test]
fn never_more_wait_than_may() {
    model(|| {
        let hall = Hall::with_queue(1, 1);
        hall.enter(ONE);

        let (a, b) = race(&hall, |hall| hall.ask(ONE), |hall| hall.ask(ONE));

        assert_eq!(hall.seen(), (1, 1, 1));
        let full = |asked: &Asked| matches!(asked, Asked::Refused(Bound::Queue));
        assert!(full(&a) != full(&b), "{a:?} and {b:?}");
    });
}

/// Promise 3: the queue's places come back with those who leave it.
///
/// Caught when broken: with a grant that leaves him counted as waiting, nobody joins after him; with
/// a `try_take` that looks for room alone, one passes him.
#[test]
fn a_place_in_the_queue_comes_back() {
    model(|| {
        let hall = Hall::with_queue(1, 1);
        hall.enter(ONE);
        let first = hall.asleep(ONE);

        let (_, second) = race(&hall, |hall| hall.leave(ONE), |hall| hall.ask(ONE));

        assert_eq!(hall.look_after(&first), Some(Ok(())));
        let waits = u32::from(matches!(second, Asked::Asleep(_)));
        assert_eq!(hall.seen(), (1, 1, waits), "{second:?}");
        if waits == 0 {
            assert!(matches!(second, Asked::Refused(Bound::Queue)), "{second:?}");
            hall.asleep(ONE);
        }
    });
}

/// Promise 4: a place that is given to one who goes away goes to the next.
///
/// Caught when broken: with a `cancel` that keeps what was taken for him; with one that gives the
/// weight back and serves nobody; with one that takes him out of the line and not out of the word.
#[test]
fn a_place_for_one_who_goes_away_goes_to_the_next() {
    model(|| {
        let hall = Hall::new(1);
        hall.enter(ONE);
        let (first, second) = (hall.asleep(ONE), hall.asleep(ONE));

        race(&hall, |hall| hall.leave(ONE), move |hall| hall.cancel(&first));

        assert_eq!(hall.look_after(&second), Some(Ok(())));
        hall.leave(ONE);
        hall.is_as_new(1);
    });
}

/// Promise 4: one whose time is over as he is given a place keeps it, or has never had it.
///
/// Caught when broken: with an `expire` that refuses whatever has come of him, the place is lost;
/// with one that keeps it and gives it to the next as well, it is doubled.
#[test]
fn a_place_for_one_whose_time_is_over_is_his_or_the_nexts() {
    model(|| {
        let hall = Hall::new(1);
        hall.enter(ONE);
        let (first, second) = (hall.asleep(ONE), hall.asleep(ONE));

        let (_, ended) = race(&hall, |hall| hall.leave(ONE), move |hall| hall.expire(&first));

        match ended {
            Ok(()) => {
                assert_eq!(hall.look_after(&second), None);
                hall.leave(ONE);
            }
            Err(bound) => assert_eq!(bound, Bound::Wait),
        }
        assert_eq!(hall.look_after(&second), Some(Ok(())));
        hall.leave(ONE);
        hall.is_as_new(1);
    });
}

/// Promise 4 and 2: a heavy one who goes away was in the way of a light one, who comes in.
///
/// Caught when broken: without the `serve` after giving up.
#[test]
fn a_light_one_comes_in_after_a_heavy_one_goes_away() {
    model(|| {
        let hall = Hall::new(2);
        hall.enter(TWO);
        let (heavy, light) = (hall.asleep(TWO), hall.asleep(ONE));

        race(&hall, |hall| hall.leave(ONE), move |hall| hall.cancel(&heavy));

        assert_eq!(hall.look_after(&light), Some(Ok(())));
        assert_eq!(hall.seen(), (2, 2, 0));
    });
}

/// Nobody passes one who waits: a light one is let in after the heavy one only.
///
/// Caught when broken: with a `try_take` that looks for room alone; with an `enter_or_join` that
/// tries again where there is room and somebody waits.
#[test]
fn nobody_passes_a_heavy_one() {
    model(|| {
        let hall = Hall::new(2);
        hall.enter(TWO);
        let heavy = hall.asleep(TWO);

        let (_, tried, asked) = race_of_three(
            &hall,
            |hall| hall.leave(ONE),
            |hall| hall.try_enter(ONE),
            |hall| hall.ask(ONE),
        );

        assert_eq!(tried, Err(Bound::Limit));
        assert!(!hall.is_in(&asked));
        assert_eq!(hall.look_after(&heavy), None);
        hall.leave(ONE);
        assert_eq!(hall.look_after(&heavy), Some(Ok(())));
        hall.leave(TWO);
        assert!(hall.is_in(&asked));
    });
}

/// Promises 3 and 4: one who is sent away for a more important call is told, or has got a place; and
/// the other one waits in his stead, or is told that the queue is full.
///
/// Caught when broken: with one who is sent away and counted out of the word, though the other one
/// waits in his stead.
#[test]
fn the_least_important_is_sent_away_or_has_a_place() {
    model(|| {
        let hall = Hall::ranked(1, 1);
        hall.enter(ONE);
        let Asked::Asleep(low) = hall.ask_as(ONE, Priority::LOW) else { panic!("it is full") };

        let (_, high) =
            race(&hall, |hall| hall.leave(ONE), |hall| hall.ask_as(ONE, Priority::HIGH));

        let low = hall.look_after(&low);
        match hall.is_in(&high) {
            true => assert_eq!(low, Some(Err(Bound::Priority))),
            false => assert_eq!(low, Some(Ok(()))),
        }
        let waits = u32::from(low == Some(Ok(())) && matches!(high, Asked::Asleep(_)));
        assert_eq!(hall.seen(), (1, 1, waits), "{high:?}");
    });
}
