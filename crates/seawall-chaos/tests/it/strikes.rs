//! Who is struck, and how often: shares, seeds and numbers.

use std::{collections::BTreeMap, time::Duration};

use seawall_chaos::{Chaos, ConfigError, Plan, Strike};

const MS: Duration = Duration::from_millis(1);
const CALLS: u32 = 100_000;

/// A share of 0.5 in so many calls has a standard deviation of 0.0016; this is more than three.
const BOUND: f64 = 0.005;

fn chaos(seed: u64) -> Result<Chaos, ConfigError> {
    Chaos::builder("db").seed(seed).build()
}

fn mixed() -> Plan {
    Plan::new().latency(0.5, 200 * MS..=800 * MS).error(0.2).hang(0.05).panic(0.01)
}

/// All that is done to each of the next calls.
fn fates(chaos: &Chaos, calls: u32) -> Vec<Vec<Strike>> {
    (0..calls).map(|_| chaos.strikes().collect()).collect()
}

fn share(count: usize) -> f64 {
    count as f64 / f64::from(CALLS)
}

#[test]
fn shares_are_what_the_plan_says() -> Result<(), ConfigError> {
    for seed in [0, 7, u64::MAX] {
        let chaos = chaos(seed)?;
        chaos.arm(mixed())?;

        let mut seen = BTreeMap::new();
        for strike in fates(&chaos, CALLS).into_iter().flatten() {
            *seen.entry(strike.as_str()).or_insert(0) += 1;
        }

        for (kind, wanted) in [("latency", 0.5), ("error", 0.2), ("hang", 0.05), ("panic", 0.01)] {
            let found = share(seen[kind]);
            assert!((found - wanted).abs() < BOUND, "seed {seed}: {kind} is {found}");
        }
    }
    Ok(())
}

#[test]
fn latency_and_fault_are_drawn_independently() -> Result<(), ConfigError> {
    let chaos = chaos(7)?;
    chaos.arm(mixed())?;

    let both = fates(&chaos, CALLS).iter().filter(|strikes| strikes.len() == 2).count();

    let wanted = 0.5 * (0.2 + 0.05 + 0.01);
    assert!((share(both) - wanted).abs() < BOUND, "{}", share(both));
    Ok(())
}

#[test]
fn latencies_are_spread_evenly_over_their_range() -> Result<(), ConfigError> {
    let chaos = chaos(7)?;
    chaos.arm(Plan::new().latency(1.0, 200 * MS..=800 * MS))?;

    let mut tenths = [0; 10];
    for strike in fates(&chaos, CALLS).into_iter().flatten() {
        let Strike::Latency(delay) = strike else {
            panic!("the plan has latency alone");
        };
        let into = (delay - 200 * MS).as_nanos() * 10 / (600 * MS).as_nanos();
        tenths[(into as usize).min(9)] += 1;
    }

    for count in tenths {
        assert!((share(count) - 0.1).abs() < BOUND, "{tenths:?}");
    }
    Ok(())
}

#[test]
fn a_share_of_one_strikes_every_call_and_a_share_of_zero_none() -> Result<(), ConfigError> {
    let chaos = chaos(7)?;

    chaos.arm(Plan::new().panic(1.0))?;
    assert!((0..1000).all(|_| chaos.strike() == Some(Strike::Panic)));

    chaos.arm(Plan::new().latency(0.0, MS))?;
    assert!((0..1000).all(|_| chaos.strike().is_none()));
    Ok(())
}

#[test]
fn at_most_one_fault_strikes_a_call_and_latency_comes_first() -> Result<(), ConfigError> {
    let chaos = chaos(7)?;
    chaos.arm(Plan::new().latency(0.5, MS).error(0.4).hang(0.3).panic(0.3))?;

    for strikes in fates(&chaos, 1000) {
        let faults = strikes.iter().filter(|strike| !matches!(strike, Strike::Latency(_)));
        assert_eq!(faults.count(), 1, "{strikes:?}");
        assert!(!matches!(strikes.last(), Some(Strike::Latency(_))), "{strikes:?}");
    }
    Ok(())
}

