//! The clocks: what each promises, without waiting for any of them.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use seawall_core::{Clock, Nanos};

/// More than the kernel's slowest tick, and than what the coarse clock may be late.
const TICKS: Duration = Duration::from_millis(50);

fn assert_never_goes_back(clock: &Clock) {
    let mut last = clock.now();
    for _ in 0..100_000 {
        let now = clock.now();
        assert!(now >= last, "{clock:?} went back from {last:?} to {now:?}");
        last = now;
    }
}

#[test]
fn a_manual_clock_stands_still_until_it_is_moved() {
    let (clock, hand) = Clock::manual();
    let start = clock.now();

    assert_eq!(clock.now(), start);
    hand.advance(Duration::from_millis(250));

    assert_eq!(clock.now().since(start), Duration::from_millis(250));
    assert_eq!(hand.now(), clock.now());
}

#[test]
fn a_manual_clock_starts_late_enough_to_ask_about_before() {
    let (clock, _hand) = Clock::manual();

    assert_eq!(clock.now(), Nanos::from_secs(3600));
}

#[test]
fn a_manual_clock_can_be_set_back() {
    let (clock, hand) = Clock::manual();

    hand.set(Nanos::from_millis(3));

    assert_eq!(clock.now(), Nanos::from_millis(3));
}

#[test]
fn a_manual_clock_stops_at_the_end_of_time() {
    let (clock, hand) = Clock::manual();

    hand.advance(Duration::MAX);
    hand.advance(Duration::from_secs(1));

    assert_eq!(clock.now(), Nanos::MAX);
}

#[test]
fn clones_of_a_clock_tell_the_same_time() {
    let (clock, hand) = Clock::manual();
    let clone = clock.clone();

    hand.clone().advance(Duration::from_secs(9));

    assert_eq!(clone.now(), clock.now());
}

#[test]
fn two_manual_clocks_do_not_know_of_each_other() {
    let (first, hand) = Clock::manual();
    let (second, _) = Clock::manual();

    hand.advance(Duration::from_secs(9));

    assert_ne!(first.now(), second.now());
}

#[test]
fn a_custom_clock_is_asked_for_each_reading() {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    let clock = Clock::custom(|| Nanos(READINGS.fetch_add(10, SeqCst)));

    let read = [clock.now(), clock.now_coarse(), clock.clone().now()];

    assert_eq!(read, [Nanos(0), Nanos(10), Nanos(20)]);
}

#[test]
fn the_clocks_of_the_system_never_go_back() {
    assert_never_goes_back(&Clock::system());
    assert_never_goes_back(&Clock::coarse());
    assert_never_goes_back(&Clock::default());
}

#[test]
fn two_system_clocks_agree() {
    let (first, second) = (Clock::system(), Clock::system());

    let readings = [first.now(), second.now(), first.now(), second.now()];

    assert!(readings.is_sorted(), "{readings:?}");
}

/// The pair of readings around it makes this hold however long the thread is kept from running.
#[test]
fn the_coarse_clock_is_the_system_s_and_at_most_a_few_ticks_late() {
    let (system, coarse) = (Clock::system(), Clock::coarse());
    for _ in 0..1_000 {
        let before = system.now();
        let late = [coarse.now(), coarse.now_coarse(), system.now_coarse()];
        let after = system.now();

        for reading in late {
            assert!(reading + TICKS >= before, "{reading:?} is long before {before:?}");
            assert!(reading <= after, "{reading:?} is after {after:?}");
        }
    }
}

#[test]
fn a_clock_tells_what_it_is() {
    assert_eq!(format!("{:?}", Clock::system()), r#"Clock("system")"#);
    assert_eq!(format!("{:?}", Clock::coarse()), r#"Clock("coarse")"#);
    assert_eq!(format!("{:?}", Clock::manual().0), r#"Clock("manual")"#);
    assert_eq!(format!("{:?}", Clock::custom(|| Nanos::ZERO)), r#"Clock("custom")"#);
}

#[cfg(not(feature = "test-util"))]
#[test]
fn the_default_is_the_system_s_clock() {
    assert_eq!(format!("{:?}", Clock::default()), r#"Clock("system")"#);
}

#[cfg(feature = "quanta")]
#[test]
fn the_counter_of_the_processor_starts_at_its_origin() {
    let clock = Clock::tsc();

    let (first, second) = (clock.now(), clock.clone().now());

    // Not that it never goes back: on some machines it does, and the docs say so.
    assert!(first < Nanos::from_secs(3600) && second < Nanos::from_secs(3600));
    assert_eq!(format!("{clock:?}"), r#"Clock("tsc")"#);
}

mod nanos {
    use super::{Duration, Nanos};

    #[test]
    fn moments_stop_at_the_ends_of_time() {
        let second = Duration::from_secs(1);

        assert_eq!(Nanos::MAX + second, Nanos::MAX);
        assert_eq!(Nanos::ZERO - second, Nanos::ZERO);
        assert_eq!(Nanos::ZERO + Duration::MAX, Nanos::MAX);
        assert_eq!(Nanos::MAX - Duration::MAX, Nanos::ZERO);
        assert_eq!(Nanos::from_secs(u64::MAX), Nanos::MAX);
        assert_eq!(Nanos::from_millis(u64::MAX), Nanos::MAX);
        assert_eq!(Nanos::from(Duration::MAX), Nanos::MAX);
    }

    #[test]
    fn what_lies_ahead_is_not_since() {
        let (earlier, later) = (Nanos::from_secs(1), Nanos::from_secs(3));

        assert_eq!(later.since(earlier), Duration::from_secs(2));
        assert_eq!(earlier.since(later), Duration::ZERO);
    }

    #[test]
    fn every_duration_that_fits_is_exact() {
        for nanos in [0, 1, 999_999_999, 1_000_000_000, 1_000_000_001, u64::MAX - 1, u64::MAX] {
            let duration = Duration::from_nanos(nanos);

            assert_eq!(Nanos::from(duration), Nanos(nanos));
            assert_eq!(Nanos(nanos).as_duration(), duration);
        }
        assert_eq!(
            Nanos::from(Duration::from_nanos(u64::MAX) + Duration::from_nanos(1)),
            Nanos::MAX
        );
    }
}
