//! Sequences of turns; the promises are those of [`crate::split::sequence`].

use proptest::prelude::*;

use crate::split::{
    sequence::{reduced, sequence},
    turns::Turns,
};

/// By how much, in calls, a part is off its share at most, in any window of the sequence or in those alone that
/// begin at its beginning.
fn farthest(weights: &[u32], from_the_beginning: bool) -> f64 {
    let turns = sequence(weights);
    let total = turns.len();
    let mut farthest = 0_f64;
    for start in 0..if from_the_beginning { 1 } else { total } {
        let mut counts = vec![0_u32; weights.len()];
        for calls in 1..=total {
            counts[usize::from(turns[(start + calls - 1) % total])] += 1;
            for (count, &weight) in counts.iter().zip(weights) {
                let share = calls as f64 * f64::from(weight) / total as f64;
                farthest = farthest.max((f64::from(*count) - share).abs());
            }
        }
    }
    farthest
}

fn weights(parts: std::ops::Range<usize>, most: u32) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..most, parts)
        .prop_filter("one is above 0", |weights| weights.iter().any(|&weight| weight > 0))
}

proptest! {
    /// Promise 1.
    #[test]
    fn each_part_has_its_share_at_every_moment(weights in weights(1..20, 60)) {
        prop_assert!(farthest(&weights, true) < 1.0);
    }

    /// Promise 2.
    #[test]
    fn in_any_window_it_has_about_its_share(weights in weights(1..8, 20)) {
        let used = weights.iter().filter(|&&weight| weight > 0).count();
        let most = if used > 2 { 2.0 } else { 1.0 };
        prop_assert!(farthest(&weights, false) < most);
    }

    #[test]
    fn a_whole_sequence_has_the_weights(weights in weights(1..256, 30)) {
        let mut counts = vec![0; weights.len()];
        for turn in sequence(&weights) {
            counts[usize::from(turn)] += 1;
        }
        prop_assert_eq!(counts, weights);
    }

    #[test]
    fn turns_are_those_of_the_sequence_whatever_was_before(
        sequences in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..40), 0_u64..40), 1..6),
    ) {
        let turns = Turns::new(40, &[0], 0);
        for (sequence, start) in sequences {
            turns.exchange(&sequence, start);
            for call in start..start + 100 {
                prop_assert_eq!(turns.call(), call);
                prop_assert_eq!(turns.next(), sequence[call as usize % sequence.len()]);
            }
        }
    }
}

#[test]
fn weights_are_divided_by_what_they_have_in_common() {
    assert_eq!(reduced(&[990, 10, 0]), [99, 1, 0]);
    assert_eq!(reduced(&[0, 0]), [0, 0]);
    assert_eq!(reduced(&[u32::MAX, u32::MAX]), [1, 1]);
}

#[test]
fn a_sequence_reads_as_one_expects() {
    assert_eq!(sequence(&[3, 1]), [0, 0, 0, 1]);
    assert_eq!(sequence(&[2, 1, 1]), [0, 1, 0, 2]);
    assert_eq!(sequence(&[1, 1, 1]), [0, 1, 2]);
}