#[test]
fn the_same_seed_and_plan_give_the_same_fates() -> Result<(), ConfigError> {
    let [one, other] = [chaos(7)?, chaos(7)?];
    one.arm(mixed())?;
    other.arm(mixed())?;

    assert_eq!(fates(&one, 1000), fates(&other, 1000));
    Ok(())
}

#[test]
fn another_seed_gives_other_fates() -> Result<(), ConfigError> {
    let [one, other] = [chaos(7)?, chaos(8)?];
    one.arm(mixed())?;
    other.arm(mixed())?;

    assert_ne!(fates(&one, 1000), fates(&other, 1000));
    Ok(())
}

#[test]
fn without_a_seed_each_chaos_draws_its_own_and_tells_it() -> Result<(), ConfigError> {
    let one = Chaos::builder("db").build()?;
    let again = chaos(one.seed())?;
    one.arm(mixed())?;
    again.arm(mixed())?;

    assert_eq!(fates(&one, 1000), fates(&again, 1000), "seed {}", one.seed());
    assert_ne!(one.seed(), Chaos::builder("db").build()?.seed());
    Ok(())
}

#[test]
fn arming_again_starts_the_drill_from_its_beginning() -> Result<(), ConfigError> {
    let chaos = chaos(7)?;
    chaos.arm(mixed())?;
    let first = fates(&chaos, 100);

    chaos.disarm();
    chaos.arm(mixed())?;

    assert_eq!(fates(&chaos, 100), first);
    Ok(())
}

#[test]
fn whom_a_small_share_strikes_a_larger_one_strikes_too() -> Result<(), ConfigError> {
    let [small, large] = [chaos(7)?, chaos(7)?];
    small.arm(Plan::new().error(0.1))?;
    large.arm(Plan::new().error(0.3))?;

    let pairs = fates(&small, 1000).into_iter().zip(fates(&large, 1000));

    assert!(pairs.into_iter().all(|(small, large)| small.is_empty() || small == large));
    Ok(())
}

/// Drills that were written down must come out the same in later releases.
#[test]
fn the_fates_of_a_seed_never_change() -> Result<(), ConfigError> {
    let chaos = chaos(7)?;
    chaos.arm(mixed())?;

    let told: Vec<_> = fates(&chaos, 12)
        .into_iter()
        .map(|strikes| {
            let words: Vec<_> = strikes.iter().map(ToString::to_string).collect();
            words.join(", ")
        })
        .collect();

    let wanted = [
        "",
        "",
        "",
        "latency of 461.825606ms",
        "latency of 721.562167ms, error",
        "",
        "latency of 270.09547ms",
        "",
        "",
        "",
        "",
        "latency of 540.658421ms",
    ];
    assert_eq!(told, wanted);
    Ok(())
}

#[test]
fn calls_of_two_threads_share_one_count() -> Result<(), ConfigError> {
    let [alone, shared] = [chaos(7)?, chaos(7)?];
    alone.arm(mixed())?;
    shared.arm(mixed())?;

    let mut together = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| fates(&shared, 1000)));
        threads.map(|thread| thread.join().expect("it draws")).concat()
    });
    let mut wanted = fates(&alone, 2000);

    // Which thread got which is the scheduler's affair; that each fate was dealt once is not.
    let key = |strikes: &Vec<Strike>| format!("{strikes:?}");
    together.sort_by_key(key);
    wanted.sort_by_key(key);
    assert_eq!(together, wanted);
    Ok(())
}

#[test]
fn one_strike_is_the_fault_where_a_call_gets_a_latency_too() -> Result<(), ConfigError> {
    let [one, all] = [chaos(7)?, chaos(7)?];
    one.arm(mixed())?;
    all.arm(mixed())?;

    for strikes in fates(&all, 1000) {
        assert_eq!(one.strike(), strikes.last().cloned());
    }
    Ok(())
}
