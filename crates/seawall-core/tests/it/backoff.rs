//! How long the waits are: promises of `Backoff` that one example shows.

use std::time::Duration;

use seawall_core::{Backoff, Chance, Jitter};

const JITTERS: [Jitter; 4] = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated];

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn exact(backoff: Backoff, count: usize) -> Vec<u128> {
    let exact = backoff.jitter(Jitter::None);
    exact.delays().take(count).map(|wait| wait.as_millis()).collect()
}

fn delay(backoff: &Backoff, attempt: u32) -> Duration {
    backoff.delay(attempt, None, &Chance::seeded(1))
}

#[test]
fn exponential_delays_double_up_to_the_cap() {
    let backoff = Backoff::exponential(millis(100)).max(Duration::from_secs(20));

    let waits = exact(backoff, 11);

    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 20_000, 20_000, 20_000]);
}

#[test]
fn a_factor_sets_how_fast_delays_grow() {
    let backoff = Backoff::exponential(millis(100)).factor(1.5);

    assert_eq!(exact(backoff, 4), [100, 150, 225, 337]);
}

#[test]
fn a_factor_of_one_is_constant() {
    let backoff = Backoff::exponential(millis(100)).factor(1.0).jitter(Jitter::None);

    assert_eq!(delay(&backoff, u32::MAX), millis(100));
}

#[test]
fn constant_delays_stay() {
    assert_eq!(exact(Backoff::constant(millis(70)), 4), [70, 70, 70, 70]);
}

#[test]
fn linear_delays_grow_by_the_base() {
    assert_eq!(exact(Backoff::linear(millis(70)), 4), [70, 140, 210, 280]);
}

#[test]
fn fibonacci_delays_are_sums_of_the_two_before() {
    let waits = exact(Backoff::fibonacci(millis(10)), 9);

    assert_eq!(waits, [10, 10, 20, 30, 50, 80, 130, 210, 340]);
}

#[test]
fn fibonacci_is_exact_as_long_as_it_fits() {
    let backoff = Backoff::fibonacci(Duration::from_nanos(1)).max(Duration::MAX);
    let exact = |attempt| delay(&backoff.clone().jitter(Jitter::None), attempt).as_nanos();

    assert_eq!(exact(92), 12_200_160_415_121_876_738); // the 93rd number of Fibonacci
    assert_eq!(exact(93), u128::from(u64::MAX)); // the 94th does not fit
    assert_eq!(exact(u32::MAX), u128::from(u64::MAX));
}

#[test]
fn custom_delays_are_capped_too() {
    let backoff = Backoff::custom(|attempt| millis(u64::from(attempt) * 40)).max(millis(100));

    assert_eq!(exact(backoff, 5), [0, 40, 80, 100, 100]);
}

#[test]
fn a_late_attempt_waits_for_the_cap_and_never_overflows() {
    let growths = [
        Backoff::constant(millis(100)),
        Backoff::linear(millis(100)),
        Backoff::exponential(millis(100)),
        Backoff::exponential(millis(100)).factor(f64::MAX),
        Backoff::fibonacci(millis(100)),
        Backoff::custom(|_| Duration::MAX),
    ];
    let cap = Duration::from_secs(20);

    for backoff in growths {
        let constant = backoff == Backoff::constant(millis(100));
        let backoff = backoff.max(cap).jitter(Jitter::None);
        for attempt in [200, u32::MAX - 1, u32::MAX] {
            let expected = if constant { millis(100) } else { cap };
            assert_eq!(delay(&backoff, attempt), expected, "{backoff:?} at {attempt}");
        }
    }
}

#[test]
fn exponents_around_the_width_of_a_word_do_not_wrap() {
    let backoff = Backoff::exponential(millis(100)).max(Duration::from_secs(20));
    let uncapped = Backoff::exponential(Duration::from_nanos(1)).max(Duration::MAX);

    for attempt in [63, 64, 65, 127, 128, 200, u32::MAX] {
        let backoff = backoff.clone().jitter(Jitter::None);
        assert_eq!(delay(&backoff, attempt), Duration::from_secs(20), "at {attempt}");
    }
    let uncapped = uncapped.jitter(Jitter::None);
    assert_eq!(delay(&uncapped, 63).as_nanos(), 1 << 63);
    assert_eq!(delay(&uncapped, 64).as_nanos(), u128::from(u64::MAX));
}

