//! The traffic: calls that come when they come, however the service feels.
//!
//! An *open* loop. Users do not wait for each other, so that a slow answer holds up no later arrival; a
//! generator that sends the next call after the last answer would send less exactly while the service is
//! ill, and hide what its users suffer (coordinated omission). Each latency counts from the moment at
//! which the call was due, so that what the generator itself is late by is in it too.
//!
//! Against a service that hangs, an open loop piles up: `rate` times what a call may take at most. With
//! [`MOST_IN_FLIGHT`] calls in flight the generator stops sending; what is due then counts as failed, and
//! the report says how many there were.
//!
//! All calls are of one kind. Another crowd, such as a client that sends ten times its share, is one more
//! stream of [`Arrivals`] beside these.

use std::time::Duration;

use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{client::Client, recorder::Recorder};

/// More than the highest rate piles up where every call waits for three time-outs.
pub(crate) const MOST_IN_FLIGHT: usize = 8192;

/// One call of a storm, settled before the storm begins: all runs get the same ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// When it is due, from the start of the run.
    pub(crate) due: Duration,
    /// How long a healthy member of the built-in fleet works on it.
    pub(crate) work: Duration,
}

/// The calls of a run: at random, independent of each other, `rate` a second on average.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    rng: Rng,
    mean_gap: f64,
    run: Duration,
    due: Duration,
}

impl Arrivals {
    pub(crate) fn new(seed: u64, rate: u32, run: Duration) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            mean_gap: 1.0 / f64::from(rate),
            run,
            due: Duration::ZERO,
        }
    }

    /// Exponentially distributed: many short ones, few long ones.
    fn exponential(&mut self, mean: f64) -> Duration {
        // 1 - [0, 1) is never 0, of which there is no logarithm.
        Duration::from_secs_f64(-mean * (1.0 - self.rng.f64()).ln())
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let gap = self.exponential(self.mean_gap);
        self.due += gap;
        let work = Duration::from_millis(2) + self.exponential(0.003);
        (self.due < self.run)
            .then_some(Arrival { due: self.due, work: work.min(Duration::from_millis(20)) })
    }
}

/// Sends every arrival at its time and returns when the last has its answer or its time-out.
pub(crate) async fn generate(
    arrivals: Arrivals,
    start: Instant,
    client: &Client,
    recorder: &Recorder,
) {
    let mut in_flight = JoinSet::new();
    for Arrival { due, work } in arrivals {
        sleep_until(start + due).await;
        while in_flight.try_join_next().is_some() {}
        if in_flight.len() >= MOST_IN_FLIGHT {
            recorder.unsent(due);
            continue;
        }
        recorder.sent();
        let (client, recorder) = (client.clone(), recorder.clone());
        in_flight.spawn(async move {
            let answer = client.call(work).await;
            recorder.done(due, start.elapsed(), answer.is_ok());
        });
    }
    while in_flight.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Duration = Duration::from_secs(10);

    #[test]
    fn one_seed_is_one_storm() {
        let storm = |seed| Arrivals::new(seed, 500, RUN).collect::<Vec<_>>();
        assert_eq!(storm(7), storm(7));
        assert_ne!(storm(7), storm(8));
    }

    #[test]
    fn arrivals_come_in_order_within_the_run_and_at_the_rate() {
        let storm: Vec<_> = Arrivals::new(7, 500, RUN).collect();
        assert!(storm.is_sorted_by_key(|arrival| arrival.due));
        assert!(storm.iter().all(|arrival| arrival.due < RUN));
        // 5000 are due; six standard deviations of their number are 424.
        assert!((4576..=5424).contains(&storm.len()), "{}", storm.len());
    }

    #[test]
    fn healthy_work_is_bounded() {
        let work = Arrivals::new(7, 500, RUN).map(|arrival| arrival.work);
        let bounds = Duration::from_millis(2)..=Duration::from_millis(20);
        assert!(work.into_iter().all(|work| bounds.contains(&work)));
    }
}
