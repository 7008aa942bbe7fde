//! Models of who opens a circuit; the promises are those of [`crate::machine`].

use std::time::Duration;

use seawall_core::{
    Nanos,
    Outcome::Failure,
    Ratio,
    model::{model, model_of_equals, race, race_of_three},
};

use super::loom_circuit::{Circuit, OPEN_MS, config};
use crate::{Cause, Config, Ramp, State, Turn, Window, window::Totals};

/// Promise 2: of three failures at once, each of which trips, one opens the circuit and tells.
///
/// Caught when broken: with a store instead of the swap in `trip`, the generation opens twice.
#[test]
fn three_failures_open_it_once() {
    model_of_equals(|| {
        let circuit = Circuit::new(&Config { consecutive_failures: Some(1), ..config() });
        let [a, b, c] = [(); 3].map(|()| circuit.admit(0).expect("it is closed"));

        race_of_three(
            &circuit,
            move |circuit| circuit.settle(0, a, Failure),
            move |circuit| circuit.settle(0, b, Failure),
            move |circuit| circuit.settle(0, c, Failure),
        );

        let turns = circuit.turns();
        assert!(matches!(turns[..], [Turn::Opened { opens: 1, .. }]), "{turns:?}");
        assert_eq!((circuit.word().state(), circuit.word().opens()), (State::Open, 1));
    });
}

fn opens_at_two_failures(window: Window) {
    model_of_equals(move || {
        let circuit = Circuit::new(&Config {
            window,
            minimum_calls: Some(2),
            failure_rate: Some(Ratio::ONE),
            ..config()
        });
        let [a, b] = [(); 2].map(|()| circuit.admit(0).expect("it is closed"));

        race(
            &circuit,
            move |circuit| circuit.settle_on(0, a, Failure),
            move |circuit| circuit.settle_on(1, b, Failure),
        );

        let cause = Cause::FailureRate { rate: Ratio::ONE, calls: 2 };
        let open_for = Duration::from_millis(OPEN_MS);
        assert_eq!(circuit.turns(), [Turn::Opened { cause, open_for, opens: 1 }]);
        assert_eq!(circuit.machine.totals(Nanos::ZERO), Totals::default(), "a new window");
    });
}

/// Promise 2 with promise 3 of the count window: of the two failures that make up the rate,
/// whichever comes last opens the circuit.
///
/// Caught when broken: with a Relaxed swap of `bad`, each sees one call only, and it stays closed;
/// with a store in `trip`, it opens twice.
#[test]
fn the_last_failure_opens_it_by_a_count_window() {
    opens_at_two_failures(Window::count(2));
}

/// As [`the_last_failure_opens_it_by_a_count_window`], by promise 3 of the time window.
///
/// Caught when broken: without the fence, it stays closed; with a store in `trip`, it opens twice.
#[test]
fn the_last_failure_opens_it_by_a_time_window() {
    opens_at_two_failures(Window::time(Duration::from_secs(2)).buckets(2));
}

/// Promise 2: the end of a ramp is told once, and does not hide that a call of the ramp failed.
///
/// Caught when broken: with a `trip` that gives up where its swap failed, the circuit stays closed;
/// an end of the ramp that is a generation of its own is told as one.
#[test]
fn a_ramp_ends_once_and_a_failure_opens_it_all_the_same() {
    model(|| {
        let over = Duration::from_millis(5);
        let circuit = Circuit::opened(&Config {
            consecutive_failures: Some(1),
            half_open_probes: 0,
            ramp: Some(Ramp { over, from: Ratio::ZERO }),
            ..config()
        });
        circuit.outside.chances([true]);
        let call = circuit.admit(OPEN_MS).expect("chance is with it");

        let _ = race_of_three(
            &circuit,
            move |circuit| circuit.settle(OPEN_MS, call, Failure),
            |circuit| circuit.admit(OPEN_MS + 5),
            |circuit| circuit.admit(OPEN_MS + 5),
        );

        let turns = circuit.turns();
        match &turns[1..] {
            [Turn::RampStarted, Turn::Opened { .. }]
            | [Turn::RampStarted, Turn::Closed, Turn::Opened { .. }] => {}
            turns => panic!("{turns:?}"),
        }
        assert_eq!(circuit.word().state(), State::Open);
    });
}
