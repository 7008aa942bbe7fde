//! Traces with known answers.

use std::time::Duration;

use super::{MS, burst, left, ms, quota, wait};
use crate::{Denied, Policy, Quota, gcra::Returned, ledger::Ledger};

/// One cell each `interval` milliseconds.
fn paced(interval: u64, at_once: u32) -> Ledger {
    Ledger::new(&[burst(quota(1, interval * MS), at_once)], ms(0))
}

#[test]
fn a_burst_of_five_then_one_each_interval() {
    let mut ledger = paced(100, 5);

    for _ in 0..5 {
        assert_eq!(ledger.take(ms(0), 1), Ok(()));
    }
    assert_eq!(ledger.take(ms(0), 1), wait(100));
    assert_eq!(ledger.take(ms(50), 1), wait(50));
    assert_eq!(ledger.take(ms(99), 1), wait(1));
    assert_eq!(ledger.take(ms(100), 1), Ok(()));
    assert_eq!(ledger.take(ms(100), 1), wait(100));
    assert_eq!(ledger.take(ms(350), 1), Ok(()));
    assert_eq!(ledger.take(ms(350), 1), Ok(()));
    assert_eq!(ledger.take(ms(350), 1), wait(50));
    for _ in 0..5 {
        assert_eq!(ledger.take(ms(2000), 1), Ok(()));
    }
    assert_eq!(ledger.take(ms(2000), 1), wait(100));
}

#[test]
fn calls_of_several_cells() {
    let mut ledger = paced(100, 10);

    assert_eq!(ledger.take(ms(0), 4), Ok(()));
    assert_eq!(ledger.take(ms(0), 7), wait(100));
    assert_eq!(ledger.take(ms(0), 6), Ok(()));
    assert_eq!(ledger.take(ms(0), 1), wait(100));
    assert_eq!(ledger.take(ms(250), 3), wait(50));
    assert_eq!(ledger.take(ms(250), 2), Ok(()));
    assert_eq!(ledger.take(ms(250), 1), wait(50));
    assert_eq!(ledger.take(ms(1250), 10), Ok(()));
    assert_eq!(ledger.take(ms(1250), 11), Err(Denied::Never));
    assert_eq!(ledger.take(ms(1300), 1), wait(50));
}

#[test]
fn an_interval_that_divides_nothing() {
    let mut ledger = paced(333, 3);

    assert_eq!(ledger.take(ms(0), 3), Ok(()));
    assert_eq!(ledger.take(ms(332), 1), wait(1));
    assert_eq!(ledger.take(ms(333), 1), Ok(()));
    assert_eq!(ledger.take(ms(334), 1), wait(332));
    assert_eq!(ledger.take(ms(666), 1), Ok(()));
    assert_eq!(ledger.take(ms(1000), 2), wait(332));
    assert_eq!(ledger.take(ms(1331), 1), Ok(()));
    assert_eq!(ledger.take(ms(1332), 1), Ok(()));
}

#[test]
fn a_thousand_refusals_change_nothing() {
    let quotas = [
        burst(quota(1, 100 * MS), 5),
        quota(5, 1000 * MS).policy(Policy::FixedWindow),
        quota(5, 1000 * MS).policy(Policy::SlidingWindow),
        quota(5, 1000 * MS).policy(Policy::SlidingLog),
    ];
    let mut ledger = Ledger::new(&quotas, ms(0));
    assert_eq!(ledger.take(ms(0), 5), Ok(()));
    let before = ledger.clone();

    for time in 0..1000 {
        assert!(ledger.take(ms(time), 5).is_err());
        assert!(ledger.book(ms(time), 1, 0).is_err());
    }

    assert!(ledger == before);
}

#[test]
fn what_is_left_and_when_all_is_there() {
    let mut ledger = paced(100, 5);
    assert_eq!(ledger.take(ms(0), 3), Ok(()));

    let standing = ledger.standings(ms(0)).next().expect("one quota");

    assert_eq!((standing.limit, standing.remaining), (5, 2));
    assert_eq!((standing.next, standing.full), (Duration::ZERO, Duration::from_millis(300)));
}

#[test]
fn six_book_at_once_and_are_served_in_order() {
    let mut ledger = paced(100, 2);

    let mut turn = || ledger.book(ms(0), 1, u64::MAX).expect("all can wait").at;
    let turns = [(); 6].map(|()| turn());

    assert_eq!(turns, [0, 0, 100, 200, 300, 400].map(ms));
    assert_eq!(ledger.wait(ms(0)), 500 * MS);
    assert_eq!(left(&ledger, ms(0)), [0]);
    assert_eq!(ledger.take(ms(399), 1), wait(101)); // nobody is overtaken
}

