//! Shares and thresholds, against fractions that are compared by whole numbers.

use proptest::prelude::*;
use seawall_core::Ratio;

/// The smallest count that `Ratio::of` takes for at least `ratio`, by trying each.
fn count_by_trying(ratio: Ratio, whole: u64) -> u64 {
    (1..=whole).find(|&part| Ratio::of(part, whole) >= ratio).unwrap_or(1)
}

#[test]
fn a_share_meets_a_threshold_exactly_where_the_fraction_does() {
    for percent in 1..=100_u64 {
        let threshold = Ratio::percent(percent as f64).unwrap();
        for whole in 1..=100 {
            for part in 0..=whole {
                let meets = part * 100 >= percent * whole;
                assert_eq!(
                    Ratio::of(part, whole) >= threshold,
                    meets,
                    "{part} of {whole} against {percent}%"
                );
            }
        }
    }
}

#[test]
fn a_fraction_is_its_own_threshold() {
    for whole in 1..=300_u64 {
        for part in 0..=whole {
            let threshold = Ratio::new(part as f64 / whole as f64).unwrap();
            assert_eq!(Ratio::of(part, whole), threshold, "{part} of {whole}");
        }
    }
}

#[test]
fn a_count_is_the_smallest_that_meets_the_threshold() {
    for percent in 0..=100_u64 {
        let ratio = Ratio::percent(percent as f64).unwrap();
        for whole in 1..=100 {
            let exact = (percent * whole).div_ceil(100).max(1);
            assert_eq!(ratio.count_of(whole), exact, "{percent}% of {whole}");
        }
    }
}

#[test]
fn a_count_of_nothing_is_one() {
    for ratio in [Ratio::ZERO, Ratio::percent(50.0).unwrap(), Ratio::ONE] {
        assert_eq!(ratio.count_of(0), 1, "{ratio}");
    }
}

#[test]
fn the_count_of_all_is_all_up_to_what_a_part_per_million_can_tell() {
    assert_eq!(Ratio::ONE.count_of(1), 1);
    assert_eq!(Ratio::ONE.count_of(500_000), 500_000);
    let nearly_all = Ratio::ONE.count_of(u64::MAX);
    assert_eq!(Ratio::of(nearly_all, u64::MAX), Ratio::ONE);
    assert!(Ratio::of(nearly_all - 1, u64::MAX) < Ratio::ONE);
}

#[test]
fn the_largest_counts_do_not_overflow() {
    assert_eq!(Ratio::of(u64::MAX, u64::MAX), Ratio::ONE);
    assert_eq!(Ratio::of(u64::MAX / 2, u64::MAX), Ratio::new(0.5).unwrap());
    assert_eq!(Ratio::of(u64::MAX, 1), Ratio::ONE); // more than the whole is the whole
    assert_eq!(Ratio::of(5, 0), Ratio::ZERO);
}

#[test]
fn what_is_no_share_is_refused() {
    for share in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, -f64::MIN_POSITIVE, 1.000_001] {
        let error = Ratio::new(share).unwrap_err();

        assert_eq!(error.field(), "ratio");
        assert_eq!(error.value(), share.to_string());
        assert_eq!(error.rule(), "a number from 0 to 1");
    }
}

#[test]
fn what_is_no_percentage_is_refused_as_it_was_said() {
    for percent in [f64::NAN, f64::INFINITY, -1.0, 100.1] {
        let error = Ratio::percent(percent).unwrap_err();

        assert_eq!(error.value(), percent.to_string());
        assert_eq!(error.rule(), "a number from 0 to 100");
    }
}

#[test]
fn the_ends_are_shares() {
    assert_eq!(Ratio::new(0.0).unwrap(), Ratio::ZERO);
    assert_eq!(Ratio::new(-0.0).unwrap(), Ratio::ZERO);
    assert_eq!(Ratio::new(1.0).unwrap(), Ratio::ONE);
    assert_eq!(Ratio::percent(100.0).unwrap(), Ratio::ONE);
    assert_eq!(Ratio::default(), Ratio::ZERO);
}

#[test]
fn every_share_survives_as_a_float() {
    for parts in 0..=1_000_000 {
        let ratio = Ratio::from_parts_per_million(parts);
        assert_eq!(Ratio::new(ratio.as_f64()), Ok(ratio));
    }
}

#[test]
fn more_than_a_million_parts_are_all() {
    assert_eq!(Ratio::from_parts_per_million(u32::MAX), Ratio::ONE);
}

#[test]
fn a_complement_is_the_rest() {
    let third = Ratio::of(1, 3);

    assert_eq!(third.complement(), Ratio::of(2, 3));
    assert_eq!(Ratio::ZERO.complement(), Ratio::ONE);
}

#[test]
fn a_ratio_reads_as_a_percentage() {
    assert_eq!(Ratio::percent(7.0).unwrap().to_string(), "7%");
    assert_eq!(format!("{:?}", Ratio::of(1, 3)), "33.3333%");
}

#[cfg(feature = "serde")]
#[test]
fn a_ratio_in_a_file_is_a_number_from_0_to_1() {
    let read = serde_json::from_str::<Ratio>;

    assert_eq!(read("0.07").unwrap(), Ratio::percent(7.0).unwrap());
    assert_eq!(read("1").unwrap(), Ratio::ONE);
    assert_eq!(serde_json::to_string(&Ratio::of(1, 2)).unwrap(), "0.5");
    let error = read("7").unwrap_err().to_string();
    assert!(error.contains("`ratio` is 7: it must be a number from 0 to 1"), "{error}");
    assert!(read("\"7%\"").is_err());
}

proptest! {
    #[test]
    fn a_share_is_the_nearest_part_per_million(part: u64, whole in 1..=u64::MAX) {
        let part = part % whole;

        let parts = u128::from(Ratio::of(part, whole).parts_per_million());

        let (part, whole) = (u128::from(part), u128::from(whole));
        let off = (parts * whole).abs_diff(part * 1_000_000); // in millionths of a part
        prop_assert!(2 * off <= whole, "{parts} parts for {part} of {whole}");
    }

    #[test]
    fn a_count_agrees_with_the_share_it_was_asked_for(parts in 0..=1_000_000_u32, whole: u64) {
        let ratio = Ratio::from_parts_per_million(parts);

        let count = ratio.count_of(whole);

        prop_assert!(count >= 1);
        prop_assert!(whole == 0 || Ratio::of(count, whole) >= ratio);
        prop_assert!(count == 1 || Ratio::of(count - 1, whole) < ratio, "{count} is not the least");
    }

    #[test]
    fn a_count_is_what_trying_finds(parts in 0..=1_000_000_u32, whole in 1..5_000_u64) {
        let ratio = Ratio::from_parts_per_million(parts);

        prop_assert_eq!(ratio.count_of(whole), count_by_trying(ratio, whole));
    }

    #[test]
    fn comparisons_follow_the_numbers(a in 0.0..=1.0_f64, b in 0.0..=1.0_f64) {
        prop_assume!((a - b).abs() > 1e-6);

        prop_assert_eq!(Ratio::new(a).unwrap() < Ratio::new(b).unwrap(), a < b);
    }
}
