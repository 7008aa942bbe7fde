//! What backoff and jitter are for, in a simulation of clients that contend. The example `jitter` draws it.

#[path = "../../../../examples/jitter/simulation.rs"]
mod simulation;

use std::{collections::HashSet, time::Duration};

use seawall_retry::{Backoff, Jitter};

use self::simulation::{Cost, contend, strategies};

const SEED: u64 = 42;
const TRIALS: u32 = 30;

/// What a hundred clients cost with each strategy, in the order in which they stand.
fn costs_of_a_hundred() -> [Cost; 5] {
    strategies().map(|strategy| contend(&strategy.backoff, 100, TRIALS, SEED))
}

#[test]
fn a_hundred_clients_make_the_calls_and_take_the_time_that_is_published() {
    // Calls of the article's own script; times (ms) of 200 trials of a simulation made apart from this.
    // Decorrelated, ours is done sooner: the cap comes before the draw, so that few wait for all of it.
    let published =
        [(2430.0, 2028.0), (1860.0, 63381.0), (812.0, 6558.0), (796.0, 4902.0), (1000.0, 4625.0)];

    let costs = costs_of_a_hundred();

    for ((cost, (calls, millis)), strategy) in costs.iter().zip(published).zip(strategies()) {
        let what = format!("{}: {cost:?}, published {calls} and {millis}", strategy.name);
        assert!((cost.calls / calls - 1.0).abs() < 0.05, "{what}");
        assert!((cost.millis / millis - 1.0).abs() < 0.15, "{what}");
    }
}

#[test]
fn jitter_comes_out_in_the_published_order() {
    let [none, exponential, equal, full, decorrelated] = costs_of_a_hundred();

    let by_calls = [full, equal, decorrelated, exponential, none].map(|cost| cost.calls);
    let by_time = [none, decorrelated, full, equal, exponential].map(|cost| cost.millis);
    assert!(by_calls.is_sorted(), "{by_calls:?}");
    assert!(by_time.is_sorted(), "{by_time:?}");
}

#[test]
fn two_calls_of_one_backoff_never_share_their_delays() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let backoff = Backoff::exponential(Duration::from_millis(50)).jitter(jitter);

        let calls: HashSet<Vec<_>> = (0..1_000)
            .flat_map(|_| [backoff.delays(), backoff.clone().delays()])
            .map(|delays| delays.take(4).collect())
            .collect();

        assert_eq!(calls.len(), 2_000, "{jitter:?}");
    }
}
