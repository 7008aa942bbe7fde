//! What comes back of what is given back.

use proptest::prelude::*;
use seawall_core::Nanos;

use super::{MS, burst, left, ms, policy, quota, small, wait};
use crate::{
    Policy,
    gcra::Returned::{Freed, Hole, Lost},
    ledger::{Booking, Ledger},
};

fn book(ledger: &mut Ledger, time: u64, cells: u32) -> Booking {
    ledger.book(ms(time), cells, u64::MAX).expect("it can wait")
}

#[test]
fn the_last_who_waits_is_undone() {
    let quotas = [
        burst(quota(1, 100 * MS), 2),
        quota(2, 250 * MS).policy(Policy::FixedWindow),
        quota(2, 250 * MS).policy(Policy::SlidingWindow),
        quota(2, 250 * MS).policy(Policy::SlidingLog),
    ];
    let mut ledger = Ledger::new(&quotas, ms(0));
    let mut stood = Vec::new();
    let mut line = Vec::new();
    for _ in 0..6 {
        stood.push((ledger.standings(ms(0)).collect::<Vec<_>>(), ledger.wait(ms(0))));
        line.push(book(&mut ledger, 0, 1));
    }

    while let Some(booking) = line.pop().filter(|booking| booking.at > ms(0)) {
        assert_eq!(ledger.give_back(ms(0), 1, booking), Freed);
        let (standings, wait) = &stood[line.len()];
        assert_eq!(&ledger.standings(ms(0)).collect::<Vec<_>>(), standings);
        assert_eq!(ledger.wait(ms(0)), *wait);
    }
}

#[test]
fn a_hole_in_the_line_keeps_its_charge() {
    for policy in [Policy::Gcra, Policy::FixedWindow, Policy::SlidingWindow, Policy::SlidingLog] {
        let mut ledger = Ledger::new(&[quota(1, 100 * MS).policy(policy)], ms(0));
        let [first, second, third] = [(); 3].map(|()| book(&mut ledger, 0, 1));
        let before = ledger.clone();

        assert_eq!(ledger.give_back(ms(10), 1, second), Hole, "{policy:?}");
        assert_eq!(ledger.give_back(ms(10), 1, first), Lost, "{policy:?}");
        assert!(ledger == before);

        // Once nobody is behind it, the hole is the last.
        assert_eq!(ledger.give_back(ms(10), 1, third), Freed, "{policy:?}");
        assert_eq!(ledger.give_back(ms(10), 1, second), Freed, "{policy:?}");
        assert_eq!(book(&mut ledger, 10, 1).at, second.at, "{policy:?}");
    }
}

#[test]
fn a_booking_goes_in_parts_and_the_last_part_undoes_it() {
    for policy in [Policy::Gcra, Policy::FixedWindow, Policy::SlidingWindow, Policy::SlidingLog] {
        let quota = burst(quota(3, 300 * MS), 3).policy(policy);
        let mut ledger = Ledger::new(&[quota], ms(0));
        assert_eq!(ledger.take(ms(100), 3), Ok(()));
        let before = ledger.clone();
        let booking = book(&mut ledger, 100, 3);
        let turn = booking.at;

        assert_eq!(ledger.give_back(ms(100), 2, booking), Freed);
        assert_eq!(left(&ledger, turn), [2], "{policy:?}"); // at its turn
        let behind = book(&mut ledger, 100, 2);
        assert_eq!(behind.at, turn, "{policy:?}");
        assert_eq!(ledger.give_back(ms(100), 2, behind), Freed);
        assert_eq!(ledger.give_back(ms(100), 1, booking), Freed);

        let stand = |ledger: &Ledger| ledger.standings(ms(100)).collect::<Vec<_>>();
        assert_eq!(stand(&ledger), stand(&before), "{policy:?}");
        assert_eq!(book(&mut ledger, 100, 3).at, turn, "{policy:?}");
    }
}

