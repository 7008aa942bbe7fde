//! What chance may do to a delay, for any rule and any number of attempts.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Backoff, Chance, Jitter};

fn any_duration() -> impl Strategy<Value = Duration> {
    // Every magnitude is as likely as any other, the very ends included.
    (0_u32..=64, any::<u64>()).prop_map(|(bits, noise)| {
        let nanos = if bits == 0 { 0 } else { noise >> (64 - bits) };
        Duration::from_nanos(nanos)
    })
}

fn any_growth() -> impl Strategy<Value = Backoff> {
    (0..5_u8, any_duration(), 1.0..5.0_f64).prop_map(|(kind, base, factor)| match kind {
        0 => Backoff::constant(base),
        1 => Backoff::linear(base),
        2 => Backoff::exponential(base).factor(factor),
        3 => Backoff::fibonacci(base),
        _ => Backoff::custom(move |attempt| base.saturating_mul(attempt)),
    })
}

fn any_jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated)
    ]
}

fn any_attempt() -> impl Strategy<Value = u32> {
    prop_oneof![0..100_u32, any::<u32>(), Just(u32::MAX)]
}

proptest! {
    #[test]
    fn no_jitter_exceeds_the_cap(
        backoff in any_growth(), jitter in any_jitter(), cap in any_duration(),
        attempt in any_attempt(), previous in proptest::option::of(any_duration()), seed: u64,
    ) {
        let backoff = backoff.max(cap).jitter(jitter);

        let wait = backoff.delay(attempt, previous, &Chance::seeded(seed));

        prop_assert!(wait <= cap, "{backoff:?} waits {wait:?}");
    }

    #[test]
    fn full_jitter_takes_nothing_but_away(
        backoff in any_growth(), cap in any_duration(), attempt in any_attempt(), seed: u64,
    ) {
        let (chance, backoff) = (Chance::seeded(seed), backoff.max(cap));
        let whole = backoff.clone().jitter(Jitter::None).delay(attempt, None, &chance);

        let wait = backoff.jitter(Jitter::Full).delay(attempt, None, &chance);

        prop_assert!(wait <= whole);
    }

    #[test]
    fn equal_jitter_keeps_at_least_half(
        backoff in any_growth(), cap in any_duration(), attempt in any_attempt(), seed: u64,
    ) {
        let (chance, backoff) = (Chance::seeded(seed), backoff.max(cap));
        let whole = backoff.clone().jitter(Jitter::None).delay(attempt, None, &chance);

        let wait = backoff.jitter(Jitter::Equal).delay(attempt, None, &chance);

        prop_assert!(wait <= whole);
        prop_assert!(wait >= whole - wait, "{wait:?} is less than half of {whole:?}");
    }

    #[test]
    fn decorrelated_jitter_stays_between_the_base_and_three_times_the_last(
        base in any_duration(), cap in any_duration(), seed: u64,
    ) {
        let backoff =
            Backoff::exponential(base).max(cap).jitter(Jitter::Decorrelated).seed(seed);
        let low = base.min(cap);
        let mut previous = low;

        for wait in backoff.delays().take(30) {
            let high = previous.saturating_mul(3).min(cap).max(low);
            prop_assert!((low..=high).contains(&wait), "{wait:?} is not in {low:?}..={high:?}");
            previous = wait;
        }
    }

    #[test]
    fn delays_never_end_and_never_shrink_without_jitter(
        backoff in any_growth(), cap in any_duration(),
    ) {
        let waits: Vec<_> = backoff.max(cap).jitter(Jitter::None).delays().take(150).collect();

        prop_assert_eq!(waits.len(), 150);
        prop_assert!(waits.is_sorted());
    }
}

/// A cap that is applied after the jitter makes half of all callers wait for exactly the cap.
#[test]
fn delays_at_the_cap_are_spread_evenly() {
    const SEED: u64 = 42;
    const CELLS: usize = 20;
    const DRAWS: usize = 20_000;
    let cap = Duration::from_secs(20);

    for (jitter, low) in [(Jitter::Full, 0.0), (Jitter::Equal, 0.5)] {
        let backoff = Backoff::exponential(Duration::from_secs(1)).max(cap).jitter(jitter);
        let chance = Chance::seeded(SEED);
        let mut cells = [0_u32; CELLS];
        for _ in 0..DRAWS {
            let share = backoff.delay(30, None, &chance).as_secs_f64() / cap.as_secs_f64();
            let cell = (share - low) / (1.0 - low) * CELLS as f64;
            cells[(cell as usize).min(CELLS - 1)] += 1;
        }

        let expected = DRAWS as f64 / CELLS as f64;
        let chi: f64 = cells.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        // 19 degrees of freedom: above 43.8 in one of a thousand fair runs.
        assert!(chi < 43.8, "{jitter:?}, seed {SEED}: chi-square {chi}, cells {cells:?}");
    }
}