#[test]
fn a_base_at_the_end_of_time_stays_there() {
    let huge = [Duration::from_nanos(u64::MAX), Duration::from_nanos(u64::MAX - 1), Duration::MAX];
    let end = Duration::from_nanos(u64::MAX);

    for base in huge {
        for backoff in [Backoff::linear(base), Backoff::exponential(base), Backoff::fibonacci(base)]
        {
            let backoff = backoff.max(Duration::MAX).jitter(Jitter::None);
            assert_eq!(delay(&backoff, 3), end, "{backoff:?}");
        }
        for jitter in JITTERS {
            let backoff = Backoff::constant(base).max(Duration::MAX).jitter(jitter);
            assert!(backoff.delays().take(50).all(|wait| wait <= end), "{backoff:?}");
        }
    }
}

#[test]
fn no_base_is_no_wait_whatever_the_growth() {
    for backoff in [
        Backoff::constant(Duration::ZERO),
        Backoff::linear(Duration::ZERO),
        Backoff::exponential(Duration::ZERO),
        Backoff::exponential(Duration::ZERO).factor(f64::MAX),
        Backoff::fibonacci(Duration::ZERO),
    ] {
        for jitter in JITTERS {
            let backoff = backoff.clone().jitter(jitter);
            assert_eq!(delay(&backoff, u32::MAX), Duration::ZERO, "{backoff:?}");
        }
    }
}

#[test]
fn no_cap_means_an_hour() {
    let backoff = Backoff::exponential(Duration::from_secs(1)).jitter(Jitter::None);

    assert_eq!(delay(&backoff, 40), Duration::from_secs(3600));
    assert_eq!(backoff.longest(), Backoff::DEFAULT_MAX);
}

#[test]
fn full_jitter_is_the_default() {
    let default = Backoff::constant(millis(100)).seed(3);

    let full = default.clone().jitter(Jitter::Full);

    assert_eq!(default, full);
    assert!(default.delays().take(50).any(|wait| wait < millis(50)));
}

#[test]
fn the_same_seed_repeats_the_delays() {
    for jitter in JITTERS {
        let backoff = Backoff::exponential(millis(100)).jitter(jitter).seed(42);
        let clone = backoff.clone();

        assert!(backoff.delays().take(30).eq(clone.delays().take(30)), "{jitter:?}");
        assert_eq!(clone.chosen_seed(), Some(42));
    }
}

#[test]
fn two_runs_without_a_seed_differ() {
    let backoff = Backoff::constant(Duration::from_secs(3600));
    let clone = backoff.clone();

    // Twenty draws of 42 bits each do not meet by chance.
    assert!(!backoff.delays().take(20).eq(clone.delays().take(20)));
    assert!(!backoff.delays().take(20).eq(backoff.delays().take(20)));
}

#[test]
fn a_factor_that_is_no_growth_is_refused() {
    for factor in [f64::NAN, 0.5, 0.0, -2.0, f64::INFINITY, f64::NEG_INFINITY, 1.0 - f64::EPSILON] {
        let error = Backoff::exponential(millis(1)).factor(factor).check().unwrap_err();

        assert_eq!(error.field(), "factor");
        assert_eq!(error.value(), factor.to_string());
        assert_eq!(error.rule(), "a number of at least 1");
    }
}

#[test]
fn a_growth_without_a_factor_bears_any() {
    let backoff = Backoff::linear(millis(70)).factor(f64::NAN);

    assert_eq!(backoff, Backoff::linear(millis(70)));
    assert!(backoff.check().is_ok());
}

#[test]
fn an_unchecked_factor_harms_nobody() {
    for factor in [f64::NAN, -2.0, f64::INFINITY, f64::NEG_INFINITY] {
        let backoff = Backoff::exponential(millis(100)).max(millis(500)).factor(factor);

        for jitter in JITTERS {
            let waits = backoff.clone().jitter(jitter);
            assert!(waits.delays().take(20).all(|wait| wait <= millis(500)), "{waits:?}");
        }
    }
}

#[test]
fn two_customs_are_equal_only_where_one_is_a_clone() {
    let first = Backoff::custom(|_| millis(5));
    let second = Backoff::custom(|_| millis(5));

    assert_eq!(first, first.clone());
    assert_ne!(first, second);
}

#[test]
fn a_backoff_shows_what_it_does() {
    let shown = format!("{:?}", Backoff::exponential(millis(100)).factor(1.5));

    assert!(shown.contains("Exponential(100ms, x1.5)"), "{shown}");
    assert!(format!("{:?}", Backoff::custom(|_| millis(1))).contains("Custom(..)"));
}
