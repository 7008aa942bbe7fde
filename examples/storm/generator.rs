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
//! The traffic of a run is two streams of [`Arrivals`]: that of all tenants, and what the noisy one sends on
//! top. All calls are of one kind. Another crowd is one more stream in [`traffic`].

use std::{ops::Range, time::Duration};

use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    client::Client,
    keys::Key,
    phases::{Phase, Phases},
    recorder::Recorder,
    tenants::{NOISE, Tenant},
};

/// More than the highest rate piles up, with the noise, where every call waits for three time-outs.
pub(crate) const MOST_IN_FLIGHT: usize = 16_384;

/// One call of a storm, settled before the storm begins: all runs get the same ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// When it is due, from the start of the run.
    pub(crate) due: Duration,
    /// Whose it is.
    pub(crate) tenant: Tenant,
    /// What it is about.
    pub(crate) key: Key,
    /// How long a healthy member of the built-in fleet works on it.
    pub(crate) work: Duration,
}

/// The calls of a run, `rate` a second on average, and the noise, in the order in which they are due.
pub(crate) fn traffic(seed: u64, rate: u32, phases: Phases) -> Vec<Arrival> {
    let everyone = Arrivals::of_all(seed, rate, phases.run());
    let noise = Arrivals::noise(!seed, rate, phases.span(Phase::Noisy));
    let mut calls: Vec<_> = everyone.chain(noise).collect();
    calls.sort_by_key(|call| call.due);
    calls
}

/// Calls at random, independent of each other.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    rng: Rng,
    /// By itself: what a call is about changes nothing of when it comes.
    keys: Rng,
    mean_gap: f64,
    due: Duration,
    end: Duration,
    /// Whose they are, where they are one's.
    tenant: Option<Tenant>,
}

impl Arrivals {
    /// Those of all tenants alike, `rate` a second on average.
    pub(crate) fn of_all(seed: u64, rate: u32, run: Duration) -> Self {
        Self::new(seed, rate.into(), Duration::ZERO..run, None)
    }

    /// What the noisy tenant sends beside his share of `rate`, while he is noisy.
    fn noise(seed: u64, rate: u32, span: Range<Duration>) -> Self {
        let rate = f64::from(rate) * f64::from(NOISE - 1) / f64::from(Tenant::COUNT);
        Self::new(seed, rate, span, Some(Tenant::NOISY))
    }

    /// Those of a crowd that is there for a time.
    pub(crate) fn crowd(seed: u64, rate: u32, span: Range<Duration>) -> Self {
        Self::new(seed, rate.into(), span, None)
    }

    fn new(seed: u64, rate: f64, span: Range<Duration>, tenant: Option<Tenant>) -> Self {
        let rng = Rng::with_seed(seed);
        let keys = rng.clone().fork();
        Self { rng, keys, mean_gap: 1.0 / rate, due: span.start, end: span.end, tenant }
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
        let work = work.min(Duration::from_millis(20));
        let tenant = self.tenant.unwrap_or_else(|| Tenant::any(&mut self.rng));
        let key = Key::any(&mut self.keys);
        (self.due < self.end).then_some(Arrival { due: self.due, tenant, key, work })
    }
}

/// Sends every arrival at its time and returns when the last has its answer or its time-out.
pub(crate) async fn generate(
    arrivals: Vec<Arrival>,
    start: Instant,
    client: &Client,
    recorder: &Recorder,
) {
    let mut in_flight = JoinSet::new();
    for Arrival { due, tenant, key, work } in arrivals {
        sleep_until(start + due).await;
        let of_sick = key.is_of_sick(&client.map);
        while in_flight.try_join_next().is_some() {}
        if in_flight.len() >= MOST_IN_FLIGHT {
            recorder.unsent(tenant, due);
            if of_sick {
                recorder.asked_of_sick(tenant, due, None);
            }
            continue;
        }
        recorder.sent();
        let (client, recorder) = (client.clone(), recorder.clone());
        in_flight.spawn(async move {
            let answer = client.call(tenant, key, work).await.ok();
            recorder.done(tenant, due, start.elapsed(), answer.is_some());
            if of_sick {
                recorder.asked_of_sick(tenant, due, answer);
            }
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
        let storm = |seed| traffic(seed, 500, Phases::over(RUN));
        assert_eq!(storm(7), storm(7));
        assert_ne!(storm(7), storm(8));
    }

    #[test]
    fn arrivals_come_in_order_within_the_run_and_at_the_rate() {
        let storm: Vec<_> = Arrivals::of_all(7, 500, RUN).collect();
        assert!(storm.is_sorted_by_key(|arrival| arrival.due));
        assert!(storm.iter().all(|arrival| arrival.due < RUN));
        // 5000 are due; six standard deviations of their number are 424.
        assert!((4576..=5424).contains(&storm.len()), "{}", storm.len());
    }

    #[test]
    fn each_tenant_sends_his_share_and_one_of_them_many_while_he_is_noisy() {
        let phases = Phases::over(RUN * 2);
        let storm = traffic(7, 2000, phases);
        assert!(storm.is_sorted_by_key(|arrival| arrival.due));
        let noise = phases.span(Phase::Noisy);
        let sent = |tenant, in_the_noise| {
            let counts = |arrival: &&Arrival| {
                arrival.tenant == tenant && noise.contains(&arrival.due) == in_the_noise
            };
            storm.iter().filter(counts).count()
        };
        for tenant in storm.iter().take(50).map(|arrival| arrival.tenant) {
            // 7000 and 1000 are due, and of the noisy one 7000 and 20000: six standard deviations each.
            assert!((6498..=7502).contains(&sent(tenant, false)), "{tenant:?}");
            let due = if tenant.is_noisy() { 19_151..=20_849 } else { 810..=1190 };
            assert!(due.contains(&sent(tenant, true)), "{tenant:?}");
        }
    }

    #[test]
    fn healthy_work_is_bounded() {
        let work = Arrivals::of_all(7, 500, RUN).map(|arrival| arrival.work);
        let bounds = Duration::from_millis(2)..=Duration::from_millis(20);
        assert!(work.into_iter().all(|work| bounds.contains(&work)));
    }
}