#[test]
fn what_a_window_still_holds_comes_back() {
    let second = |policy| Ledger::new(&[quota(5, 1000 * MS).policy(policy)], ms(0));
    let stand = |policy, at: u64| {
        let mut ledger = second(policy);
        let booking = book(&mut ledger, 900, 4);
        assert_eq!(ledger.take(ms(at), 1), Ok(()));
        assert_eq!(ledger.give_back(ms(at), 4, booking), Freed);
        left(&ledger, ms(at))
    };

    assert_eq!(stand(Policy::FixedWindow, 950), [4]);
    assert_eq!(stand(Policy::FixedWindow, 1000), [4]); // that window is over
    assert_eq!(stand(Policy::SlidingWindow, 950), [4]);
    assert_eq!(stand(Policy::SlidingWindow, 1100), [4]); // was in reach: 4 · 0.9
    assert_eq!(stand(Policy::SlidingWindow, 2500), [4]);
    assert_eq!(stand(Policy::SlidingLog, 1000), [4]);
    assert_eq!(stand(Policy::SlidingLog, 1900), [4]); // has left
}

/// One is given back while another's charge is still to be paid off: as if it had never been taken.
#[test]
fn a_debt_that_did_not_run_out_shrinks_by_all_that_is_given_back() {
    let mut ledger = Ledger::new(&[burst(quota(1, 100 * MS), 5)], ms(0));
    let _first = book(&mut ledger, 0, 2);
    let second = book(&mut ledger, 0, 2);
    assert_eq!(ledger.take(ms(150), 1), Ok(()));

    assert_eq!(ledger.give_back(ms(150), 2, second), Freed);

    // 2 + 1 taken, 1.5 paid off.
    assert_eq!(ledger.take(ms(150), 4), wait(50));
}

/// Caught when broken: where what is given back last is reckoned to have been before the others, nothing of
/// the second comes back.
#[test]
fn who_is_given_back_last_costs_nobody_before_him() {
    let mut ledger = Ledger::new(&[burst(quota(1, 100 * MS), 5)], ms(0));
    let _first = book(&mut ledger, 0, 2);
    let [second, third] = [1, 2].map(|cells| book(&mut ledger, 0, cells));
    assert_eq!(ledger.give_back(ms(0), 2, third), Freed);
    assert_eq!(ledger.take(ms(150), 1), Ok(()));

    assert_eq!(ledger.give_back(ms(150), 1, second), Freed);

    // 2 + 1 taken, 1.5 paid off.
    assert_eq!(ledger.take(ms(150), 4), wait(50));
}

/// Two are given back out of turn, and the debt would have run out between them.
/// Caught when broken: where the second is reckoned paid off as late as the first had made it be, a third
/// call gets through at 190, where there is room for two.
#[test]
fn a_debt_that_ran_out_is_not_given_back_twice() {
    let mut ledger = Ledger::new(&[burst(quota(1, 100 * MS), 2)], ms(0));
    let [first, second] = [(); 2].map(|()| book(&mut ledger, 0, 1));
    assert_eq!(ledger.give_back(ms(0), 1, first), Freed);
    assert_eq!(ledger.take(ms(140), 1), Ok(()));

    assert_eq!(ledger.give_back(ms(150), 1, second), Freed);

    assert_eq!(ledger.take(ms(150), 1), Ok(()));
    assert_eq!(ledger.take(ms(190), 1), wait(50));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Promise 5: while no time passes, order does not matter.
    #[test]
    fn all_that_is_booked_at_once_comes_back_in_any_order(
        quotas in prop::collection::vec(small(policy()), 1..=4),
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        later in 0..50_u64,
    ) {
        let mut ledger = Ledger::new(&quotas, Nanos(0));
        let fresh: Vec<_> = ledger.standings(Nanos(7)).collect();
        let booked: Vec<_> = (0..6).filter_map(|_| ledger.book(Nanos(7), 1, 0).ok()).collect();

        for place in order {
            if let Some(&booking) = booked.get(place) {
                prop_assert_eq!(ledger.give_back(Nanos(7 + later), 1, booking), Freed);
            }
        }

        prop_assert_eq!(ledger.standings(Nanos(7 + later)).collect::<Vec<_>>(), fresh);
    }
}
