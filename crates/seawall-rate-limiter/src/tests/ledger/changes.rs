//! Quotas that become others.

use proptest::prelude::*;
use seawall_core::Nanos;

use super::{MS, burst, left, ms, policy, quota, reference::limit, small, wait};
use crate::{
    Policy, Quota,
    gcra::Returned::{Freed, Hole, Lost},
    ledger::Ledger,
};

fn window(cells: u32, policy: Policy) -> Quota {
    quota(cells, 1000 * MS).policy(policy)
}

#[test]
fn a_part_of_a_cell_stays_that_part() {
    let mut ledger = Ledger::new(&[burst(quota(1, 100 * MS), 2)], ms(0));
    assert_eq!(ledger.take(ms(0), 2), Ok(()));

    ledger.change(ms(50), &[burst(quota(1, 10 * MS), 7)]);

    assert_eq!(ledger.take(ms(50), 1), wait(5)); // half a cell is there
}

#[test]
fn a_window_whose_limit_changes_ends_when_it_would_have() {
    let mut ledger = Ledger::new(&[window(5, Policy::FixedWindow)], ms(0));
    assert_eq!(ledger.take(ms(400), 2), Ok(()));

    ledger.change(ms(600), &[window(9, Policy::FixedWindow)]);

    assert_eq!(left(&ledger, ms(600)), [3]);
    assert_eq!(ledger.take(ms(600), 9), wait(400));
    ledger.change(ms(700), &[quota(9, 500 * MS).policy(Policy::FixedWindow)]);
    assert_eq!(left(&ledger, ms(700)), [3]);
    assert_eq!(ledger.take(ms(700), 9), wait(500)); // a new length begins now
}

#[test]
fn the_last_window_goes_on_fading() {
    let mut ledger = Ledger::new(&[window(100, Policy::SlidingWindow)], ms(0));
    assert_eq!(ledger.take(ms(900), 80), Ok(()));
    assert_eq!(ledger.take(ms(1000), 10), Ok(()));

    ledger.change(ms(1250), &[window(120, Policy::SlidingWindow)]); // 80 · 3/4 + 10 of 100

    assert_eq!(left(&ledger, ms(1250)), [30]);
    assert_eq!(left(&ledger, ms(1500)), [50]);
    ledger.change(ms(1500), &[window(60, Policy::SlidingWindow)]);
    assert_eq!(left(&ledger, ms(1500)), [50]);
    assert_eq!(left(&ledger, ms(1750)), [55]); // 20 of the last one are known as 10 in reach
}

#[test]
fn a_log_whose_limit_changes_keeps_its_moments() {
    let mut ledger = Ledger::new(&[window(4, Policy::SlidingLog)], ms(0));
    for at in [0, 100, 200] {
        assert_eq!(ledger.take(ms(at), 1), Ok(()));
    }

    ledger.change(ms(300), &[window(3, Policy::SlidingLog)]); // the oldest is forgotten

    assert_eq!(left(&ledger, ms(300)), [1]);
    assert_eq!(ledger.take(ms(300), 2), wait(800));
    ledger.change(ms(300), &[window(5, Policy::SlidingLog)]); // two are used now
    assert_eq!(left(&ledger, ms(300)), [1]);
    assert_eq!(left(&ledger, ms(1200)), [3]);
    assert_eq!(left(&ledger, ms(1300)), [5]);
}

#[test]
fn those_who_wait_keep_their_turns_and_are_not_overtaken() {
    for policy in [Policy::Gcra, Policy::FixedWindow, Policy::SlidingWindow, Policy::SlidingLog] {
        let mut ledger = Ledger::new(&[window(1, policy)], ms(0));
        let line = [(); 3].map(|()| ledger.book(ms(0), 1, u64::MAX).expect("it can wait"));

        ledger.change(ms(1), &[quota(100, 1000 * MS).policy(policy)]);

        assert!(ledger.take(line[2].at, 2).is_err() || policy == Policy::Gcra, "{policy:?}");
        let next = ledger.book(ms(1), 1, u64::MAX).expect("it can wait");
        assert!(next.at > line[2].at, "{policy:?}");
        assert_eq!(ledger.give_back(ms(1), 1, line[2]), Hole, "{policy:?}");
        assert_eq!(ledger.give_back(ms(1), 1, next), Freed, "{policy:?}");
        assert_eq!(ledger.give_back(ms(1), 1, line[2]), Hole, "{policy:?}");
        assert_eq!(ledger.give_back(ms(1), 1, line[0]), Lost, "{policy:?}");
    }
}

