//! The machine of one quota by itself: what its page's table says, and the arithmetic below it.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::Nanos;

use crate::{
    Denied, Quota,
    gcra::{Booked, Gcra, Rate, Returned},
};

const MILLIS: u64 = 1_000_000;

fn quota(cells: u32, period: Duration, burst: u32) -> Quota {
    Quota::new(cells, period).and_then(|quota| quota.burst(burst)).expect("a sound quota")
}

/// One in a hundred milliseconds.
fn tenth(burst: u32) -> Quota {
    quota(1, Duration::from_millis(100), burst)
}

fn at(millis: u64) -> Nanos {
    Nanos::from_millis(3_600_000 + millis)
}

fn wait(millis: u64) -> Denied {
    Denied::Wait(millis * MILLIS)
}

fn book(gcra: &Gcra, now: u64) -> Booked {
    gcra.book(at(now), 1, 3_600_000 * MILLIS).expect("an hour is enough")
}

#[test]
fn a_call_is_let_in_while_less_than_the_burst_is_owed() {
    let gcra = Gcra::new(&tenth(5), at(0));

    for _ in 0..5 {
        assert_eq!(gcra.take(at(0), 1), Ok(()));
    }

    assert_eq!(gcra.take(at(0), 1), Err(wait(100)));
    assert_eq!(gcra.take(at(50), 1), Err(wait(50)));
    assert_eq!(gcra.take(at(99), 1), Err(wait(1)));
    assert_eq!(gcra.take(at(100), 1), Ok(()));
    assert_eq!(gcra.take(at(100), 1), Err(wait(100)));
    assert_eq!(gcra.take(at(350), 1), Ok(()));
    assert_eq!(gcra.take(at(350), 1), Ok(()));
    assert_eq!(gcra.take(at(350), 1), Err(wait(50)));
    assert_eq!((0..6).filter(|_| gcra.take(at(2_000), 1).is_ok()).count(), 5);
}

#[test]
fn a_heavy_call_waits_for_all_of_its_cells() {
    let gcra = Gcra::new(&tenth(10), at(0));

    assert_eq!(gcra.take(at(0), 4), Ok(()));
    assert_eq!(gcra.take(at(0), 7), Err(wait(100)));
    assert_eq!(gcra.take(at(0), 6), Ok(()));
    assert_eq!(gcra.take(at(250), 3), Err(wait(50)));
    assert_eq!(gcra.take(at(250), 2), Ok(()));
    assert_eq!(gcra.take(at(1_250), 10), Ok(()));
    assert_eq!(gcra.take(at(1_250), 11), Err(Denied::Never));
    assert_eq!(gcra.take(at(1_250), u32::MAX), Err(Denied::Never));
}

#[test]
fn what_is_heavier_than_the_burst_cannot_be_waited_for() {
    let gcra = Gcra::new(&tenth(10), at(0));
    assert_eq!(gcra.book(at(0), 11, u64::MAX), Err(Denied::Never));
}

#[test]
fn nothing_is_taken_by_a_call_of_no_weight() {
    let gcra = Gcra::new(&tenth(1), at(0));
    assert_eq!(gcra.take(at(0), 1), Ok(()));
    assert_eq!(gcra.take(at(0), 0), Ok(()));
    assert_eq!(gcra.take(at(99), 1), Err(wait(1)));
}

#[test]
fn turns_are_booked_one_after_another() {
    let gcra = Gcra::new(&tenth(2), at(0));
    let turns: Vec<_> = (0..6).map(|_| book(&gcra, 0).at).collect();
    assert_eq!(turns, [0, 0, 100, 200, 300, 400].map(at));
}

#[test]
fn a_turn_that_would_come_too_late_is_not_booked() {
    let gcra = Gcra::new(&tenth(1), at(0));
    assert_eq!(gcra.take(at(0), 1), Ok(()));
    assert_eq!(gcra.book(at(0), 1, 99 * MILLIS), Err(wait(100)));
    assert_eq!(gcra.book(at(0), 1, 100 * MILLIS).map(|booked| booked.at), Ok(at(100)));
}

