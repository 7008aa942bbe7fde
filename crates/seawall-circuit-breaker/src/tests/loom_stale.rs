//! Models of outcomes that come too late; the promise is 3 of [`crate::machine`].

use seawall_core::{
    Nanos,
    Outcome::{Failure, Ignored, Success},
    Ratio,
    model::{model, race},
};

use super::loom_circuit::{Circuit, OPEN_MS, config};
use crate::{Config, State, Turn, Window, window::Totals, word::Probes};

const ONE_PROBE: Probes = Probes { admitted: 1, ok: 0, failed: 0, slow: 0 };

/// Promise 3: a call that was let in while the circuit was closed does not touch its probes.
///
/// Caught when broken: with an outcome that goes by the state that it meets instead of its ticket,
/// the call decides over the half-open circuit.
#[test]
fn a_call_of_the_closed_circuit_is_no_probe() {
    for outcome in [Success, Failure, Ignored] {
        model(move || {
            let circuit = Circuit::new(&Config { consecutive_failures: Some(1), ..config() });
            let late = circuit.admit(0).expect("it is closed");

            race(
                &circuit,
                move |circuit| circuit.settle(0, late, outcome),
                |circuit| {
                    circuit.open_by_hand(0);
                    circuit.admit(OPEN_MS).expect("the open time is over");
                },
            );

            circuit.turns();
            assert_eq!(circuit.word().state(), State::HalfOpen);
            assert_eq!(circuit.word().probes(), ONE_PROBE);
        });
    }
}

/// Promise 3: a probe that was given up for lost decides nothing about those that came after it.
///
/// Caught when broken: with the state compared in `settle_probe`, and not the generation, the lost
/// probe closes the circuit; with a `fetch_sub` after a look at the generation, it frees a place of
/// another.
#[test]
fn a_probe_of_an_earlier_half_open_circuit_is_no_probe() {
    for outcome in [Success, Failure, Ignored] {
        model(move || {
            let (circuit, lost) = Circuit::half_open(&config());

            race(
                &circuit,
                move |circuit| circuit.settle(OPEN_MS, lost, outcome),
                |circuit| {
                    circuit.open_by_hand(OPEN_MS);
                    circuit.admit(2 * OPEN_MS).expect("the open time is over");
                },
            );

            circuit.turns();
            assert_eq!(circuit.word().state(), State::HalfOpen);
            assert_eq!(circuit.word().probes(), ONE_PROBE);
        });
    }
}

fn reset_while_a_call_is_in_flight(trips_at: u32) {
    model(move || {
        let circuit = Circuit::new(&Config {
            window: Window::count(3),
            minimum_calls: Some(3),
            failure_rate: Some(Ratio::ONE),
            consecutive_failures: Some(trips_at),
            ..config()
        });
        let late = circuit.admit(0).expect("it is closed");

        race(
            &circuit,
            move |circuit| circuit.settle(0, late, Failure),
            move |circuit| {
                circuit.force(State::Closed);
                let call = circuit.admit(0).expect("it is closed");
                circuit.settle(0, call, if trips_at == 1 { Success } else { Failure });
            },
        );

        let turns = circuit.turns();
        let failed = u64::from(trips_at - 1);
        assert_eq!(turns.last(), Some(&Turn::Reset), "{turns:?}");
        assert_eq!(circuit.word().state(), State::Closed);
        assert_eq!(u64::from(circuit.machine.failures_in_a_row()), failed);
        assert_eq!(circuit.machine.totals(Nanos::ZERO), Totals { calls: 1, failed, slow: 0 });
    });
}

/// Promise 3: a failure from before a reset is not in the new window, and in no new streak.
///
/// Caught when broken: without the comparison of generations in the cursor, in `bad` or in the
/// streak, there are two calls or two failures, since the look at the word in `settle` alone comes
/// too early.
#[test]
fn a_failure_from_before_a_reset_does_not_count() {
    reset_while_a_call_is_in_flight(2);
}

/// Promise 3: a failure that tripped the circuit before a reset does not open it after that.
///
/// Caught when broken: without the generation in `trip`, it does.
#[test]
fn a_failure_from_before_a_reset_does_not_trip() {
    reset_while_a_call_is_in_flight(1);
}
