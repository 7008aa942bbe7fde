//! Models of the window of the last stretch of time; the promises are those of
//! [`crate::window::time`].

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos,
    model::{model, model_of_equals, race, race_of_three},
};

use super::loom_circuit::Beside;
use crate::window::{Call, Totals, time::TimeWindow};

const WELL: Call = Call { failed: false, slow: false };
const FAILED: Call = Call { failed: true, slow: false };
const SLOW: Call = Call { failed: false, slow: true };

/// Two buckets: the slices 0, 2, 4 share one, and a window that ends with slice 2 holds 1 and 2.
fn window(lanes: usize, slow: bool) -> Arc<Beside<TimeWindow>> {
    Arc::new(Beside::new(TimeWindow::new(Duration::from_secs(2), 2, lanes, slow)))
}

/// A moment in a slice.
fn slice(slice: u64) -> Nanos {
    Nanos::from(Duration::from_secs(slice))
}

fn totals(calls: u64, failed: u64, slow: u64) -> Totals {
    Totals { calls, failed, slow }
}

/// Promise 1: three recorders begin a slice at once, in a bucket that holds an old one.
///
/// Caught when broken: with a store to the bucket, one of them is lost.
#[test]
fn three_recorders_begin_a_slice() {
    model_of_equals(|| {
        let window = window(1, false);
        window.record(window.generation(0), FAILED, slice(0), 0);

        race_of_three(
            &window,
            |window| window.record(window.generation(0), FAILED, slice(2), 0),
            |window| window.record(window.generation(0), WELL, slice(2), 0),
            |window| window.record(window.generation(0), WELL, slice(2), 0),
        );

        assert_eq!(window.totals(0, slice(2)), totals(3, 1, 0));
        assert_eq!(window.recorded(), 4);
    });
}

/// Promise 2: a recorder that was held up until its slice had left the window does not destroy the
/// slice that took its bucket, and is not counted in it.
///
/// Caught when broken: where a recorder that finds a later tag overwrites it, the newer call is
/// gone; where it adds to it, there is a failure that was none.
#[test]
fn a_late_recorder_leaves_the_newer_slice_alone() {
    model(|| {
        let window = window(1, false);

        race_of_three(
            &window,
            |window| window.record(window.generation(0), FAILED, slice(0), 0),
            |window| window.record(window.generation(0), WELL, slice(1), 0),
            |window| window.record(window.generation(0), WELL, slice(2), 0),
        );

        assert_eq!(window.totals(0, slice(2)), totals(2, 0, 0));
    });
}

/// Promise 2: a recorder of the generation before neither adds to the bucket of the new one nor
/// resets it.
///
/// Caught when broken: with tags that are compared by their slices only, or without the question
/// whether its generation is over, it does.
#[test]
fn a_recorder_of_an_earlier_generation_changes_nothing() {
    model(|| {
        let window = window(1, false);
        window.record(window.generation(0), FAILED, slice(0), 0);

        race(
            &window,
            |window| window.record(window.generation(0), FAILED, slice(2), 0),
            |window| {
                window.turn(1);
                window.record(window.generation(1), WELL, slice(0), 0);
                window.record(window.generation(1), WELL, slice(2), 0);
            },
        );

        let kept = window.totals(1, slice(2));
        assert!(kept.calls >= 1, "that of slice 2 at least");
        assert_eq!(kept, totals(1, 0, 0), "slice 0 has left");
    });
}

fn one_of_two_sees_both(first: Nanos, second: Nanos, call: Call) {
    model(move || {
        let window = window(2, call.slow);
        let record_and_look = move |now, lane| {
            move |window: &Beside<TimeWindow>| {
                window.record(window.generation(0), call, now, lane);
                window.totals(0, now)
            }
        };

        let (first, second) = race(&window, record_and_look(first, 0), record_and_look(second, 1));

        let both = totals(2, 2 * u64::from(call.failed), 2 * u64::from(call.slow));
        assert!(first == both || second == both, "{first:?}, {second:?}");
    });
}

/// Promise 3: of two recorders of failed calls in different lanes, one at least sees both.
///
/// Caught when broken: without the fence, or with one that is AcqRel, each sees its own only.
#[test]
fn one_of_two_failures_sees_both() {
    one_of_two_sees_both(slice(0), slice(0), FAILED);
}

/// Promise 3, for slow calls, which stand in two words.
///
/// Caught when broken: with the fence between the two words, neither sees two slow ones.
#[test]
fn one_of_two_slow_calls_sees_both() {
    one_of_two_sees_both(slice(0), slice(0), SLOW);
}

/// Promise 3, where a new slice begins between the two.
///
/// Caught when broken: with totals that end with the reader's own slice, the recorder of the
/// earlier slice, coming last, does not look at the later one, and that one has looked too early.
#[test]
fn one_of_two_failures_sees_both_though_a_slice_begins() {
    one_of_two_sees_both(slice(0), slice(1), FAILED);
}