#[test]
fn who_cannot_wait_long_enough_is_told_at_once_and_books_nothing() {
    let mut ledger = paced(100, 1);
    assert_eq!(ledger.take(ms(0), 1), Ok(()));
    let before = ledger.clone();

    assert_eq!(ledger.book(ms(0), 1, 100 * MS - 1).map(|booking| booking.at), wait(100));

    assert!(ledger == before);
    assert_eq!(ledger.book(ms(0), 1, 100 * MS).map(|booking| booking.at), Ok(ms(100)));
}

#[test]
fn what_time_has_paid_off_is_not_given_a_second_time() {
    let mut ledger = paced(100, 1);

    let booking = ledger.book(ms(0), 1, 0).expect("it is there");
    assert_eq!(ledger.give_back(ms(50), 1, booking), Returned::Freed);
    assert_eq!(ledger.take(ms(50), 1), Ok(()));
    assert_eq!(ledger.take(ms(50), 1), wait(100));

    let booking = ledger.book(ms(200), 1, 0).expect("it is there");
    assert_eq!(ledger.give_back(ms(400), 1, booking), Returned::Freed);
    assert_eq!(ledger.take(ms(400), 1), Ok(()));
    assert_eq!(ledger.take(ms(400), 1), wait(100));
}

#[test]
fn the_minute_gives_ten_where_the_second_gives_ten() {
    let seconds = Quota::per_second(10).expect("a sound quota");
    let minutes = Quota::per_minute(15).expect("a sound quota");
    for policy in [Policy::Gcra, Policy::FixedWindow, Policy::SlidingWindow, Policy::SlidingLog] {
        let quotas = [seconds.policy(policy), minutes.policy(policy)];
        let mut ledger = Ledger::new(&quotas, ms(0));

        let given = (0..12).filter(|_| ledger.take(ms(0), 1).is_ok()).count();

        assert_eq!(given, 10, "{policy:?}");
        assert_eq!(left(&ledger, ms(0)), [0, 5], "{policy:?}");
    }
}

#[test]
fn the_slowest_quota_says_when() {
    let second = quota(2, 1000 * MS).policy(Policy::FixedWindow);
    let minute = quota(3, 60_000 * MS).policy(Policy::SlidingLog);
    let mut ledger = Ledger::new(&[second, minute], ms(0));

    assert_eq!(ledger.take(ms(400), 2), Ok(()));
    assert_eq!(ledger.take(ms(400), 1), wait(600));
    assert_eq!(ledger.take(ms(1000), 1), Ok(()));
    assert_eq!(ledger.take(ms(1000), 1), wait(59_400));
    assert_eq!(ledger.take(ms(1000), 2), wait(59_400));
    assert_eq!(ledger.take(ms(1000), 3), Err(Denied::Never)); // in one second
}

#[test]
fn a_cell_of_the_last_window_leaves_at_its_very_nanosecond() {
    let mut ledger = Ledger::new(&[quota(100, 60_000 * MS).policy(Policy::SlidingWindow)], ms(0));
    assert_eq!(ledger.take(ms(1000), 86), Ok(()));
    assert_eq!(ledger.take(ms(60_000), 12), Ok(()));

    // 86 · (1 - 1/4) + 12 = 76.5
    assert_eq!(left(&ledger, ms(75_000)), [23]);
    // 86 · ahead <= 64 minutes, from 15 348 837 210 ns on in the window
    assert_eq!(ledger.take(ms(75_000), 24), Err(Denied::Wait(348_837_210)));
}

#[test]
fn time_that_steps_back_gives_nothing_twice() {
    for policy in [Policy::Gcra, Policy::FixedWindow, Policy::SlidingWindow, Policy::SlidingLog] {
        let mut ledger = Ledger::new(&[quota(2, 100 * MS).policy(policy)], ms(0));
        assert_eq!(ledger.take(ms(350), 2), Ok(()));

        assert!(ledger.take(ms(10), 1).is_err(), "{policy:?}");
        assert!(ledger.take(ms(349), 1).is_err(), "{policy:?}");

        // Who is there at once does not wait for a clock that is behind.
        assert_eq!(ledger.take(ms(900), 1), Ok(()));
        assert_eq!(ledger.book(ms(899), 1, 0).map(|booking| booking.at), Ok(ms(899)));
    }
}
