//! What is kept holds to every rule, whatever is given back: those that are kept could have been given to,
//! had the others never come.

use proptest::prelude::*;
use seawall_core::Nanos;

use super::{
    histories::{Held, Step, quotas, step},
    policy,
    reference::{Given, allows},
    small,
};
use crate::{Policy, Quota, gcra::Returned, ledger::Ledger};

struct Run {
    ledger: Ledger,
    /// What was given and not given back, in order.
    kept: Vec<Given>,
    held: Vec<Held>,
    holes: Vec<Held>,
    now: u64,
    seen: u64,
    number: u64,
}

impl Run {
    fn new(quotas: &[Quota]) -> Self {
        let ledger = Ledger::new(quotas, Nanos(0));
        let (kept, held, holes) = (Vec::new(), Vec::new(), Vec::new());
        Self { ledger, kept, held, holes, now: 0, seen: 0, number: 0 }
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Take(cells) => {
                if self.ledger.take(Nanos(self.now), cells).is_ok() {
                    self.seen = self.seen.max(self.now);
                    self.kept.push(Given { moment: self.seen, cells, number: 0 });
                }
            }
            Step::Book(cells, patience) => self.book(cells, patience),
            Step::GiveBack(nth, part) => self.give_back(nth, part),
            Step::Advance(time) => self.now += time,
            Step::Backward(time) => self.now = self.now.saturating_sub(time),
        }
    }

    fn book(&mut self, cells: u32, patience: u64) {
        // A hole is somebody else's at the same moment: what is given stays as it is.
        if self.holes.last().is_some_and(|hole| hole.booking.at.0 > self.now) {
            self.held.extend(self.holes.pop());
            return;
        }
        let Ok(booking) = self.ledger.book(Nanos(self.now), cells, patience) else { return };
        self.seen = self.seen.max(self.now);
        self.number += 1;
        let moment = booking.at.0.max(self.seen);
        self.kept.push(Given { moment, cells, number: self.number });
        self.held.push(Held { booking, number: self.number, cells });
    }

    fn give_back(&mut self, nth: usize, part: bool) {
        let Some(place) = self.held.len().checked_sub(nth + 1) else { return };
        let mut gone = self.held.remove(place);
        let cells = if part { 1 } else { gone.cells };
        let present = self.seen.max(self.now);
        if self.kept.iter().all(|given| given.cells == 0 || given.moment <= present) {
            self.seen = present;
        }
        match self.ledger.give_back(Nanos(self.now), cells, gone.booking) {
            Returned::Freed => {
                let of = self.kept.iter_mut().find(|given| given.number == gone.number);
                of.expect("it is kept").cells -= cells;
                gone.cells -= cells;
                if gone.cells > 0 {
                    self.held.push(gone);
                }
            }
            Returned::Hole => self.holes.push(gone),
            Returned::Lost => {}
        }
    }
}

fn holds(quotas: &[Quota], steps: &[Step]) {
    let mut run = Run::new(quotas);
    for &step in steps {
        run.go(step);
    }
    let kept: Vec<_> = run.kept.into_iter().filter(|given| given.cells > 0).collect();
    for quota in quotas {
        for (place, given) in kept.iter().enumerate() {
            let before = &kept[..place];
            assert!(
                allows(quota, before, given.moment, given.cells),
                "{quota}: {before:?} {given:?}"
            );
        }
    }
}

/// Much is taken at once and given back out of turn, and little time passes.
fn restless() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..3_u32).prop_map(Step::Take),
        4 => (1..3_u32).prop_map(|cells| Step::Book(cells, 0)),
        4 => (0..6_usize, any::<bool>()).prop_map(|(nth, part)| Step::GiveBack(nth, part)),
        4 => (1..12_u64).prop_map(Step::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Promises 2 and 5.
    #[test]
    fn what_is_kept_holds_to_every_rule(
        quotas in quotas(policy()), steps in prop::collection::vec(step(), 1..60)
    ) {
        holds(&quotas, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// Promise 5.
    /// Caught when broken: where a charge is reckoned paid off as late as those that were given back since
    /// had made it be, or where all of it comes back though the debt would have run out without it.
    #[test]
    fn what_is_kept_holds_to_a_gcra_however_much_is_given_back(
        quota in small(Just(Policy::Gcra)), steps in prop::collection::vec(restless(), 1..80)
    ) {
        holds(&[quota], &steps);
    }
}
