//! What the models share: a circuit in a scripted world, and what stands beside its word.
//!
//! Each model was seen to fail with the broken variants that it names.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos, Outcome,
    sync::{
        atomic::{AtomicU64, Ordering::Release},
        unmodelled::{AtomicU32, Ordering::Relaxed},
    },
};

use super::outside::Scripted;
use crate::{
    Config, State, Turn,
    machine::{Machine, Refusal, Role, Ticket},
    window::generation::Generation,
    word::Word,
};

/// What is tagged with generations, beside the word of the circuit that turns.
pub(super) struct Beside<T> {
    word: AtomicU64,
    inner: T,
}

impl<T> Beside<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { word: AtomicU64::new(Word::new(State::Closed, 0, 0, 0).0), inner }
    }

    /// The generation with `number`, of a call that was let in when it was the circuit's.
    pub(super) fn generation(&self, number: u32) -> Generation<'_> {
        Generation::new(number, &self.word)
    }

    /// The circuit turns, once or more often.
    pub(super) fn turn(&self, number: u32) {
        self.word.store(Word::new(State::Closed, number, 0, 0).0, Release);
    }
}

impl<T> std::ops::Deref for Beside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// For how many milliseconds a circuit stays open.
pub(super) const OPEN_MS: u64 = 10;

/// For how many milliseconds a probe may hold its place.
pub(super) const LEASE_MS: u64 = 100;

/// A circuit that nothing trips but what a model sets.
pub(super) fn config() -> Config {
    Config {
        failure_rate: None,
        half_open_probes: 1,
        probe_lease: Duration::from_millis(LEASE_MS),
        ..Config::default()
    }
}

pub(super) struct Circuit {
    pub(super) machine: Machine,
    pub(super) outside: Scripted,
    /// The probes in flight of each generation. Outside loom's view, so that a change of it is one
    /// step with the swap that it comes after.
    in_flight: [AtomicU32; 8],
}

impl Circuit {
    pub(super) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            machine: Machine::new(config, Nanos::ZERO, 2),
            outside: Scripted::new(Duration::from_millis(OPEN_MS)),
            in_flight: Default::default(),
        })
    }

    /// A circuit whose open time is over at [`OPEN_MS`]: its generation is 1.
    pub(super) fn opened(config: &Config) -> Arc<Self> {
        let circuit = Self::new(config);
        circuit.open_by_hand(0);
        circuit
    }

    /// A circuit with its first probe in flight since [`OPEN_MS`]: its generation is 2.
    pub(super) fn half_open(config: &Config) -> (Arc<Self>, Ticket) {
        let circuit = Self::opened(config);
        let probe = circuit.admit(OPEN_MS).expect("the open time is over");
        assert_eq!(probe.role(), Role::Probe);
        (circuit, probe)
    }

    pub(super) fn admit(&self, ms: u64) -> Result<Ticket, Refusal> {
        let admitted = self.machine.admit(&self.outside.at(ms));
        if let Ok(ticket) = admitted
            && ticket.role() == Role::Probe
        {
            let others = self.in_flight[ticket.generation() as usize].fetch_add(1, Relaxed);
            let allowed = self.machine.rules.probes();
            assert!(others < allowed, "{} probes in flight, {allowed} allowed", others + 1);
        }
        admitted
    }

    /// The outcome of a call that was watched, at 0 ms, from a lane.
    pub(super) fn settle_on(&self, lane: usize, ticket: Ticket, outcome: Outcome) {
        let mut outside = self.outside.clone();
        outside.lane = lane;
        self.machine.settle(ticket, outcome, false, &outside);
    }

    pub(super) fn settle(&self, ms: u64, ticket: Ticket, outcome: Outcome) {
        self.machine.settle(ticket, outcome, false, &self.outside.at(ms));
        if ticket.role() == Role::Probe {
            self.in_flight[ticket.generation() as usize].fetch_sub(1, Relaxed);
        }
    }

    /// A call from its beginning to its end, if it is let in.
    pub(super) fn call(&self, ms: u64, outcome: Outcome) {
        if let Ok(ticket) = self.admit(ms) {
            self.settle(ms, ticket, outcome);
        }
    }

    /// Opens it for [`OPEN_MS`].
    pub(super) fn open_by_hand(&self, ms: u64) {
        self.open_by_hand_for(OPEN_MS, ms);
    }

    pub(super) fn open_by_hand_for(&self, time_ms: u64, ms: u64) {
        self.machine.open_by_hand(Duration::from_millis(time_ms), &self.outside.at(ms));
    }

    pub(super) fn force(&self, state: State) {
        let turn = match state {
            State::Closed => Turn::Reset,
            State::ForcedOpen => Turn::ForcedOpen,
            State::ForcedClosed => Turn::ForcedClosed,
            State::Disabled => Turn::Disabled,
            state => unreachable!("nobody can force {state}"),
        };
        self.machine.force(state, &turn, &self.outside);
    }

    pub(super) fn word(&self) -> Word {
        self.machine.word()
    }

    /// What was told, having checked promise 2: one turn was told of each generation, in their
    /// order, up to the present one. (The end of a ramp is told with the generation of its
    /// beginning.)
    pub(super) fn turns(&self) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut generation = 0;
        for (told, turn) in self.outside.told() {
            let ends_ramp = turn == Turn::Closed && turns.last() == Some(&Turn::RampStarted);
            generation += u32::from(!ends_ramp);
            assert_eq!(told, generation, "{turn:?} after {turns:?}");
            turns.push(turn);
        }
        assert_eq!(self.word().generation(), generation, "after {turns:?}");
        turns
    }

    pub(super) fn stale(&self) -> u64 {
        self.machine.stats.stale.get()
    }
}
