//! A rate's whole numbers against exact fractions.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::Nanos;

use super::{burst, quota};
use crate::{Denied, Quota, gcra::Rate, ledger::Ledger};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// When everything is paid off, in fractions of a nanosecond: as many as a period has cells.
struct Fractions {
    cells: u128,
    period: u128,
    burst: u128,
    paid_off: u128,
}

impl Fractions {
    fn new(quota: &Quota) -> Self {
        let (cells, burst) = (quota.cells().into(), quota.most_at_once().into());
        Self { cells, period: quota.period().as_nanos(), burst, paid_off: 0 }
    }

    /// How long until there are as many, if there ever are.
    fn wait(&self, now: u64, cells: u32) -> Option<u64> {
        let at = u128::from(now) * self.cells;
        let end = self.paid_off.max(at) + u128::from(cells) * self.period;
        let beyond = (end - at).saturating_sub(self.burst * self.period);
        (u128::from(cells) <= self.burst).then(|| beyond.div_ceil(self.cells) as u64)
    }

    fn charge(&mut self, now: u64, cells: u32) {
        let at = u128::from(now) * self.cells;
        self.paid_off = self.paid_off.max(at) + u128::from(cells) * self.period;
    }
}

fn any_rate() -> impl Strategy<Value = Quota> {
    let known = prop::sample::select(vec![
        quota(3, SECOND),
        quota(7, SECOND),
        quota(999_983, SECOND),
        quota(10_000_000, SECOND),
        quota(1, DAY),
        quota(1_234_567, DAY),
        quota(1, 366 * DAY),
        quota(1_234_567, SECOND),
        quota(9_999_991, SECOND),
    ]);
    // Up to ten million a second.
    let random =
        (1..=10_000_000_u32, 0..=30_u32, 1..=366 * DAY).prop_map(|(cells, scale, time)| {
            let cells = (cells >> (scale % 24)).max(1);
            quota(cells, (time >> scale).clamp(u64::from(cells) * 100, 366 * DAY))
        });
    let at_once = prop_oneof![Just(1), 1..=20_u32, 1..=100_000_u32, Just(u32::MAX)];
    (prop_oneof![known, random], at_once)
        .prop_map(|(quota, at_once)| burst(quota, at_once.min(Rate::largest_burst(&quota))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_rate_is_exact_or_slower_by_less_than_a_ten_millionth(
        quota in any_rate(),
        calls in prop::collection::vec((0..=4_000_u64, 0..=1_100_u64), 1..80),
    ) {
        let rate = Rate::exact(&quota);
        let mine = u128::from(rate.per_cell) * u128::from(quota.cells());
        let exact = u128::from(rate.per_nano) * quota.period().as_nanos();
        prop_assert!(mine >= exact && (mine - exact) * 10_000_000 < exact);

        let mut ledger = Ledger::new(&[quota], Nanos(0));
        let mut fractions = Fractions::new(&quota);
        let mut now = 0;
        for (time, part) in calls {
            // Some of the time that a cell takes, and some of what there is at once.
            now += (quota.interval().as_nanos() * u128::from(time) / 1_000) as u64;
            let cells = (u64::from(quota.most_at_once()) * part / 1_000).clamp(1, u32::MAX.into()) as u32;
            let (taken, wait) = (ledger.take(Nanos(now), cells), fractions.wait(now, cells));
            match taken {
                Ok(()) => {
                    prop_assert_eq!(wait, Some(0), "more than the rate");
                    fractions.charge(now, cells);
                }
                Err(Denied::Never) => prop_assert_eq!(wait, None),
                Err(Denied::Wait(longer)) if mine > exact => prop_assert!(wait.is_some_and(|wait| wait <= longer)),
                Err(Denied::Wait(same)) => prop_assert_eq!(wait, Some(same)),
            }
        }
    }
}

/// How many are given in a time to somebody who takes `each` whenever there are as many.
fn greedy(quota: Quota, time: u64, each: u32) -> u64 {
    let mut ledger = Ledger::new(&[quota], Nanos(0));
    let (mut now, mut given) = (0, 0);
    while now < time {
        match ledger.take(Nanos(now), each) {
            Ok(()) => given += u64::from(each),
            Err(Denied::Wait(wait)) => now += wait,
            Err(Denied::Never) => break,
        }
    }
    given
}

#[test]
fn a_day_of_three_a_second_has_not_lost_one() {
    let three = quota(3, SECOND);

    assert_eq!(greedy(burst(three, 1), DAY, 1), 259_200);
    // The burst, and one at each third of a second but the first moment.
    assert_eq!(greedy(burst(three, 5), DAY, 1), 5 + 259_199);
}

#[test]
fn ten_million_a_second_are_ten_million() {
    assert_eq!(greedy(burst(quota(10_000_000, SECOND), 10), SECOND, 10), 10_000_000);
}

#[test]
fn a_rate_that_is_rounded_loses_less_than_one_in_ten_million() {
    let awkward = burst(quota(9_999_991, SECOND), 20);

    let given = greedy(awkward, SECOND, 10);

    assert!((9_999_990..=9_999_991 + 20).contains(&given), "{given}");
}

/// The time of a ledger never has to begin anew.
#[test]
fn years_later_it_counts_as_at_first() {
    let mut ledger = Ledger::new(&[burst(quota(1_234_567, SECOND), 1)], Nanos(0));
    for year in 0..500 {
        let now = Nanos(year * 366 * DAY);
        assert_eq!(ledger.take(now, 1), Ok(()));
        assert_eq!(ledger.take(now, 1), Err(Denied::Wait(811)));
        let later = now + Duration::from_nanos(811);
        assert_eq!(ledger.take(later, 1), Ok(()));
    }
}
