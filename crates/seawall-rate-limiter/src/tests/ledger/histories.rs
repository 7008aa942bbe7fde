//! Random histories: the ledger and the reference say the same after each step.

use proptest::prelude::*;
use seawall_core::Nanos;

use super::{policy, reference::Reference, small};
use crate::{
    Policy, Quota,
    gcra::Returned,
    ledger::{Booking, Ledger},
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Take(u32),
    Book(u32, u64),
    /// Gives back the n-th of those that are held, counted from the last, or a cell of it.
    GiveBack(usize, bool),
    Advance(u64),
    Backward(u64),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..9_u32).prop_map(Step::Take),
        10 => (1..5_u32, 0..120_u64).prop_map(|(cells, patience)| Step::Book(cells, patience)),
        6 => (0..6_usize, any::<bool>()).prop_map(|(nth, part)| Step::GiveBack(nth, part)),
        8 => (1..30_u64).prop_map(Step::Advance),
        1 => (1..200_u64).prop_map(Step::Advance),
        1 => (1..20_u64).prop_map(Step::Backward),
    ]
}

pub(super) fn quotas(policies: impl Strategy<Value = Policy>) -> impl Strategy<Value = Vec<Quota>> {
    prop::collection::vec(small(policies), 1..=4)
}

/// One who booked.
pub(super) struct Held {
    pub(super) booking: Booking,
    pub(super) number: u64,
    pub(super) cells: u32,
}

struct Pair {
    ledger: Ledger,
    reference: Reference,
    held: Vec<Held>,
    now: u64,
}

impl Pair {
    fn new(quotas: &[Quota]) -> Self {
        let (ledger, reference) = (Ledger::new(quotas, Nanos(0)), Reference::new(quotas));
        Self { ledger, reference, held: Vec::new(), now: 0 }
    }

    fn go(&mut self, step: Step) {
        let (now, before) = (Nanos(self.now), self.ledger.clone());
        match step {
            Step::Take(cells) => {
                let given = self.ledger.take(now, cells);
                assert_eq!(given, self.reference.take(self.now, cells));
                assert!(given.is_ok() || self.ledger == before, "a refusal changed something");
            }
            Step::Book(cells, patience) => {
                let turn = self.reference.turn();
                let booked = self.ledger.book(now, cells, patience);
                let expected = self.reference.book(self.now, cells, patience);
                assert_eq!(booked.map(|booking| booking.at.0), expected.map(|(at, _)| at));
                match (booked, expected) {
                    (Ok(booking), Ok((_, number))) => {
                        assert!(self.reference.turn() >= turn, "somebody was overtaken");
                        self.held.push(Held { booking, number, cells });
                    }
                    _ => assert!(self.ledger == before, "a refusal changed something"),
                }
            }
            Step::GiveBack(nth, part) => self.give_back(nth, part),
            Step::Advance(time) => self.now += time,
            Step::Backward(time) => self.now = self.now.saturating_sub(time),
        }
    }

    fn give_back(&mut self, nth: usize, part: bool) {
        let Some(place) = self.held.len().checked_sub(nth + 1) else { return };
        let held = &mut self.held[place];
        let cells = if part { 1 } else { held.cells };
        let present = self.reference.present(self.now);
        let last = self.reference.given.last().is_some_and(|given| given.number == held.number);
        if self.reference.has(Policy::Gcra) && self.reference.turn() <= present && !last {
            return; // less may come back than was taken: see `returns`
        }
        let before = self.ledger.clone();
        let returned = self.ledger.give_back(Nanos(self.now), cells, held.booking);
        assert_eq!(returned, self.reference.give_back(self.now, cells, held.number));
        assert!(returned == Returned::Freed || self.ledger == before);
        let held = &mut self.held[place];
        held.cells -= cells;
        if held.cells == 0 || returned != Returned::Freed {
            self.held.remove(place);
        }
    }

    fn compare(&self) {
        let standings = self.ledger.standings(Nanos(self.now));
        let told: Vec<_> = standings
            .map(|standing| {
                let nanos = |time| Nanos::from(time).0;
                (standing.remaining, nanos(standing.next), nanos(standing.full))
            })
            .collect();
        let expected = self.reference.standings(self.now);
        assert_eq!(told, expected);
        let wait = expected.iter().map(|(_, next, _)| *next).max();
        assert_eq!(Some(self.ledger.wait(Nanos(self.now))), wait);
    }
}

fn same(quotas: &[Quota], steps: &[Step]) {
    let mut pair = Pair::new(quotas);
    for &step in steps {
        pair.go(step);
        pair.compare();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_fixed_window_counts_as_the_reference(
        quota in small(Just(Policy::FixedWindow)), steps in prop::collection::vec(step(), 1..40)
    ) {
        same(&[quota], &steps);
    }

    #[test]
    fn a_sliding_window_counts_as_the_reference(
        quota in small(Just(Policy::SlidingWindow)), steps in prop::collection::vec(step(), 1..40)
    ) {
        same(&[quota], &steps);
    }

    #[test]
    fn a_log_counts_as_the_reference(
        quota in small(Just(Policy::SlidingLog)), steps in prop::collection::vec(step(), 1..40)
    ) {
        same(&[quota], &steps);
    }

    #[test]
    fn a_gcra_counts_as_the_reference(
        quota in small(Just(Policy::Gcra)), steps in prop::collection::vec(step(), 1..40)
    ) {
        same(&[quota], &steps);
    }

    /// Promises 1 to 5.
    #[test]
    fn several_quotas_count_as_the_reference(
        quotas in quotas(policy()), steps in prop::collection::vec(step(), 1..40)
    ) {
        same(&quotas, &steps);
    }
}