#[test]
fn a_turn_is_given_back_once_it_is_the_last() {
    let gcra = Gcra::new(&tenth(1), at(0));
    let [_, first, second] = [(); 3].map(|()| book(&gcra, 0));

    assert_eq!(gcra.give_back(at(1), 1, first), Returned::Hole);
    assert_eq!(gcra.give_back(at(1), 1, second), Returned::Freed);
    assert_eq!(book(&gcra, 1).at, at(200), "the hole is for who asks for it");
}

#[test]
fn what_time_has_paid_off_is_not_given_back() {
    let gcra = Gcra::new(&tenth(2), at(0));
    let unused = book(&gcra, 0); // paid off at 100
    assert_eq!(gcra.take(at(80), 1), Ok(())); // and this at 200; alone it would be at 180

    assert_eq!(gcra.give_back(at(90), 1, unused), Returned::Freed);

    assert_eq!(gcra.standing(at(90)).full, Duration::from_millis(100), "10 of its 100 were left");
}

#[test]
fn a_turn_that_has_come_is_lost_where_others_wait() {
    let gcra = Gcra::new(&tenth(1), at(0));
    let [now, _] = [(); 2].map(|()| book(&gcra, 0));
    assert_eq!(gcra.give_back(at(1), 1, now), Returned::Lost);
}

#[test]
fn time_that_steps_back_gives_nothing_twice() {
    let gcra = Gcra::new(&tenth(1), at(0));
    assert_eq!(gcra.take(at(1_000), 1), Ok(()));
    assert_eq!(gcra.take(at(500), 1), Err(wait(600)));
    assert_eq!(gcra.take(Nanos::ZERO, 1).map_err(|_| ()), Err(()));
}

#[test]
fn it_stands_as_it_would_decide() {
    let gcra = Gcra::new(&tenth(5), at(0));
    for _ in 0..3 {
        assert_eq!(gcra.take(at(0), 1), Ok(()));
    }

    let standing = gcra.standing(at(0));
    assert_eq!((standing.limit, standing.remaining), (5, 2));
    assert_eq!((standing.next, standing.full), (Duration::ZERO, Duration::from_millis(300)));

    assert_eq!(gcra.take(at(0), 2), Ok(()));
    let standing = gcra.standing(at(30));
    assert_eq!((standing.remaining, standing.next), (0, Duration::from_millis(70)));
}

#[test]
fn a_change_keeps_what_is_left_and_makes_nothing() {
    let gcra = Gcra::new(&tenth(4), at(0));
    assert_eq!(gcra.take(at(0), 1), Ok(())); // three are left

    gcra.change(at(0), &quota(1, Duration::from_secs(1), 10));
    assert_eq!(gcra.standing(at(0)).remaining, 3, "room for more makes none");
    gcra.change(at(0), &tenth(2));
    assert_eq!(gcra.standing(at(0)).remaining, 2, "no room for all that is left");
    gcra.change(at(0), &tenth(4));
    assert_eq!(gcra.standing(at(0)).remaining, 2, "what had no room is gone");

    assert_eq!(gcra.take(at(100), 3), Ok(()), "time earns by the new rate");
}

#[test]
fn a_change_keeps_the_turns_that_were_booked() {
    let gcra = Gcra::new(&tenth(1), at(0));
    let [_, _, last] = [(); 3].map(|()| book(&gcra, 0));
    assert_eq!(last.at, at(200));

    gcra.change(at(0), &quota(1, Duration::from_millis(50), 1)); // twice as fast
    assert_eq!(book(&gcra, 0).at, at(150), "three cells are owed, of the new rate's");
    assert_eq!(gcra.give_back(at(0), 1, last), Returned::Hole, "its turn is still to come");
}

/// Or who slept over eight changes would take the word for the one that he saw, and swap it by terms of
/// long ago: found by thinking, after a limiter that was idle might have been shut for an hour.
#[test]
fn a_word_does_not_come_again_after_eight_changes() {
    let gcra = Gcra::new(&tenth(4), at(0));
    let mut seen = std::collections::HashSet::from([gcra.word()]);
    for change in 0..1_000 {
        gcra.change(at(change / 100), &if change % 2 == 0 { tenth(2) } else { tenth(4) });
        assert!(seen.insert(gcra.word()), "after {change} changes");
        assert_eq!(gcra.standing(at(change / 100)).remaining, 2, "after {change} changes");
    }
}

