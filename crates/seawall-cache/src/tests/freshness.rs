//! The life of an entry beside a slow model that is right at sight.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Nanos, Ratio};

use crate::freshness::{Lifetime, Overrides, Policy, Verdict};

const HOUR: u64 = 3_600_000;

fn policy(ttl: u64, revalidate: u64, error: u64) -> Policy {
    Policy {
        ttl: Some(Duration::from_millis(ttl)),
        jitter: Ratio::ZERO,
        stale_while_revalidate: Duration::from_millis(revalidate),
        stale_if_error: Duration::from_millis(error),
        negative_ttl: Duration::from_millis(7),
        beta: 0.0,
        pause: Duration::from_secs(1),
    }
}

/// By milliseconds since the load began, one rule a line.
fn model(age: u64, ttl: u64, revalidate: u64, error: u64, quiet: bool) -> Verdict {
    let past = age.checked_sub(ttl);
    match past {
        None => Verdict::Fresh,
        Some(past) if past < revalidate && quiet => Verdict::Kept,
        Some(past) if past < error && quiet => Verdict::Kept,
        Some(past) if past < revalidate => Verdict::Stale,
        Some(past) if past < error => Verdict::StaleIfError,
        Some(_) => Verdict::Expired,
    }
}

proptest! {
    #[test]
    fn an_entry_is_what_the_model_says(
        (ttl, revalidate, error) in (1..50_u64, 0..50_u64, 0..50_u64),
        (took, age, quiet_for) in (0..20_u64, 0..160_u64, 0..160_u64),
    ) {
        let began = Nanos::from_millis(HOUR);
        let ended = began + Duration::from_millis(took);
        let life = policy(ttl, revalidate, error)
            .lifetime(began, ended, Overrides::default(), |_, _| unreachable!("no jitter"));
        life.hush(began + Duration::from_millis(quiet_for));

        let verdict = life.judge(began + Duration::from_millis(age), 0.0, || unreachable!());

        prop_assert_eq!(verdict, model(age, ttl, revalidate, error, age < quiet_for));
    }

    /// What is ended early is as if its `ttl` had been shorter; what is not stays.
    #[test]
    fn an_entry_that_is_ended_early_is_as_with_a_shorter_ttl(
        (ttl, revalidate, error) in (1..50_u64, 0..50_u64, 0..50_u64),
        (end, age) in (0..80_u64, 0..160_u64),
    ) {
        let began = Nanos::from_millis(HOUR);
        let life = policy(ttl, revalidate, error)
            .lifetime(began, began, Overrides::default(), |_, _| unreachable!("no jitter"))
            .ending(began + Duration::from_millis(end));

        let verdict = life.judge(began + Duration::from_millis(age), 0.0, || unreachable!());

        prop_assert_eq!(verdict, model(age, ttl.min(end), revalidate, error, false));
    }

    /// What goes to the second level and comes back at once is as it was.
    #[test]
    fn a_life_is_the_same_in_the_second_level(
        (ttl, revalidate, error) in (1..50_u64, 0..50_u64, 0..50_u64),
        (passed, took) in (0..160_u64, 0..20_u64),
    ) {
        let began = Nanos::from_millis(HOUR);
        let ended = began + Duration::from_millis(took);
        let now = began + Duration::from_millis(passed);
        let life = policy(ttl, revalidate, error).lifetime(began, ended, Overrides::default(), |_, _| 0);

        let record = life.for_record(began);
        let back = Lifetime::of_record(&record, began);

        prop_assert_eq!(record.took, Duration::from_millis(took));
        prop_assert_eq!(back.judge(now, 0.0, || 1.0), life.judge(now, 0.0, || 1.0));
    }

    /// Promise 1: jitter shortens by its share at most, and never lengthens.
    #[test]
    fn jitter_shortens_by_its_share_at_most(
        ttl in 1..u64::MAX / 2_000_000,
        parts in 0..1_000_000_u32,
        drawn in any::<prop::sample::Index>(),
    ) {
        let mut policy = policy(ttl, 0, 0);
        policy.jitter = Ratio::from_parts_per_million(parts);
        let whole = Nanos::from_millis(ttl).0;
        let draw = |low: u64, high: u64| {
            assert!(low == 0 && u128::from(high) * 1_000_000 <= u128::from(whole) * u128::from(parts));
            drawn.index(usize::try_from(high).unwrap() + 1) as u64
        };

        let life = policy.lifetime(Nanos::ZERO, Nanos::ZERO, Overrides::default(), draw);

        prop_assert!(life.fresh_until.0 <= whole);
        let least = u128::from(whole) * u128::from(1_000_000 - parts) / 1_000_000;
        prop_assert!(u128::from(life.fresh_until.0) >= least);
    }

    /// Promise 3: early exactly where `now - took * beta * ln(drawn)` is at the end or past it.
    #[test]
    fn a_fresh_entry_is_early_by_the_formula(
        (took, age) in (1..1_000_u64, 0..9_999_u64),
        beta in 0.1..3.0_f64,
        drawn in 0.000_01..1.0_f64,
    ) {
        let began = Nanos::from_millis(HOUR);
        let ended = began + Duration::from_millis(took);
        let none = Overrides::default();
        let life = policy(10_000, 0, 0).lifetime(began, ended, none, |_, _| 0);

        let verdict = life.judge(began + Duration::from_millis(age), beta, || drawn);

        let gap = (10_000 - age) as f64;
        let reach = took as f64 * beta * -drawn.ln();
        prop_assume!((reach - gap).abs() > 1e-6);
        let early = reach >= gap && gap < 10.0 * took as f64 * beta;
        prop_assert_eq!(verdict, if early { Verdict::Early } else { Verdict::Fresh });
    }

    #[test]
    fn an_absence_is_fresh_for_its_own_time_and_never_stale(
        (ttl, age) in (0..50_u64, 0..100_u64),
        said in any::<bool>(),
    ) {
        let began = Nanos::from_millis(HOUR);
        let mut policy = policy(1_000, 1_000, 1_000);
        policy.negative_ttl = Duration::from_millis(if said { 99 } else { ttl });
        let own = Overrides { ttl: said.then(|| Duration::from_millis(ttl)), ..Overrides::default() };
        let life = policy.lifetime_of_absence(began, own, |_, _| 0);

        let verdict = life.judge(began + Duration::from_millis(age), 1.0, || 1.0);

        prop_assert_eq!(verdict, if age < ttl { Verdict::Fresh } else { Verdict::Expired });
    }
}

