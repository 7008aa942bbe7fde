//! The parts of a balance by themselves, against references in real numbers.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use seawall_core::{Chance, Nanos, Ratio};

use crate::balance::{
    SuccessRate,
    ejection::{Outlier, outliers, places},
    latency::{Decay, Latency, Tick},
    outlook::Sight,
    peer::Peer,
    pick::{Ask, Peers},
    standing::{Moment, Standing},
};

/// The formula of [`crate::balance::latency`] in real numbers, with the time in whole ticks.
struct Reference {
    estimate: f64,
    tick: u32,
}

impl Reference {
    fn kept(&self, tick: u32) -> f64 {
        (-f64::from(tick - self.tick) / 4096.0).exp2()
    }

    fn record(&mut self, rtt: f64, tick: u32) {
        let kept = self.kept(tick);
        if rtt >= self.estimate {
            self.estimate = rtt;
        } else {
            self.estimate = rtt + (self.estimate - rtt) * kept;
        }
        self.tick = tick;
    }
}

proptest! {
    /// Promise 2 of the estimate.
    #[test]
    fn an_estimate_is_that_of_the_formula(
        initial in 1_000..10_000_000_000_u64,
        answers in prop::collection::vec((0..40_000_u32, 1_000..10_000_000_000_u64), 1..400),
        later in 0..20_000_u32,
    ) {
        let latency = Latency::new(initial, Tick(0));
        let mut reference = Reference { estimate: initial as f64, tick: 0 };
        let mut tick = 0;

        for (passed, rtt) in answers {
            tick += passed;
            latency.record(rtt, Tick(tick));
            reference.record(rtt as f64, tick);

            let now = latency.read(Tick(tick), 0) as f64;
            prop_assert!((now / reference.estimate - 1.0).abs() < 3e-4, "{now}, {}", reference.estimate);
        }

        let then = latency.read(Tick(tick + later), 0) as f64;
        let expected = reference.estimate * reference.kept(tick + later);
        prop_assert!((then - expected).abs() <= expected * 3e-4 + 1.0, "{then}, {expected}");
    }

    /// Promise 2 where each answer moves it by the least: many small steps don't get stuck.
    #[test]
    fn an_estimate_comes_down_to_what_is_measured(rtt in 1_000..1_000_000_000_u64, times in 2..50_u64) {
        let latency = Latency::new(rtt * times, Tick(0));
        for tick in 1..20 * 4096 {
            latency.record(rtt, Tick(tick));
        }

        let settled = latency.read(Tick(20 * 4096 - 1), 0);

        prop_assert!(settled as f64 / rtt as f64 - 1.0 < 3e-4, "{settled} of {rtt}");
    }

    /// Promise 1 of a pick.
    #[test]
    fn the_two_are_distinct(weights in prop::collection::vec(1..100_u32, 2..20), seed: u64) {
        let peers = peers(&weights);
        let chance = Chance::seeded(seed);
        for _ in 0..100 {
            let [first, second] = peers.two(&chance);
            prop_assert!(first != second && first < weights.len() && second < weights.len());
        }
    }

    /// Promise 2 of a pick.
    #[test]
    fn who_is_out_is_not_taken_and_somebody_is(
        out in prop::collection::vec(any::<bool>(), 1..20),
        seed: u64,
    ) {
        let peers = peers(&vec![1; out.len()]);
        let now = Moment::of(Nanos::from_secs(60));
        for (peer, _) in peers.list().iter().zip(&out).filter(|(_, out)| **out) {
            peer.standing.set_down();
        }

        let chance = Chance::seeded(seed);
        let ask = Ask { tick: Tick(0), now, sight: Sight::Some, ramp: 0, chance: &chance };
        let taken = peers.pick(ask);

        prop_assert_eq!(taken.is_some(), out.contains(&false));
        prop_assert!(taken.is_none_or(|peer| !out[peer.value]));
    }

    /// Promise 1 of the ejection: at most the share, but for one, and never the only one.
    #[test]
    fn there_are_no_more_places_outside_than_the_share(share in 0..=1_000_000_u32, peers in 0..200_usize) {
        let places = places(Ratio::from_parts_per_million(share), peers);

        prop_assert!(places < peers.max(1));
        prop_assert!(places <= 1 || places as u64 * 1_000_000 <= u64::from(share) * peers as u64);
        prop_assert!(peers < 2 || places >= 1);
    }
}

