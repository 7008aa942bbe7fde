//! Hedging against a service that becomes slow: how much is hedged, and what it brings.
//!
//! A call takes 10 ms (lognormal, sigma 0.4), one in twenty ten times as long; 20 000 calls in each
//! window of half a minute; from the eighth window on all of them take three times as long.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use seawall_core::{Chance, Nanos, Ratio};

use crate::{
    RetryBudget,
    budget::Want,
    hedge::{
        estimator::Estimator,
        race::{End, Race},
    },
};

const CALLS: u64 = 20_000;
const WINDOW: Duration = Duration::from_secs(30);
const SEED: u64 = 42;

/// What becomes of the time of an attempt that was cut off.
type Record = fn(&Estimator, Nanos, Duration);

#[derive(Debug)]
struct Window {
    hedged: f64,
    p99_ms: u64,
    delay_ms: u64,
}

struct Simulation {
    chance: Chance,
    estimator: Estimator,
    budget: RetryBudget,
    record_cut_off: Record,
    /// When attempts end whose time is recorded: how long they took, and whether they were cut off.
    ends: BinaryHeap<Reverse<(Nanos, Duration, bool)>>,
}

impl Simulation {
    fn new(budget: f64, burst: u32, record_cut_off: Record) -> Self {
        let budget = RetryBudget::builder().ratio(budget).burst(burst).floor_per_second(0).build();
        Self {
            chance: Chance::seeded(SEED),
            estimator: Estimator::new(Ratio::from_parts_per_million(950_000), Nanos::ZERO),
            budget: budget.expect("sound"),
            record_cut_off,
            ends: BinaryHeap::new(),
        }
    }

    fn run(&mut self, most: u32) -> Vec<Window> {
        (0..12).map(|window| self.window(window, most)).collect()
    }

    fn window(&mut self, window: u32, most: u32) -> Window {
        let slower = if window < 8 { 1.0 } else { 3.0 };
        let (mut hedged, mut took) = (0, Vec::new());
        for call in 0..CALLS {
            let began = Nanos::ZERO + WINDOW * window + WINDOW / CALLS as u32 * call as u32;
            self.pass_to(began);
            let (time, extra) = self.call(began, slower, most);
            took.push(time);
            hedged += u64::from(extra);
        }
        took.sort_unstable();
        Window {
            hedged: hedged as f64 / CALLS as f64,
            p99_ms: took[CALLS as usize * 99 / 100].as_millis() as u64,
            delay_ms: self.estimator.delay().expect("it has learned").as_millis() as u64,
        }
    }

    fn pass_to(&mut self, now: Nanos) {
        while self.ends.peek().is_some_and(|Reverse((end, ..))| *end <= now) {
            let Some(Reverse((end, took, cut_off))) = self.ends.pop() else { return };
            let record = if cut_off { self.record_cut_off } else { Estimator::record };
            record(&self.estimator, end, took);
        }
    }

    /// One call: how long it took, and whether it was hedged.
    fn call(&mut self, began: Nanos, slower: f64, most: u32) -> (Duration, bool) {
        self.budget.deposit();
        let mut race = Race::begin(most, began);
        let mut first = (began + self.latency(slower), 0);
        if let Some(delay) = self.estimator.delay()
            && race.is_open()
            && began + delay < first.0
            && let Some(mut paid) = self.budget.withdraw(Want::Retry)
        {
            paid.send();
            race.another(began + delay);
            first = first.min((began + delay + self.latency(slower), 1));
        }
        let (end, winner) = first;
        race.ended(winner, End::Final);
        self.ends.push(Reverse((end, race.took(winner, end), false)));
        self.ends.extend(race.cut_off(end).map(|took| Reverse((end, took, true))));
        (end.since(began), race.made() > 1)
    }

    fn latency(&self, slower: f64) -> Duration {
        let unit = || self.chance.uniform(1, 1 << 53) as f64 / (1_u64 << 53) as f64;
        // Box and Muller's way to a normal distribution.
        let normal = (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos();
        let straggles = if unit() < 0.05 { 10.0 } else { 1.0 };
        Duration::from_secs_f64(0.010 * (0.4 * normal).exp() * straggles * slower)
    }
}

fn simulate(budget: f64, burst: u32, record_cut_off: Record) -> Vec<Window> {
    Simulation::new(budget, burst, record_cut_off).run(2)
}

#[test]
fn one_call_in_twenty_is_hedged_while_the_service_is_steady() {
    let windows = simulate(0.1, 10, Estimator::record_cut_off);

    for window in &windows[1..8] {
        assert!((0.04..=0.06).contains(&window.hedged), "seed {SEED}: {windows:?}");
        assert!((28..=45).contains(&window.delay_ms), "seed {SEED}: {windows:?}");
    }
}

#[test]
fn the_budget_bounds_what_is_hedged_when_the_service_becomes_slow() {
    let windows = simulate(0.1, 10, Estimator::record_cut_off);

    for window in &windows {
        assert!(window.hedged <= 0.101, "seed {SEED}: {windows:?}");
    }
    assert!(windows[11].hedged < 0.06, "it learns that all calls take longer: {windows:?}");
}

#[test]
fn the_tail_is_cut_off() {
    let hedged = simulate(0.1, 10, Estimator::record_cut_off);
    let plain = Simulation::new(0.1, 10, Estimator::record_cut_off).run(1);

    for (hedged, plain) in hedged[1..8].iter().zip(&plain[1..8]) {
        let (with, without) = (hedged.p99_ms, plain.p99_ms);
        assert!(with * 2 < without, "seed {SEED}: p99 {with} ms with, {without} ms without");
    }
}

/// Why attempts that were cut off are recorded.
#[test]
fn to_record_winners_alone_would_feed_on_itself() {
    let windows = simulate(1.0, 1_000_000, |_, _, _| {});

    assert!(windows[7].hedged > 0.08, "seed {SEED}: {windows:?}");
}
