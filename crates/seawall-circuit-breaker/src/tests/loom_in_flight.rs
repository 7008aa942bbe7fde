//! Models of the calls in flight; the promises are those of [`crate::machine::in_flight`].

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos,
    model::{model, race, race_of_three},
};

use super::loom_circuit::Beside;
use crate::machine::in_flight::InFlight;

/// Slices of a nanosecond, so that a moment is the number of its slice; slice 16 takes the slot of
/// slice 0. Overdue is what started more than 8 slices ago.
fn started(moments: &[u64]) -> Arc<Beside<InFlight>> {
    let in_flight = Beside::new(InFlight::new(Duration::from_nanos(8)));
    for &moment in moments {
        in_flight.start(in_flight.generation(0), Nanos(moment));
    }
    Arc::new(in_flight)
}

/// Promise 1: calls end while a new one takes their slot.
///
/// Caught when broken: with a look at the slot and a `fetch_sub`, an end is taken from the new
/// slice; where the new call forgets what was left in the slot, nothing is overdue; where it moves
/// that before it has the slot, calls are moved that have ended.
#[test]
fn calls_end_while_their_slot_is_taken() {
    model(|| {
        let in_flight = started(&[0, 0, 0]);

        race_of_three(
            &in_flight,
            |in_flight| in_flight.end(in_flight.generation(0), Nanos(0)),
            |in_flight| in_flight.end(in_flight.generation(0), Nanos(0)),
            |in_flight| in_flight.start(in_flight.generation(0), Nanos(16)),
        );

        assert_eq!(in_flight.overdue(0, Nanos(16)), 1);
        assert_eq!(in_flight.overdue(0, Nanos(25)), 2, "and the one that took the slot");
        in_flight.end(in_flight.generation(0), Nanos(0));
        in_flight.end(in_flight.generation(0), Nanos(16));
        assert_eq!(in_flight.overdue(0, Nanos(25)), 0);
    });
}

/// Promise 1: a call that was held up before it could be counted is overdue all the same.
///
/// Caught when broken: where a late call is not counted, its end makes another's overdue one
/// vanish; where it takes the slot back, the newer call is gone.
#[test]
fn a_call_is_counted_late() {
    model(|| {
        let in_flight = started(&[0]);

        race_of_three(
            &in_flight,
            |in_flight| in_flight.start(in_flight.generation(0), Nanos(0)),
            |in_flight| in_flight.start(in_flight.generation(0), Nanos(16)),
            |in_flight| in_flight.end(in_flight.generation(0), Nanos(0)),
        );

        assert_eq!(in_flight.overdue(0, Nanos(16)), 1);
        in_flight.end(in_flight.generation(0), Nanos(0));
        assert_eq!(in_flight.overdue(0, Nanos(16)), 0);
    });
}

/// Promise 2: a call of the generation before ends, or begins, without a trace in the new one.
///
/// Caught when broken: without the generation in `end`, the new call is taken out; without it where
/// a slot is taken, the old one is moved over.
#[test]
fn a_call_of_an_earlier_generation_changes_nothing() {
    model(|| {
        let in_flight = started(&[0]);

        race_of_three(
            &in_flight,
            |in_flight| in_flight.end(in_flight.generation(0), Nanos(0)),
            |in_flight| in_flight.start(in_flight.generation(0), Nanos(16)),
            |in_flight| {
                in_flight.turn(1);
                in_flight.start(in_flight.generation(1), Nanos(0));
            },
        );

        assert_eq!(in_flight.overdue(1, Nanos(16)), 1);
        in_flight.end(in_flight.generation(1), Nanos(0));
        assert_eq!(in_flight.overdue(1, Nanos(16)), 0);
    });
}

/// Promise 2: a call of the generation before, whose slot is taken, does not end for one of the
/// new generation.
///
/// Caught when broken: where a late change of `ancient` counts, or sets it back, the one call that
/// is overdue is not.
#[test]
fn a_call_of_an_earlier_generation_is_not_among_the_ancient() {
    model(|| {
        let in_flight = started(&[0]);
        in_flight.turn(1);
        in_flight.start(in_flight.generation(1), Nanos(0));

        race(
            &in_flight,
            |in_flight| in_flight.end(in_flight.generation(0), Nanos(0)),
            |in_flight| in_flight.start(in_flight.generation(1), Nanos(16)),
        );

        assert_eq!(in_flight.overdue(1, Nanos(16)), 1);
    });
}

/// Promise 1: who looks while calls are moved sees some of them late, and none twice.
///
/// Caught when broken: with a Relaxed change or a Relaxed load of `ancient`, the calls are seen
/// there and in their slot, and twice as many hang as do.
#[test]
fn no_call_is_seen_twice() {
    model(|| {
        let in_flight = started(&[0, 0]);

        let ((), seen) = race(
            &in_flight,
            |in_flight| in_flight.start(in_flight.generation(0), Nanos(16)),
            |in_flight| in_flight.overdue(0, Nanos(16)),
        );

        assert!(seen <= 2, "{seen} of 2 calls are overdue");
        assert_eq!(in_flight.overdue(0, Nanos(16)), 2);
    });
}
