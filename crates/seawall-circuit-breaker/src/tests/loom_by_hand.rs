//! Models of turns that are made by hand while calls make theirs; the promises are those of
//! [`crate::machine`].

use seawall_core::{
    Outcome::{Failure, Ignored, Success},
    model::{model, race, race_of_three},
};

use super::loom_circuit::{Circuit, LEASE_MS, OPEN_MS, config};
use crate::{
    Config, State, Turn,
    machine::{Refusal, Role, Ticket, Why},
};

/// Late enough for every open time and every lease to be over.
const MUCH_LATER: u64 = 10 * LEASE_MS;

fn stays_forced_open(circuit: &Circuit) {
    let turns = circuit.turns();
    assert_eq!(turns.last(), Some(&Turn::ForcedOpen), "{turns:?}");
    assert_eq!(turns.iter().filter(|&turn| *turn == Turn::ForcedOpen).count(), 1, "{turns:?}");
    let refusal = circuit.admit(MUCH_LATER).expect_err("until somebody says otherwise");
    assert_eq!((refusal.why, refusal.wait()), (Why::Forced, None));
}

/// Promise 2: a circuit that is forced open while a failure trips it stays open, and time does not
/// heal it.
///
/// Caught when broken: with a store in `trip`, it is open for a time only; with a `force` that does
/// not try again, too.
#[test]
fn forced_open_while_it_trips() {
    model(|| {
        let circuit = Circuit::new(&Config { consecutive_failures: Some(1), ..config() });
        let call = circuit.admit(0).expect("it is closed");

        let _ = race_of_three(
            &circuit,
            move |circuit| circuit.settle(0, call, Failure),
            |circuit| circuit.force(State::ForcedOpen),
            |circuit| circuit.admit(MUCH_LATER),
        );

        stays_forced_open(&circuit);
    });
}

/// Promises 2 and 3: a circuit that is forced open while a probe goes out and comes back stays
/// open.
///
/// Caught when broken: with an unconditional swap where a probe closes the circuit, or where the
/// first probe goes out, it is not; with a `fetch_sub` for the probe's place, its word is another.
#[test]
fn forced_open_while_a_probe_closes_it() {
    for outcome in [Success, Failure, Ignored] {
        model(move || {
            let circuit = Circuit::opened(&config());

            race(
                &circuit,
                move |circuit| circuit.call(OPEN_MS, outcome),
                |circuit| circuit.force(State::ForcedOpen),
            );

            stays_forced_open(&circuit);
        });
    }
}

/// Promises 2 and 3: a circuit that is reset while its probe comes back is closed, whatever the
/// probe says, and has no probe any more.
///
/// Caught when broken: with an unconditional swap where a probe closes the circuit, two turns have
/// one generation; with a `fetch_sub` for the probe's place, the word is another.
#[test]
fn reset_while_a_probe_comes_back() {
    for outcome in [Success, Failure, Ignored] {
        model(move || {
            let (circuit, probe) = Circuit::half_open(&config());

            let ((), (), met) = race_of_three(
                &circuit,
                move |circuit| circuit.settle(OPEN_MS, probe, outcome),
                |circuit| circuit.force(State::Closed),
                |circuit| circuit.admit(OPEN_MS),
            );

            let turns = circuit.turns();
            assert_eq!(turns.last(), Some(&Turn::Reset), "{turns:?}");
            assert_eq!(circuit.word().state(), State::Closed);
            if let Ok(ticket) = met {
                circuit.settle(OPEN_MS, ticket, Failure); // a probe of before, or watched
            }
            assert_eq!(circuit.turns(), turns);
            assert_eq!(circuit.admit(OPEN_MS).map(Ticket::role), Ok(Role::Watched));
        });
    }
}

/// Promise 2: a circuit that is opened by hand for longer than a rule would open it stays open for
/// as long as it was told, though the rule trips in the same moment.
///
/// Caught when broken: with an `open_by_hand` that takes any opening for its own, a probe goes out
/// at the end of the rule's short time.
#[test]
fn opened_by_hand_while_it_trips() {
    const LONG_MS: u64 = 10 * OPEN_MS;
    model(|| {
        let circuit = Circuit::new(&Config { consecutive_failures: Some(1), ..config() });
        let call = circuit.admit(0).expect("it is closed");

        race(
            &circuit,
            move |circuit| circuit.settle(0, call, Failure),
            |circuit| circuit.open_by_hand_for(LONG_MS, 0),
        );

        circuit.turns();
        let refusal = circuit.admit(LONG_MS - 1).expect_err("it is open");
        assert_eq!(refusal, Refusal::wait_ms(Why::Open, 1));
    });
}

/// Promise 2: of those who force it at once, each makes a turn, and the circuit is as the last one
/// says.
///
/// Caught when broken: with an unconditional swap in `force` or in `open`, two turns have one
/// generation; with a `force` that does not try again, one is missing.
#[test]
fn the_last_hand_wins() {
    model(|| {
        let circuit = Circuit::new(&config());

        race_of_three(
            &circuit,
            |circuit| circuit.force(State::ForcedOpen),
            |circuit| circuit.force(State::ForcedClosed),
            |circuit| circuit.open_by_hand(0),
        );

        let turns = circuit.turns();
        assert_eq!(turns.len(), 3, "{turns:?}");
        let last = match turns.last() {
            Some(Turn::ForcedOpen) => State::ForcedOpen,
            Some(Turn::ForcedClosed) => State::ForcedClosed,
            Some(Turn::Opened { .. }) => State::Open,
            other => panic!("nobody did this: {other:?}"),
        };
        assert_eq!(circuit.word().state(), last);
    });
}
