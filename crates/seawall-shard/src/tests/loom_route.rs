//! Models of calls that take and give back places; the promises are those of [`crate::route::ledger`].

use std::sync::Arc;

use super::{model, model_of_equals, race, race_of_three};
use crate::route::ledger::{Ledger, Load};

/// A map of so many nodes of one weight, of which one is looked at, with `calls` in flight.
///
/// At 1.25 of a share: with three nodes, one or two calls in all leave it a place for one; with two nodes, one
/// call leaves it a place for one, and two calls for two.
fn node(nodes: u64, calls: u32) -> Arc<Load> {
    let ledger = Ledger::new(1_250_000);
    ledger.weigh(nodes);
    let load = Load::new(Arc::new(ledger));
    (0..calls).for_each(|_| assert!(call(&load), "it has a place"));
    Arc::new(load)
}

fn call(load: &Load) -> bool {
    load.ledger().come();
    let entered = load.enter(1);
    if !entered {
        load.ledger().go();
    }
    entered
}

fn counts(load: &Load) -> (u32, u64) {
    (load.in_flight(), load.ledger().total())
}

/// Promise 1: of two callers who meet at the last place, one gets it.
///
/// Caught when broken: with a look at the load and an addition after it, both get in.
#[test]
fn the_last_place_is_taken_once() {
    model_of_equals(|| {
        let load = node(3, 0);

        let (one, other) = race(&load, call, call);

        assert!(one != other, "{one} {other}");
        assert_eq!(counts(&load), (1, 1));
    });
}

/// Promise 1: two callers who both have a place are both let in, whoever is first: a call that the load counts
/// is one that the total counts.
///
/// Caught when broken: with a total that counts a call after it has entered, or is read before the load; with a
/// Relaxed load of the word, or a Relaxed swap.
#[test]
fn a_call_that_the_load_counts_is_counted_in_the_total() {
    model_of_equals(|| {
        let load = node(2, 0);

        assert_eq!(race(&load, call, call), (true, true));
        assert_eq!(counts(&load), (2, 2));
    });
}

/// Promise 1: who comes while another leaves has a place, as there is one before and after.
///
/// Caught when broken: without the second look at the word before a refusal; with a Relaxed subtraction from the
/// total, or a Relaxed load of it; with a total that counts a call out before the load does.
#[test]
fn a_call_that_leaves_is_taken_out_of_both() {
    model(|| {
        let load = node(2, 1);

        let (entered, ()) = race(&load, call, Load::leave);

        assert!(entered);
        assert_eq!(counts(&load), (1, 1));
    });
}

/// Promise 1: the same, where another one comes in for the one that left, and the load is what it was.
///
/// Caught when broken: with a word that counts no changes.
#[test]
fn a_load_that_is_what_it_was_is_not_taken_for_one_that_stood_still() {
    model(|| {
        let load = node(2, 1);

        let (first, second) = race(&load, call, |load| {
            load.leave();
            call(load)
        });

        assert!(first && second, "{first} {second}");
        assert_eq!(counts(&load), (2, 2));
    });
}

/// Promise 2: of two who want a place that comes free, one gets it.
///
/// Caught when broken: with an addition that is undone where it was too much, each is in the way of the other
/// and both are refused; with an undoing that takes away a place that another has, counts go below nothing.
#[test]
fn a_refusal_takes_no_place() {
    model(|| {
        let load = node(3, 1);

        let (first, second) = race(&load, call, |load| {
            load.leave();
            call(load)
        });

        assert!(first != second, "{first} {second}");
        assert_eq!(counts(&load), (1, 1));
    });
}

/// Promise 3: a node that left with a call in flight and came back is another one; both count to the end.
///
/// Caught when broken: with a lease that looks its node up again, the new one is at less than nothing.
#[test]
fn a_node_that_came_back_starts_from_nothing() {
    model(|| {
        let before = node(3, 1);
        let ledger = before.shared_ledger();
        let both = Arc::new((before, Load::new(ledger)));

        let ((), entered, ()) = race_of_three(
            &both,
            |(before, _)| before.leave(),
            |(_, after)| call(after),
            |(before, after)| assert!(before.in_flight() <= 1 && after.in_flight() <= 1),
        );

        assert!(entered, "it is empty");
        assert_eq!((both.0.in_flight(), counts(&both.1)), (0, (1, 1)));
        both.1.leave();
        assert_eq!(counts(&both.1), (0, 0));
    });
}
