//! The numbers of a quota: exact, and small enough for a double.

use std::time::Duration;

use seawall_rate_limiter::Quota;

use super::{Rate, Span};

const fn span(micros: u64, parts: u64) -> Span {
    Span { micros, parts }
}

fn quota(cells: u32, period: Duration) -> Quota {
    Quota::new(cells, period).expect("sound")
}

#[test]
fn a_cell_that_is_no_whole_number_of_microseconds_is_exact() {
    let third = Rate::of(&quota(3, Duration::from_secs(1)));

    assert_eq!(third.parts, 3);
    assert_eq!(third.price(1), span(333_333, 1));
    assert_eq!(third.price(2), span(666_666, 2));
    assert_eq!(third.price(3), span(1_000_000, 0));
    assert_eq!(third.sum(third.price(1), third.price(2)), span(1_000_000, 0));
}

#[test]
fn a_cell_that_is_one_has_no_parts() {
    let hundred = Rate::of(&quota(100, Duration::from_secs(1)));

    assert_eq!((hundred.parts, hundred.price(7)), (1, span(70_000, 0)));
}

#[test]
fn remaining_and_waits_are_those_of_the_debt() {
    let rate = Rate::of(&quota(3, Duration::from_secs(1)));

    assert_eq!(rate.remaining(span(0, 0)), 3);
    assert_eq!(rate.remaining(rate.price(1)), 2);
    assert_eq!(rate.remaining(span(333_333, 2)), 1, "one part more than a cell is owed");
    assert_eq!(rate.remaining(span(u64::MAX / 4, 0)), 0);
    assert_eq!(rate.wait(rate.price(3)), Duration::ZERO);
    assert_eq!(rate.wait(rate.price(4)), Duration::from_micros(333_334), "rounded up");
    assert_eq!(rate.full_in(rate.price(1)), Duration::from_micros(333_334), "rounded up");
}

#[test]
fn no_number_is_too_large_for_a_double() {
    const LARGEST: u64 = 1 << 53;
    let year = Duration::from_secs(366 * 86_400);
    let (now, horizon) = (3_000_000_000_000_000, 3_600_000_000); // the year 2065, and an hour
    for quota in [
        quota(u32::MAX, year),
        quota(u32::MAX - 2, year - Duration::from_nanos(1)),
        quota(1, year),
        quota(1, Duration::from_nanos(1)),
        quota(999_999_937, Duration::from_secs(1)),
        quota(1_000_000_000, Duration::from_secs(1)),
    ] {
        let rate = Rate::of(&quota);
        let (cell, most) = (rate.price(1), rate.most());

        assert!(most.micros + now + horizon < LARGEST, "{quota}");
        assert!(most.parts < rate.parts && cell.parts < rate.parts, "{quota}");
        assert!(rate.parts * 2 < LARGEST, "{quota}");
        assert!(cell.parts * 1_000 + most.parts < LARGEST, "a batch of {quota}");
    }
}