#[test]
fn a_quota_that_is_added_is_all_there_and_one_that_is_removed_is_gone() {
    let mut ledger = Ledger::new(&[window(5, Policy::Gcra)], ms(0));
    assert_eq!(ledger.take(ms(0), 3), Ok(()));

    ledger.change(ms(0), &[window(5, Policy::Gcra), window(4, Policy::SlidingLog)]);
    assert_eq!(left(&ledger, ms(0)), [2, 4]);
    assert_eq!(ledger.take(ms(0), 2), Ok(()));

    ledger.change(ms(0), &[window(5, Policy::Gcra)]);
    assert_eq!(left(&ledger, ms(0)), [0]);
}

#[derive(Clone, Debug)]
enum Step {
    Take(u32),
    Book(u32),
    Advance(u64),
    Change(Vec<Quota>),
}

fn step(quotas: impl Strategy<Value = Vec<Quota>>) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..5_u32).prop_map(Step::Take),
        3 => (1..4_u32).prop_map(Step::Book),
        6 => (1..25_u64).prop_map(Step::Advance),
        2 => quotas.prop_map(Step::Change),
    ]
}

fn some() -> impl Strategy<Value = Vec<Quota>> {
    prop::collection::vec(small(policy()), 1..=4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Promise 6, and 4.
    #[test]
    fn what_is_left_stays_left_up_to_the_new_limit(
        quotas in some(), steps in prop::collection::vec(step(some()), 1..40)
    ) {
        let mut ledger = Ledger::new(&quotas, Nanos(0));
        let (mut now, mut turn) = (0, 0);
        for step in steps {
            match step {
                Step::Take(cells) => {
                    if ledger.take(Nanos(now), cells).is_ok() {
                        prop_assert!(now >= turn);
                        turn = now;
                    }
                }
                Step::Book(cells) => {
                    if let Ok(booking) = ledger.book(Nanos(now), cells, 100) {
                        prop_assert!(booking.at.0 >= turn);
                        turn = booking.at.0;
                    }
                }
                Step::Advance(time) => now += time,
                Step::Change(next) => {
                    let at = Nanos(turn.max(now));
                    let before = left(&ledger, at);
                    ledger.change(Nanos(now), &next);
                    let limits = next.iter().map(|quota| u64::from(limit(quota)));
                    let before = before.into_iter().chain([u64::MAX; 4]);
                    let expected: Vec<_> = limits.zip(before).map(|(limit, left)| limit.min(left)).collect();
                    prop_assert_eq!(left(&ledger, at), expected);

                    // And the same once more is no change at all.
                    let ahead = |ledger: &Ledger| -> Vec<_> {
                        (0..100).map(|later| left(ledger, Nanos(at.0 + later))).collect()
                    };
                    let unchanged = ahead(&ledger);
                    ledger.change(Nanos(now), &next);
                    prop_assert_eq!(ahead(&ledger), unchanged);
                }
            }
        }
    }

    /// A log's limits over one period: never more than the largest of those there were.
    #[test]
    fn a_log_whose_limit_changes_keeps_to_the_larger_one(
        period in 6..30_u64,
        steps in prop::collection::vec(step((1..=6_u32).prop_map(|cells| {
            vec![quota(cells, 30).policy(Policy::SlidingLog)]
        })), 1..60),
    ) {
        let log = |cells| quota(cells, period).policy(Policy::SlidingLog);
        let mut ledger = Ledger::new(&[log(3)], Nanos(0));
        let mut limits = vec![(0, 3)];
        let mut given: Vec<(u64, u32)> = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Take(cells) if ledger.take(Nanos(now), cells).is_ok() => given.push((now, cells)),
                Step::Take(_) => {}
                Step::Book(cells) => {
                    let booked = ledger.book(Nanos(now), cells, 100);
                    given.extend(booked.map(|booking| (booking.at.0, cells)));
                }
                Step::Advance(time) => now += time,
                Step::Change(next) => {
                    let at = given.last().map_or(now, |(moment, _)| now.max(*moment));
                    limits.push((at, next[0].cells()));
                    ledger.change(Nanos(now), &[log(next[0].cells())]);
                }
            }
        }
        for &(end, _) in &given {
            let begin = (end + 1).saturating_sub(period);
            let inside = given.iter().filter(|(moment, _)| (begin..=end).contains(moment));
            let count: u32 = inside.map(|(_, cells)| cells).sum();
            let since = limits.iter().rposition(|(at, _)| *at < begin).unwrap_or(0);
            let within = limits[since..].iter().filter(|(at, _)| *at <= end);
            let largest = within.map(|(_, limit)| *limit).max().unwrap_or(0);
            prop_assert!(count <= largest, "{count} in {begin}..={end}: {given:?} {limits:?}");
        }
    }
}