#[test]
fn a_change_rounds_down_what_is_left() {
    let every = |nanos, burst| quota(1, Duration::from_nanos(nanos), burst);
    let gcra = Gcra::new(&every(3, 2), Nanos(100));
    assert_eq!(gcra.take(Nanos(100), 1), Ok(()));

    gcra.change(Nanos(102), &every(2, 2)); // a cell and two thirds are left: three and a third nanoseconds

    let standing = gcra.standing(Nanos(102));
    assert_eq!((standing.remaining, standing.full), (1, Duration::from_nanos(1)));
}

#[test]
fn what_was_booked_by_another_quota_is_not_given_back_by_this() {
    let gcra = Gcra::new(&quota(1, Duration::from_secs(1), 5), at(0));
    let unused = book(&gcra, 0);
    gcra.change(at(0), &tenth(5));

    assert_eq!(gcra.give_back(at(0), 1, unused), Returned::Lost);

    assert_eq!(gcra.standing(at(0)).remaining, 4);
}

/// A rate that counts so finely that its origin has to move, every hour or so.
#[test]
fn a_burst_stays_a_burst_when_the_origin_moves() {
    let odd = quota(999_983, Duration::from_secs(1), 1_000);
    let gcra = Gcra::new(&odd, at(0));
    for second in (0..10 * 3_600).step_by(7) {
        let now = at(second * 1_000);
        assert_eq!(gcra.take(now, 1_000), Ok(()), "after {second} s");
        assert_eq!(gcra.take(now, 1), Err(Denied::Wait(1_001)), "after {second} s");
    }
}

#[test]
fn what_is_owed_is_owed_after_the_origin_moved() {
    let odd = Quota::per_second(1_234_567).and_then(|quota| quota.burst(1)).expect("sound");
    let gcra = Gcra::new(&odd, Nanos(0));
    let reach = 3_600_000_000_000; // at least an hour
    let mut last = Nanos(0);
    // A line of a second, booked at each hour.
    for hour in 0..5 {
        let now = Nanos(hour * reach);
        for _ in 0..1_000 {
            let booked = gcra.book(now, 1, 1_000_000_000).expect("there is time");
            assert!(booked.at >= last, "{booked:?} after {last:?}");
            last = booked.at;
        }
    }
}

proptest! {
    /// Promise 3, of the arithmetic: a rate is exact where its units allow, and never more than it says.
    #[test]
    fn a_rate_is_never_more_than_its_quota(
        cells in 1..=10_000_000_u32,
        period in 1_000_000_000..=86_400_000_000_000_u64,
        burst in 1..=100_000_u32,
    ) {
        let period = Duration::from_nanos(period);
        let Ok(quota) = Quota::new(cells, period).and_then(|quota| quota.burst(burst)) else {
            return Ok(()); // too large to be paid off in eighteen years
        };
        let rate = Rate::exact(&quota);
        let (least, is) = (
            period.as_nanos() * u128::from(rate.per_nano),
            u128::from(rate.per_cell) * u128::from(cells),
        );
        prop_assert!(is >= least, "{rate:?}");
        prop_assert!((is - least) * 10_000_000 <= least, "{rate:?}");
        prop_assert_eq!(rate.most, rate.per_cell * u64::from(burst));
    }

    /// Promise 2: a nanosecond before the wait is too early.
    #[test]
    fn a_wait_is_exact(
        cells in 1..=10_000_000_u32,
        burst in 1..=1_000_u32,
        weights in prop::collection::vec(1..=1_000_u32, 1..20),
        gaps in prop::collection::vec(0..=2_000_000_000_u64, 20),
    ) {
        let quota = quota(cells, Duration::from_secs(1), burst);
        let gcra = Gcra::new(&quota, at(0));
        let mut now = at(0).0;
        for (weight, gap) in weights.into_iter().zip(gaps) {
            now += gap;
            match gcra.take(Nanos(now), weight) {
                Ok(()) => {}
                Err(Denied::Never) => prop_assert!(weight > burst),
                Err(Denied::Wait(wait)) => {
                    prop_assert!(wait > 0);
                    prop_assert_eq!(gcra.take(Nanos(now + wait - 1), weight), Err(Denied::Wait(1)));
                    now += wait;
                    prop_assert_eq!(gcra.take(Nanos(now), weight), Ok(()));
                }
            }
        }
    }
}
