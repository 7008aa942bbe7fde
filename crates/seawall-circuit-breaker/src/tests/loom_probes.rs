//! Models of the probes of a half-open circuit; the promises are those of [`crate::machine`].

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Outcome::{Failure, Ignored, Success},
    model::{model, race, race_of_three},
};

use super::loom_circuit::{Circuit, LEASE_MS, OPEN_MS, config};
use crate::{
    Cause, Config, State, Turn,
    machine::{Role, Ticket, Why},
    word::Probes,
};

/// Three callers at once: a success, a failure and one that gives up.
fn three_callers(circuit: &Arc<Circuit>) {
    race_of_three(
        circuit,
        |circuit| circuit.call(OPEN_MS, Success),
        |circuit| circuit.call(OPEN_MS, Failure),
        |circuit| circuit.call(OPEN_MS, Ignored),
    );

    circuit.turns();
    let Probes { admitted, ok, failed, .. } = match circuit.word() {
        word if word.state() == State::HalfOpen => word.probes(),
        _ => return,
    };
    assert_eq!(admitted, ok + failed, "all came back");
    for _ in admitted..circuit.machine.rules.probes() {
        assert_eq!(circuit.admit(OPEN_MS).map(Ticket::role), Ok(Role::Probe));
    }
    let refusal = circuit.admit(OPEN_MS).expect_err("it is full");
    assert_eq!(refusal.why, Why::ProbesFull);
}

/// Promises 1 and 4: with one place, which the first caller after the open time takes, there is one
/// probe at a time, and its place comes back.
///
/// Caught when broken: with a look at the word and a `fetch_add` to take the place, two callers take
/// one place; with a cancel that hands no place back, the circuit stays full of probes that all came
/// back.
#[test]
fn one_probe_at_a_time() {
    model(|| three_callers(&Circuit::opened(&config())));
}

/// Promises 1 and 4, where two probes share the word.
///
/// Caught when broken: as [`one_probe_at_a_time`]; with an outcome that gives up where its swap
/// failed, a place is lost for as long as the lease.
#[test]
fn two_probes_at_a_time() {
    model(|| {
        let (circuit, probe) = Circuit::half_open(&Config { half_open_probes: 2, ..config() });
        circuit.settle(OPEN_MS, probe, Ignored);
        three_callers(&circuit);
    });
}

/// Promise 4: a place that is given up is there for one of those who ask, and for one only.
///
/// Caught when broken: with `fetch_add` instead of the swap, both take it.
#[test]
fn a_place_given_up_is_taken_once() {
    model(|| {
        let (circuit, probe) = Circuit::half_open(&config());

        let ((), first, second) = race_of_three(
            &circuit,
            move |circuit| circuit.settle(OPEN_MS, probe, Ignored),
            |circuit| circuit.admit(OPEN_MS),
            |circuit| circuit.admit(OPEN_MS),
        );

        let taken = u32::from(first.is_ok()) + u32::from(second.is_ok());
        assert_eq!(circuit.word().probes(), Probes { admitted: taken, ..Probes::default() });
        assert!(taken <= 1);
        if taken == 0 {
            assert_eq!(circuit.admit(OPEN_MS).map(Ticket::role), Ok(Role::Probe));
        }
        assert_eq!(circuit.turns().len(), 2, "opened, half-opened");
    });
}

/// Promises 2 and 4: a probe that comes back as its lease ends closes the circuit or is lost, and
/// one caller at most finds it lost.
///
/// Caught when broken: with an unconditional swap to open, the probe closes the circuit and is told
/// as lost after that, or is lost twice; with an outcome that does not try again, it neither counts
/// nor is stale.
#[test]
fn a_probe_at_the_end_of_its_lease_is_back_or_lost() {
    const OVER: u64 = OPEN_MS + LEASE_MS;
    model(|| {
        let (circuit, probe) = Circuit::half_open(&config());

        let ((), first, second) = race_of_three(
            &circuit,
            move |circuit| circuit.settle(OVER, probe, Success),
            |circuit| circuit.admit(OVER),
            |circuit| circuit.admit(OVER),
        );

        let open_for = Duration::from_millis(OPEN_MS);
        let lost = Turn::Opened { cause: Cause::ProbesLost { lost: 1 }, open_for, opens: 2 };
        let turns = circuit.turns();
        assert_eq!(turns.len(), 3, "opened, half-opened, and one more: {turns:?}");
        if turns[2] == lost {
            assert_eq!((circuit.word().state(), circuit.stale()), (State::Open, 1));
            assert!(first.is_err() && second.is_err());
        } else {
            assert_eq!(turns[2], Turn::Closed);
            assert_eq!((circuit.word().state(), circuit.stale()), (State::Closed, 0));
            assert!(first.is_ok() && second.is_ok());
        }
    });
}

/// Promise 4 and the one edge of the page: who sees a full circuit finds the lease of its probes.
///
/// Caught when broken: with a Relaxed load in `word`, or with the lease said after the turn, a
/// caller at the end of the lease finds none, and is told to wait for another one.
#[test]
fn a_full_circuit_has_a_lease() {
    model(|| {
        let circuit = Circuit::opened(&config());

        let (_, refusal) = race(
            &circuit,
            |circuit| circuit.admit(OPEN_MS),
            |circuit| {
                let full = circuit.word().state() == State::HalfOpen;
                full.then(|| circuit.admit(OPEN_MS + LEASE_MS).expect_err("it opens again"))
            },
        );

        assert!(refusal.is_none_or(|refusal| refusal.why == Why::Open), "{refusal:?}");
    });
}