#[test]
fn a_fresh_entry_far_from_its_end_draws_no_chance() {
    let ended = Nanos::from_millis(1_000);
    let life = policy(60_000, 0, 0).lifetime(Nanos::ZERO, ended, Overrides::default(), |_, _| 0);

    let far = life.judge(Nanos::from_millis(49_999), 1.0, || unreachable!("too far off"));

    assert_eq!(far, Verdict::Fresh);
    assert_eq!(life.judge(Nanos::from_millis(50_001), 1.0, || f64::MIN_POSITIVE), Verdict::Early);
}

#[test]
fn a_load_that_failed_keeps_an_early_one_from_being_made() {
    let ended = Nanos::from_millis(1_000);
    let life = policy(60_000, 0, 0).lifetime(Nanos::ZERO, ended, Overrides::default(), |_, _| 0);
    let near = Nanos::from_millis(59_000);
    assert_eq!(life.judge(near, 1.0, || 0.000_1), Verdict::Early);

    life.hush(Nanos::from_millis(59_001));

    assert_eq!(life.judge(near, 1.0, || 0.000_1), Verdict::Fresh);
}

#[test]
fn what_lives_for_ever_is_fresh_at_any_time() {
    let mut policy = policy(1, 0, 0);
    policy.ttl = None;
    let life =
        policy.lifetime(Nanos::ZERO, Nanos::ZERO, Overrides::default(), |_, _| unreachable!());

    assert!(life.is_eternal());
    assert_eq!(life.judge(Nanos(u64::MAX - 1), 1.0, || 1.0), Verdict::Fresh);
}