fn peers(weights: &[u32]) -> Peers<usize> {
    let peer = |(at, &weight): (usize, &u32)| {
        let latency = Latency::new(1_000, Tick(0));
        Arc::new(Peer::new("peer".into(), weight, at, latency, Standing::new(Moment::ALWAYS)))
    };
    Peers::new(weights.iter().enumerate().map(peer).collect())
}

/// Promise 1 of a pick: chi-squared would do; with a hundred thousand draws 3% is seven deviations and more.
#[test]
fn each_is_drawn_first_as_often_as_its_weight_says() {
    for weights in [[1; 4], [1, 2, 3, 4], [97, 1, 1, 1]] {
        let (peers, chance) = (peers(&weights), Chance::seeded(7));
        let mut drawn = [0; 4];
        for _ in 0..100_000 {
            drawn[peers.two(&chance)[0]] += 1;
        }

        let total: u32 = weights.iter().sum();
        for (drawn, weight) in drawn.into_iter().zip(weights) {
            let expected = 1e5 * f64::from(weight) / f64::from(total);
            let deviation = (expected * (1.0 - expected / 1e5)).sqrt();
            assert!(
                (f64::from(drawn) - expected).abs() < 4.0 * deviation,
                "{drawn}, not {expected}"
            );
        }
    }
}

#[test]
fn a_peak_is_taken_over_at_once_and_forgotten_by_tau() {
    let decay = Decay::new(Duration::from_secs(10));
    let (milli, second) = (1_000_000, 1_000_000_000);
    let at = |ms: u64| decay.tick(Nanos::from_millis(ms));
    let latency = Latency::new(10 * milli, at(0));

    latency.record(second, at(1));
    assert!(latency.read(at(1), 0) >= second - 100);

    for ms in 2..=10_001 {
        latency.record(10 * milli, at(ms));
    }
    let left = latency.read(at(10_001), 0) as f64 / 1e6;
    let expected = 10.0 + 990.0 / std::f64::consts::E;
    assert!((left / expected - 1.0).abs() < 0.001, "{left} ms, not {expected}");
}

#[test]
fn calls_in_flight_slow_the_forgetting() {
    let latency = Latency::new(1 << 20, Tick(0));
    let left = [0, 1, 2, 3, 4].map(|calls| latency.read(Tick(4096 * 4), calls));
    assert_eq!(left, [1 << 16, 1 << 18, 1 << 19, 1 << 19, 741_455]);
}

#[test]
fn a_thread_that_is_late_does_not_set_the_time_back() {
    let latency = Latency::new(1_000, Tick(5_000));
    latency.record(2_000, Tick(4_990));
    assert_eq!(latency.read(Tick(5_000 + 4096), 0), 1_000);
}

#[test]
fn the_tick_may_wrap() {
    let latency = Latency::new(1 << 20, Tick(u32::MAX - 95));
    assert_eq!(latency.read(Tick(4000), 0), 1 << 19);
}

#[test]
fn times_without_end_are_told_as_the_longest() {
    let latency = Latency::new(u64::MAX, Tick(0));
    latency.record(u64::MAX, Tick(1));
    assert_eq!(latency.read(Tick(1), 0), ((1 << 27) - 1) << 31);
}

#[test]
fn the_worst_goes_first_where_rates_are_too_low() {
    let rule = SuccessRate { deviations: 1.0, ..SuccessRate::default() };
    let mut tallies = vec![(990, 10); 10];
    tallies[3] = (400, 600);
    tallies[7] = (100, 900);

    let found: Vec<_> = outliers(rule, &tallies).into_iter().map(|Outlier { at, .. }| at).collect();

    assert_eq!(found, [7, 3]);
}

#[test]
fn rates_that_are_all_the_same_put_nobody_out() {
    let rule = SuccessRate { deviations: 0.0, ..SuccessRate::default() };
    for good in 0..200 {
        assert_eq!(outliers(rule, &[(good, 200 - good); 7]), []);
    }
}

#[test]
fn rates_are_not_compared_among_too_few() {
    let rule = SuccessRate { deviations: 0.5, ..SuccessRate::default() };
    let mut tallies = vec![(100, 0); 5];
    tallies[0] = (0, 100);
    assert_eq!(outliers(rule, &tallies).len(), 1);

    tallies[1] = (99, 0); // one call too few to count
    assert_eq!(outliers(rule, &tallies), []);
}
