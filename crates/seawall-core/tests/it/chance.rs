//! Random numbers: fair, and the same from the same seed.

use proptest::prelude::*;
use seawall_core::{Chance, Classify, ErrIsFailure, Outcome, Ratio};

const SEED: u64 = 42;

fn draws(chance: &Chance) -> Vec<u64> {
    (0..20).map(|_| chance.uniform(0, u64::MAX)).collect()
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    assert_eq!(draws(&Chance::seeded(SEED)), draws(&Chance::from_seed(Some(SEED))));
    assert_ne!(draws(&Chance::seeded(SEED)), draws(&Chance::seeded(SEED + 1)));
}

#[test]
fn without_a_seed_the_numbers_differ() {
    assert_ne!(draws(&Chance::random()), draws(&Chance::default()));
    assert_ne!(draws(&Chance::from_seed(None)), draws(&Chance::from_seed(None)));
}

/// Instances that are seeded by their number must not come back together.
#[test]
fn neighbouring_seeds_meet_no_more_often_than_by_chance() {
    for first in [0, 1_000, 1 << 20, 1 << 40] {
        let seeds = first..first + 1_000;
        let mut drawn: Vec<_> = seeds.map(|seed| Chance::seeded(seed).uniform(0, 999)).collect();
        drawn.sort_unstable();
        drawn.dedup();

        // A thousand fair draws of a thousand numbers hit 632 of them, give or take 10.
        assert!(drawn.len().abs_diff(632) < 40, "{} different from {first}", drawn.len());
    }
}

#[test]
fn the_impossible_never_happens_and_the_certain_always_does() {
    let chance = Chance::seeded(SEED);

    assert!((0..10_000).all(|_| chance.happens(Ratio::ONE)));
    assert!(!(0..10_000).any(|_| chance.happens(Ratio::ZERO)));
}

#[test]
fn a_share_happens_about_as_often_as_it_says() {
    let chance = Chance::seeded(SEED);
    let tenth = Ratio::percent(10.0).unwrap();

    let times = (0..100_000).filter(|_| chance.happens(tenth)).count();

    // Five standard deviations of 95.
    assert!(times.abs_diff(10_000) < 475, "seed {SEED}: {times} of 100000");
}

#[test]
fn the_numbers_are_spread_evenly() {
    let chance = Chance::seeded(SEED);
    let mut cells = [0_u32; 16];

    for _ in 0..16_000 {
        cells[chance.uniform(0, 15) as usize] += 1;
    }

    let chi: f64 = cells.iter().map(|&n| (f64::from(n) - 1_000.0).powi(2) / 1_000.0).sum();
    // 15 degrees of freedom: above 37.7 in one of a thousand fair runs.
    assert!(chi < 37.7, "seed {SEED}: chi-square {chi}, {cells:?}");
}

#[test]
fn threads_that_share_a_source_draw_different_numbers() {
    let chance = Chance::seeded(SEED);

    let mut all = std::thread::scope(|scope| {
        let drawn = [(); 4].map(|()| scope.spawn(|| draws(&chance)));
        drawn.map(|thread| thread.join().unwrap()).concat()
    });
    all.sort_unstable();

    let mut alone: Vec<_> = {
        let chance = Chance::seeded(SEED);
        (0..80).map(|_| chance.uniform(0, u64::MAX)).collect()
    };
    alone.sort_unstable();
    assert_eq!(all, alone);
}

proptest! {
    #[test]
    fn a_number_lies_between_its_ends(a: u64, b: u64, seed: u64) {
        let (low, high) = (a.min(b), a.max(b));

        let drawn = Chance::seeded(seed).uniform(low, high);

        prop_assert!((low..=high).contains(&drawn));
    }
}

#[test]
fn an_error_is_a_failure_unless_somebody_knows_better() {
    let knows_better = |result: Result<&u16, &bool>| match result {
        Ok(500..) => Outcome::Failure,
        Ok(_) => Outcome::Success,
        Err(true) => Outcome::Ignored,
        Err(false) => Outcome::Failure,
    };

    assert_eq!(ErrIsFailure.classify(Ok::<_, &bool>(&503_u16)), Outcome::Success);
    assert_eq!(ErrIsFailure.classify(Err::<&u16, _>(&true)), Outcome::Failure);
    assert_eq!(knows_better.classify(Ok(&503)), Outcome::Failure);
    assert_eq!(knows_better.classify(Err(&true)), Outcome::Ignored);
}
