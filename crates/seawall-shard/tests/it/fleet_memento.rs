//! Numbered buckets of which any may leave: what moves, what is agreed, how even it is.

use crate::fleet_support::{count, hashes, spread};
use proptest::prelude::*;
use seawall_shard::fleet::{JumpBack, Memento};

#[test]
fn with_no_bucket_missing_it_is_jump_back() {
    for buckets in [1, 2, 7, 100, 1_000] {
        let memento = Memento::new(buckets).expect("buckets");
        let back = JumpBack::new(buckets).expect("buckets");
        assert!(hashes(10_000).all(|key| memento.lookup(key) == back.lookup(key)));
    }
}

/// Buckets that stay get equal parts, however many left and in which order.
#[test]
fn keys_spread_evenly_over_those_that_work() {
    let half: Vec<u32> = (0..20).step_by(2).collect();
    let backwards: Vec<u32> = (0..20).step_by(2).rev().collect();
    let first_ten: Vec<u32> = (0..10).collect();
    // The first bound is tight: mixing that leaves a trace of the bucket's number passes it.
    for (removed, keys, most) in
        [(half, 4_000_000, 1.008), (backwards, 400_000, 1.025), (first_ten, 400_000, 1.025)]
    {
        let memento = Memento::resume(20, &removed).expect("a history");
        let counts = count(20, hashes(keys).map(|key| memento.lookup(key) as usize));
        let working: Vec<u64> = counts.iter().copied().filter(|count| *count > 0).collect();

        assert_eq!(working.len(), 10);
        let (largest, smallest) = spread(&working);
        assert!(largest <= most && smallest >= 2.0 - most, "{removed:?}: {largest}, {smallest}");
    }

    for (span, most, least) in [(200_u32, 1.05, 0.95), (2_000, 1.16, 0.84)] {
        let removed: Vec<u32> = (0..span).filter(|bucket| bucket * 7919 % span % 2 == 0).collect();
        let memento = Memento::resume(span, &removed).expect("a history");
        let counts =
            count(span as usize, hashes(1_000_000).map(|key| memento.lookup(key) as usize));
        let working: Vec<u64> = counts.iter().copied().filter(|count| *count > 0).collect();

        let (largest, smallest) = spread(&working);
        assert!(largest <= most && smallest >= least, "{span}: {largest}, {smallest}");
    }
}

/// The keys of one that leaves go to all others, not to a neighbour.
#[test]
fn what_one_leaves_behind_goes_to_all_others_in_equal_parts() {
    let before = Memento::resume(12, &[4, 9]).expect("a history");
    let after = Memento::resume(12, &[4, 9, 2]).expect("a history");

    let orphans = hashes(1_000_000).filter(|key| before.lookup(*key) == 2);
    let heirs = count(12, orphans.map(|key| after.lookup(key) as usize));

    let heirs: Vec<u64> = heirs.into_iter().filter(|count| *count > 0).collect();
    assert_eq!(heirs.len(), 9);
    let (most, least) = spread(&heirs);
    assert!(most <= 1.05 && least >= 0.95, "{most}, {least}");
}

/// Pinned: what a fleet agreed on yesterday holds tomorrow.
#[test]
fn the_answers_never_change() {
    let memento = Memento::resume(10, &[3, 7, 0]).expect("a history");
    let answers: Vec<u32> = (0..40_u64).map(|key| memento.lookup(key)).collect();
    let expected = [
        9, 5, 6, 9, 5, 6, 8, 5, 6, 2, 6, 4, 4, 4, 8, 6, 5, 5, 2, 4, 4, 4, 2, 6, 4, 5, 2, 2, 4, 2,
        6, 8, 5, 4, 5, 8, 6, 4, 8, 2,
    ];
    assert_eq!(answers, expected);
}

