//! The worst windows that the page of [`quota`](crate::quota) states, memory, and waits of any length.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::Nanos;

use super::{MS, burst, ms, policy, quota};
use crate::{Denied, Policy, Quota, gcra::Returned, ledger::Ledger};

/// A window has 600 steps.
const STEPS: u64 = 600;

/// The most that gets through in any window, from its first moment to just before the same moment of the
/// next, to somebody who comes at a phase and takes all he can, twice: at once, and from a later phase on.
fn worst(quota: Quota) -> u64 {
    let step = Nanos::from(quota.period()).0 / STEPS;
    let greedy = |first: u64| {
        let mut ledger = Ledger::new(&[quota], Nanos(0));
        let mut given = Vec::new();
        for at in first..3 * STEPS {
            let mut count = 0;
            while ledger.take(Nanos(at * step), 1).is_ok() {
                count += 1;
            }
            given.push(count);
        }
        given.windows(STEPS as usize).map(|window| window.iter().sum()).max().unwrap_or(0)
    };
    (0..STEPS).step_by(13).chain([STEPS - 1]).map(greedy).max().unwrap_or(0)
}

#[test]
fn the_worst_windows_are_as_stated() {
    let minute = quota(100, 60_000 * MS);

    assert_eq!(worst(minute), 199);
    assert_eq!(worst(burst(minute, 1)), 100);
    assert_eq!(worst(burst(quota(51, 60_000 * MS), 50)), 100);
    assert_eq!(worst(minute.policy(Policy::FixedWindow)), 200);
    assert_eq!(worst(minute.policy(Policy::SlidingWindow)), 199);
    assert_eq!(worst(minute.policy(Policy::SlidingLog)), 100);
}

/// How many entries it holds.
fn entries(ledger: &Ledger) -> usize {
    format!("{ledger:?}").matches("Entry").count()
}

/// Promise 7: and a thousand for those who give their turns back.
#[test]
fn a_log_keeps_a_limit_and_as_much_again_however_many_wait() {
    let mut ledger = Ledger::new(&[quota(2_000, 1000 * MS).policy(Policy::SlidingLog)], ms(0));
    let mut line: Vec<_> =
        (0..2_000).map(|at| ledger.book(Nanos(at), 1, 0).expect("room")).collect();
    for _ in 0..8_000 {
        line.push(ledger.book(ms(1), 1, u64::MAX).expect("it can wait"));
    }
    assert_eq!(entries(&ledger), 4_000);
    assert_eq!(line[9_999].at, Nanos(4_000 * MS + 1_999));

    // As many as are kept beyond the limit are undone.
    let mut undone = 0;
    while ledger.give_back(ms(1), 1, line[9_999 - undone]) == Returned::Freed {
        undone += 1;
    }
    assert_eq!(undone, 2_000);

    // Time goes on, and the line with it.
    let last = line[9_999 - undone].at;
    assert_eq!(ledger.take(last, 1), Err(Denied::Wait(1000 * MS - 1_999)));
    assert_eq!(ledger.take(last + Duration::from_secs(1), 2_000), Ok(()));
    assert_eq!(entries(&ledger), 1);
}

#[test]
fn a_log_drops_what_is_given_back_at_other_moments() {
    let mut ledger = Ledger::new(&[quota(3, 1000 * MS).policy(Policy::SlidingLog)], ms(0));
    assert_eq!(ledger.take(ms(0), 1), Ok(()));
    for at in 0..500 {
        let first = ledger.book(ms(at), 1, 0).expect("room");
        let second = ledger.book(ms(at), 1, 0).expect("room");
        assert_eq!(ledger.give_back(ms(at), 1, first), Returned::Freed);
        assert_eq!(ledger.give_back(ms(at), 1, second), Returned::Freed);
    }
    assert_eq!(entries(&ledger), 1);
}

prop_compose! {
    fn any_size()(
        policy in policy(),
        cells in prop_oneof![1..=3_u32, 1..=1_000_u32, 1..=1_000_000_u32],
        each in prop_oneof![1..=1_000_u64, 1..=31_000_000_u64],
        rest in 0..1_000_u64,
        at_once in 1..=1_000_u32,
    ) -> Quota {
        let quota = quota(cells, u64::from(cells) * each + rest).policy(policy);
        if policy == Policy::Gcra { burst(quota, at_once) } else { quota }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Promise 3, with quotas and times of any size.
    #[test]
    fn a_nanosecond_before_its_wait_is_over_is_too_early(
        quotas in prop::collection::vec(any_size(), 1..=4),
        calls in prop::collection::vec((1..=100_u32, 0..1_000_000_000_000_u64, 0..40_u32), 1..60),
    ) {
        let mut ledger = Ledger::new(&quotas, Nanos(123));
        let mut now = Nanos(123);
        for (cells, time, scale) in calls {
            now = now + Duration::from_nanos(time >> scale);
            let Err(Denied::Wait(wait)) = ledger.take(now, cells) else { continue };
            prop_assert!(wait > 0);
            let early = ledger.clone().take(Nanos(now.0 + wait - 1), cells);
            prop_assert_eq!(early, Err(Denied::Wait(1)));
            prop_assert_eq!(ledger.clone().take(Nanos(now.0 + wait), cells), Ok(()));
            prop_assert!(ledger.clone().book(now, cells, wait - 1).is_err());
            if time % 4 == 0 {
                let booked = ledger.book(now, cells, wait).expect("that is long enough");
                prop_assert_eq!(booked.at, Nanos(now.0 + wait));
            }
        }
    }
}

/// Nothing overflows where time ends.
#[test]
fn at_the_end_of_time_there_is_no_next_window() {
    for policy in [Policy::Gcra, Policy::FixedWindow, Policy::SlidingWindow, Policy::SlidingLog] {
        let mut ledger = Ledger::new(&[quota(1, 1000 * MS).policy(policy)], ms(0));
        assert_eq!(ledger.take(Nanos::MAX, 1), Ok(()));
        assert_eq!(ledger.take(Nanos::MAX, 1), Err(Denied::Never), "{policy:?}");
        assert!(ledger.standings(Nanos::MAX).all(|standing| standing.remaining == 0));
    }
}
