//! Models of the window of the last calls; the promises are those of [`crate::window::count`].

use std::sync::Arc;

use seawall_core::model::{model, model_of_equals, race, race_of_three};

use super::loom_circuit::Beside;
use crate::window::{Call, Totals, count::CountWindow};

const WELL: Call = Call { failed: false, slow: false };
const FAILED: Call = Call { failed: true, slow: false };
const SLOW: Call = Call { failed: false, slow: true };

/// A window of as many calls as there are in `past`, which it holds.
fn window_of(past: &[Call]) -> Arc<Beside<CountWindow>> {
    let slow = past.iter().any(|call| call.slow);
    let window = Beside::new(CountWindow::new(past.len() as u32, slow));
    for &call in past {
        window.record(window.generation(0), call);
    }
    Arc::new(window)
}

fn totals(calls: u64, failed: u64, slow: u64) -> Totals {
    Totals { calls, failed, slow }
}

/// A bit that was lost on the way shows when the next lap comes to it.
fn lap_of_good_calls(window: &Beside<CountWindow>) {
    let calls = window.totals(0).calls;
    for _ in 0..calls {
        window.record(window.generation(0), WELL);
    }
    assert_eq!(window.totals(0), totals(calls, 0, 0));
}

/// Promise 1: three recorders at once, each on the place of another call of the lap before.
///
/// Caught when broken: with a store to the cursor, two take one place; with a store to the ring, a
/// bit is lost; with a store to `bad`, a count; with a count of what was written instead of what it
/// changed, there are more failures than calls.
#[test]
fn three_recorders_replace_a_lap() {
    model_of_equals(|| {
        let window = window_of(&[WELL, FAILED, FAILED]);

        race_of_three(
            &window,
            |window| window.record(window.generation(0), FAILED),
            |window| window.record(window.generation(0), WELL),
            |window| window.record(window.generation(0), FAILED),
        );

        assert_eq!(window.totals(0), totals(3, 2, 0));
        assert_eq!(window.recorded(), 6);
        lap_of_good_calls(&window);
    });
}

/// Promise 1: one recorder goes on while another, which took its place before, is between its
/// steps. Neither is behind by a whole lap, which is as far as the promise goes.
///
/// Caught when broken: as [`three_recorders_replace_a_lap`].
#[test]
fn a_recorder_is_overtaken_by_less_than_a_lap() {
    model(|| {
        let window = window_of(&[FAILED, WELL, FAILED]);

        race(
            &window,
            |window| window.record(window.generation(0), FAILED),
            |window| {
                window.record(window.generation(0), WELL);
                window.record(window.generation(0), FAILED);
            },
        );

        assert_eq!(window.totals(0), totals(3, 2, 0));
        lap_of_good_calls(&window);
    });
}

/// Promise 1, for both rings of a window that watches slow calls.
///
/// Caught when broken: with a store to `bad`, one ring's count is lost to the other's.
#[test]
fn slow_calls_are_counted_beside_failures() {
    model(|| {
        let window = window_of(&[SLOW, FAILED]);

        race(
            &window,
            |window| window.record(window.generation(0), SLOW),
            |window| window.record(window.generation(0), WELL),
        );

        assert_eq!(window.totals(0), totals(2, 0, 1));
    });
}

/// What holds even where a recorder sleeps for a whole lap: the count is what the ring holds, so
/// that the next lap is exact again.
///
/// Caught when broken: with a store to the ring, or with a count of what was written, it never is.
#[test]
fn the_count_follows_the_ring_through_an_overtaken_lap() {
    model(|| {
        let window = window_of(&[FAILED]);

        race(
            &window,
            |window| window.record(window.generation(0), FAILED),
            |window| {
                window.record(window.generation(0), WELL);
                window.record(window.generation(0), FAILED);
            },
        );

        window.record(window.generation(0), WELL);
        assert_eq!(window.totals(0), totals(1, 0, 0));
        window.record(window.generation(0), FAILED);
        assert_eq!(window.totals(0), totals(1, 1, 0));
    });
}

/// Promise 2: a recorder of the generation before, wherever it was held up, adds nothing to the new
/// one and takes nothing from it.
///
/// Caught when broken: without the question whether its generation is over, in the cursor, in the
/// ring or in `bad`, each of them, it does one or the other; with a ring's word that keeps its bits
/// for the next generation, or with a swap of a tag that is Relaxed, too.
#[test]
fn a_recorder_of_an_earlier_generation_writes_nothing() {
    for late in [WELL, FAILED] {
        model(move || {
            let window = window_of(&[FAILED, FAILED]);

            race(
                &window,
                move |window| window.record(window.generation(0), late),
                |window| {
                    window.turn(1);
                    window.record(window.generation(1), FAILED);
                    window.record(window.generation(1), WELL);
                },
            );

            assert_eq!(window.totals(1), totals(2, 1, 0));
            window.record(window.generation(1), WELL);
            assert_eq!(window.totals(1), totals(2, 0, 0));
        });
    }
}

/// Promises 1 and 2: two recorders step into a new generation at once, and both are in it.
///
/// Caught when broken: with a store to the cursor, or without the question whether a generation is
/// over there or in `bad`, one of them is not, or a third one is.
#[test]
fn two_recorders_open_a_generation() {
    model(|| {
        let window = window_of(&[FAILED, WELL, FAILED]);
        window.turn(1);

        race_of_three(
            &window,
            |window| window.record(window.generation(1), FAILED),
            |window| window.record(window.generation(1), FAILED),
            |window| window.record(window.generation(0), FAILED),
        );

        assert_eq!(window.totals(1), totals(2, 2, 0));
    });
}

/// Promise 3: of two recorders of bad calls, one at least sees both.
///
/// Caught when broken: with a swap of `bad` that is Relaxed, or only Acquire, the last to count
/// sees no place in the cursor but its own.
#[test]
fn the_last_to_count_sees_both() {
    for call in [FAILED, SLOW] {
        model_of_equals(move || {
            let window = Arc::new(Beside::new(CountWindow::new(2, call.slow)));
            let record_and_look = move |window: &Beside<CountWindow>| {
                window.record(window.generation(0), call);
                window.totals(0)
            };

            let (first, second) = race(&window, record_and_look, record_and_look);

            let both = totals(2, 2 * u64::from(call.failed), 2 * u64::from(call.slow));
            assert!(first == both || second == both, "{first:?}, {second:?}");
        });
    }
}
