//! Models of what is taken and given back; the promises are those of [`crate::machine`].

use std::sync::Arc;

use loom::cell::UnsafeCell;
use seawall_core::Bound;

use super::{
    hall::{Asked, Hall, ONE, TWO},
    model, race, race_of_three,
};

/// Promise 1: as many as there is room for get in, no more and no fewer.
///
/// Caught when broken: with a look and a `fetch_add` instead of the swap, two take one place; with a
/// swap that is not tried again, a free place is refused.
#[test]
fn one_place_is_taken_once_and_two_places_twice() {
    model(|| {
        let hall = Hall::new(1);
        let (a, b) = race(&hall, |hall| hall.try_enter(ONE), |hall| hall.try_enter(ONE));
        assert!(a.is_ok() != b.is_ok(), "{a:?} and {b:?}");
        assert_eq!(hall.seen(), (1, 1, 0));

        let hall = Hall::new(2);
        let (a, b) = race(&hall, |hall| hall.try_enter(ONE), |hall| hall.try_enter(ONE));
        assert!(a.is_ok() && b.is_ok(), "{a:?} and {b:?}");
        assert_eq!(hall.seen(), (2, 2, 0));
    });
}

/// Promise 1: a place that has come back is there for one of those who ask.
///
/// Caught when broken: with an optimistic `fetch_add` that is taken back where it was too much, one
/// who is refused has it for a moment, and the other one is refused too.
#[test]
fn a_place_that_came_back_is_there_for_one() {
    model(|| {
        let hall = Hall::new(1);

        let (a, b) = race(
            &hall,
            |hall| {
                if hall.try_enter(ONE).is_ok() {
                    hall.leave(ONE);
                }
                hall.try_enter(ONE)
            },
            |hall| hall.try_enter(ONE),
        );

        assert!(a.is_ok() != b.is_ok(), "{a:?} and {b:?}");
        assert_eq!(hall.seen(), (1, 1, 0));
    });
}

/// Promise 1: whoever is in flight beyond a limit that shrinks was let in before.
///
/// Caught when broken: with a store of the limit instead of the swap, calls that came meanwhile are
/// forgotten; with a look and a `fetch_add` to take a place, one comes in after it was lowered.
#[test]
fn nobody_comes_in_above_a_limit_that_shrank() {
    model(|| {
        let hall = Hall::new(2);

        let (a, b, before) = race_of_three(
            &hall,
            |hall| hall.try_enter(ONE),
            |hall| hall.try_enter(ONE),
            |hall| {
                hall.set_limit(1);
                hall.word().in_flight()
            },
        );

        let inside = u32::from(a.is_ok()) + u32::from(b.is_ok());
        assert_eq!(hall.seen(), (1, inside, 0));
        assert!(inside <= before.max(1), "{inside} in flight, {before} when the limit shrank");
        assert!(inside >= 1, "there was a place at any time");
    });
}

/// Promises 1 and 4: all that was taken comes back, whoever comes, goes, waits, gives up, or
/// changes the limit.
///
/// Caught when broken: with a waiter who gives up and is counted as waiting on; with one who gives up
/// after a grant and does not give it back; with a grant that leaves him counted as waiting; with a
/// store of the limit.
#[test]
fn all_comes_back() {
    model(|| {
        let hall = Hall::new(1);

        race_of_three(
            &hall,
            |hall| {
                if hall.try_enter(ONE).is_ok() {
                    hall.leave(ONE);
                }
            },
            |hall| match hall.ask(ONE) {
                Asked::In => hall.leave(ONE),
                Asked::Asleep(sleeper) => hall.cancel(&sleeper),
                Asked::Refused(bound) => panic!("{bound:?}, and there is a queue"),
            },
            |hall| hall.set_limit(2),
        );

        hall.is_as_new(2);
    });
}

/// Promises 1 and 4, among those who wait: with three who come and go.
///
/// Caught when broken: as [`all_comes_back`]; with a waiter who is counted only once he stands in
/// line, he is granted a place and counted out before; with an `expire` that hands a place on and
/// keeps it.
#[test]
fn all_comes_back_from_those_who_wait() {
    model(|| {
        let hall = Hall::new(1);
        hall.enter(ONE);
        let first = hall.asleep(ONE);

        race_of_three(
            &hall,
            |hall| hall.leave(ONE),
            move |hall| match hall.expire(&first) {
                Ok(()) => hall.leave(ONE),
                Err(bound) => assert_eq!(bound, Bound::Wait),
            },
            |hall| match hall.ask(ONE) {
                Asked::In => hall.leave(ONE),
                Asked::Asleep(sleeper) => hall.cancel(&sleeper),
                Asked::Refused(bound) => panic!("{bound:?}, and there is a queue"),
            },
        );

        hall.is_as_new(1);
    });
}

/// Promise 1: a call is in flight with its own weight, and with no other.
///
/// Caught when broken: with a waiter who is granted one place, whatever he weighs.
#[test]
fn a_call_takes_what_it_weighs() {
    model(|| {
        let hall = Hall::new(2);
        hall.enter(ONE);

        let (heavy, light) = race(
            &hall,
            |hall| hall.ask(TWO),
            |hall| {
                hall.leave(ONE);
                hall.try_enter(ONE)
            },
        );

        assert!(hall.is_in(&heavy) != light.is_ok(), "{heavy:?} and {light:?}");
        if light.is_ok() {
            hall.leave(ONE);
            assert!(hall.is_in(&heavy));
        }
        hall.leave(TWO);
        hall.is_as_new(2);
    });
}

/// A hall with one place, and what its calls write where only one of them is.
struct Workshop {
    hall: Arc<Hall>,
    bench: UnsafeCell<u32>,
}

impl Workshop {
    fn new() -> Arc<Self> {
        Arc::new(Self { hall: Hall::new(1), bench: UnsafeCell::new(0) })
    }

    /// Loom stops where two work that neither sees the other's work before his own.
    fn work(&self) {
        self.bench.with_mut(|_| ());
    }
}

/// The edge of the page: what a call did is seen by the one that has its place after it.
///
/// Caught when broken: with a Relaxed `leave`, and with a Relaxed swap in `try_take`.
#[test]
fn what_a_call_did_is_seen_by_the_next() {
    model(|| {
        let shop = Workshop::new();
        let call = |shop: &Workshop| {
            if shop.hall.try_enter(ONE).is_ok() {
                shop.work();
                shop.hall.leave(ONE);
            }
        };

        race_of_three(&shop, call, call, |shop| shop.hall.set_limit(1));

        shop.hall.is_as_new(1);
    });
}

/// The same edge, to one who waited.
///
/// Caught when broken: with a Relaxed `leave`; with a Relaxed swap in `unjoin`, where the waiter
/// serves himself.
#[test]
fn what_a_call_did_is_seen_by_one_who_waited() {
    model(|| {
        let shop = Workshop::new();
        shop.hall.enter(ONE);

        let (_, asked) = race(
            &shop,
            |shop| {
                shop.work();
                shop.hall.leave(ONE);
            },
            |shop| {
                let asked = shop.hall.ask(ONE);
                if let Asked::In = asked {
                    shop.work();
                }
                asked
            },
        );

        assert!(shop.hall.is_in(&asked));
    });
}
