//! The estimator, sample by sample. The promises are those of
//! [`estimator`](crate::hedge::estimator).

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Nanos, Ratio};

use crate::hedge::estimator::{Estimator, LEAST_SAMPLES, quantile_of};

const MS: Duration = Duration::from_millis(1);

fn median() -> Estimator {
    Estimator::new(Ratio::from_parts_per_million(500_000), Nanos::ZERO)
}

fn record(estimator: &Estimator, secs: u64, took: Duration, times: u64) {
    (0..times).for_each(|_| estimator.record(Nanos::from_secs(secs), took));
}

fn assert_near(estimator: &Estimator, took: Duration) {
    let delay = estimator.delay().expect("enough samples");
    assert!(delay.abs_diff(took) * 8 <= took, "{delay:?} is not {took:?}");
}

/// Promise 4.
#[test]
fn there_is_no_delay_before_a_hundred_samples() {
    let estimator = median();

    record(&estimator, 1, MS * 20, LEAST_SAMPLES - 1);
    assert_eq!(estimator.delay(), None);

    record(&estimator, 2, MS * 20, 1);
    assert_near(&estimator, MS * 20);
}

#[test]
fn the_delay_follows_within_half_a_minute() {
    let estimator = median();
    record(&estimator, 1, MS * 20, 1_000);

    (2..32).for_each(|secs| record(&estimator, secs, MS * 60, 100));

    assert_near(&estimator, MS * 60);
}

#[test]
fn what_was_learned_is_kept_through_a_night_without_traffic() {
    let estimator = median();
    record(&estimator, 1, MS * 20, 1_000);

    record(&estimator, 30_000, MS * 60, 1);
    record(&estimator, 30_020, MS * 60, 1);

    assert_near(&estimator, MS * 20);
}

#[test]
fn a_delay_is_no_shorter_than_a_timer_can_be() {
    let estimator = median();

    record(&estimator, 1, MS / 1_000, LEAST_SAMPLES + 1);
    record(&estimator, 2, MS / 1_000, 1);

    assert_eq!(estimator.delay(), Some(MS));
}

#[test]
fn a_call_cut_off_counts_where_it_took_longer_than_the_delay() {
    let estimator = median();
    estimator.record_cut_off(Nanos::from_secs(1), MS * 30);
    assert_eq!(estimator.samples(), 0);
    record(&estimator, 2, MS * 20, LEAST_SAMPLES);
    record(&estimator, 3, MS * 20, 1);
    let before = estimator.samples();

    estimator.record_cut_off(Nanos::from_secs(3), MS * 10);
    assert_eq!(estimator.samples(), before);

    estimator.record_cut_off(Nanos::from_secs(3), MS * 30);
    assert_eq!(estimator.samples(), before + 1);
}

proptest! {
    /// Promise 3.
    #[test]
    fn a_quantile_is_an_eighth_off_at_most(
        times in prop::collection::vec(
            (0..64_u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift),
            1..400,
        ),
        parts in 0..=1_000_000_u32,
    ) {
        let quantile = Ratio::from_parts_per_million(parts);
        let mut sorted = times.clone();
        sorted.sort_unstable();
        let exact = sorted[quantile.count_of(times.len() as u64) as usize - 1];

        let found = quantile_of(&times, quantile);

        prop_assert!(u128::from(found.abs_diff(exact)) * 8 <= u128::from(exact), "{found}, not {exact}");
    }
}