#[test]
fn who_left_last_comes_back_first() {
    let mut memento = Memento::new(5).expect("buckets");
    for bucket in [1, 3, 4] {
        memento.remove(bucket).expect("it works");
    }
    assert_eq!((memento.buckets(), memento.span(), memento.removed()), (2, 5, &[1, 3, 4][..]));
    assert!(memento.works(0) && !memento.works(1) && !memento.works(5));

    let back: Vec<u32> = (0..4).map(|_| memento.add().expect("room")).collect();

    assert_eq!(back, [4, 3, 1, 5]);
    assert_eq!(memento, Memento::new(6).expect("buckets"));
}

#[test]
fn the_highest_bucket_leaves_without_a_trace_where_none_is_missing() {
    let mut memento = Memento::new(5).expect("buckets");
    memento.remove(4).expect("it works");
    assert_eq!(memento, Memento::new(4).expect("buckets"));
}

#[test]
fn what_cannot_leave_is_refused_and_nothing_changes() {
    let mut memento = Memento::resume(4, &[1]).expect("a history");
    let before = memento.clone();
    for bucket in [1, 4, u32::MAX] {
        let error = memento.remove(bucket).expect_err("not there");
        assert_eq!((error.field(), error.value()), ("bucket", &*bucket.to_string()));
    }
    assert_eq!(memento, before);

    let mut last = Memento::resume(2, &[0]).expect("a history");
    let error = last.remove(1).expect_err("the only one");
    assert_eq!(error.to_string(), "`bucket` is 1: it must be one that works, and not the only one");
    assert_eq!(last.lookup(7_u64), 1);
}

#[test]
fn a_history_that_cannot_have_been_is_refused() {
    for (span, removed, field) in [
        (0, &[][..], "buckets"),
        ((1 << 24) + 1, &[], "buckets"),
        (4, &[1, 1], "bucket"),
        (4, &[4], "bucket"),
        (2, &[0, 1], "bucket"),
        (4, &[3], "removed"),
        (4, &[3, 1], "removed"),
    ] {
        let error = Memento::resume(span, removed).expect_err("not a history");
        assert_eq!(error.field(), field, "{span} {removed:?}");
    }
    assert!(Memento::new(1 << 24).is_ok());
    assert!(Memento::new(1 << 24).expect("buckets").add().is_err());
}

#[derive(Clone, Debug)]
enum Turn {
    Remove(prop::sample::Index),
    Add,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![2 => any::<prop::sample::Index>().prop_map(Turn::Remove), 1 => Just(Turn::Add)]
}

proptest! {
    /// Promises 1, 2 and 4, along arbitrary histories.
    #[test]
    fn only_keys_of_the_bucket_that_comes_or_goes_move(
        buckets in 1_u32..60,
        turns in prop::collection::vec(turn(), 1..120),
        seed: u64,
    ) {
        let keys: Vec<u64> = hashes(150).map(|key| key ^ seed).collect();
        let mut memento = Memento::new(buckets).expect("buckets");
        for turn in turns {
            let before = memento.clone();
            let changed = match turn {
                Turn::Add => {
                    let bucket = memento.add().expect("room");
                    for key in &keys {
                        let now = memento.lookup(*key);
                        prop_assert!(now == before.lookup(*key) || now == bucket);
                    }
                    bucket
                }
                Turn::Remove(index) => {
                    let working: Vec<u32> = (0..memento.span()).filter(|bucket| memento.works(*bucket)).collect();
                    let bucket = working[index.index(working.len())];
                    if working.len() == 1 {
                        prop_assert!(memento.remove(bucket).is_err());
                        continue;
                    }
                    memento.remove(bucket).expect("it works");
                    for key in &keys {
                        let (was, now) = (before.lookup(*key), memento.lookup(*key));
                        prop_assert!(now == was || was == bucket);
                        prop_assert!(now != bucket);
                    }
                    bucket
                }
            };
            prop_assert_eq!(memento.works(changed), !before.works(changed));
            prop_assert!(keys.iter().all(|key| memento.works(memento.lookup(*key))));
            let told = Memento::resume(memento.span(), memento.removed()).expect("a history");
            prop_assert_eq!(&told, &memento);
        }
    }
}
