//! The illness: what is done to the fleet, phase by phase.
//!
//! | phase | what is done, and to whom | what that is in life |
//! |---|---|---|
//! | every one | one call in a hundred fails, at any member | a deadlock, a process that restarts, a lost packet |
//! | stalled | the [database](crate::database) behind all members does nothing | a failover, a lock that everybody needs |
//! | slow | 150 to 350 ms on top of each call to one member | a disk that fails, a collector that thrashes |
//! | dead | every call to the same member hangs | a host that is gone without a word: nothing refuses, nothing answers |
//!
//! While a [tenant](crate::tenants) is noisy all members are well, and the database is only too busy.
//!
//! What a dead member has received is lost: it is not answered after the heal either.
//!
//! Slow is below the client's time-out and dead above it: the first is seen only by who looks at
//! latencies, the second only by who counts failures. The one call in a hundred is what retries are for.

use std::{
    future,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_chaos::{Chaos, Plan};
use seawall_core::ConfigError;
use tokio::time::{Instant, sleep_until};

use crate::{
    database::Database,
    fleet::{NAMES, SICK},
    phases::{Phase, Phases},
};

/// The share of the calls that fail at all times.
const NOW_AND_THEN: f64 = 0.01;

/// What a slow call takes on top of its work.
const SLOW: RangeInclusive<Duration> = Duration::from_millis(150)..=Duration::from_millis(350);

/// What ails the fleet.
#[derive(Debug)]
pub(crate) struct Illness {
    pub(crate) patients: [Patient; NAMES.len()],
    pub(crate) database: Database,
}

impl Illness {
    pub(crate) fn new(seed: u64, rate: u32) -> Result<Self, ConfigError> {
        let chart = Arc::<Chart>::default();
        let patient = |index: usize| {
            // Each member draws its own luck.
            let seed = seed.wrapping_add(index as u64);
            let chaos = Chaos::builder(NAMES[index]).seed(seed).build()?;
            Ok(Patient { is_sick: index == SICK, chaos, chart: chart.clone() })
        };
        let patients = [patient(0)?, patient(1)?, patient(2)?];
        Ok(Self { patients, database: Database::new(rate) })
    }

    fn chart(&self) -> &Chart {
        &self.patients[SICK].chart
    }

    /// How many calls reached the fleet.
    pub(crate) fn reached(&self) -> u64 {
        self.chart().reached.load(Relaxed)
    }

    /// How many calls reached the sick member while it was sick.
    pub(crate) fn visits(&self) -> u64 {
        self.chart().visits.load(Relaxed)
    }

    fn enter(&self, phase: Phase, end: Instant) -> Result<(), ConfigError> {
        self.chart().sick.store(phase.is_sick(), Relaxed);
        self.chart().dead.store(phase == Phase::Dead, Relaxed);
        if phase == Phase::Stalled {
            self.database.stall(end);
        }
        for patient in &self.patients {
            let plan = Plan::new().error(NOW_AND_THEN);
            let plan = match phase {
                Phase::Slow if patient.is_sick => plan.latency(1.0, SLOW),
                Phase::Dead if patient.is_sick => Plan::new().hang(1.0),
                Phase::Healed => {
                    patient.chaos.disarm(); // to arm it anew lets nobody go who hangs
                    plan
                }
                _ => plan,
            };
            patient.chaos.arm(plan)?;
        }
        Ok(())
    }

    /// All members fail a `share` of their calls from now on.
    pub(crate) fn refuse(&self, share: f64) -> Result<(), ConfigError> {
        for patient in &self.patients {
            patient.chaos.arm(Plan::new().error(share))?;
        }
        Ok(())
    }

    /// Takes the fleet through all phases, each at its time.
    pub(crate) async fn live(&self, phases: Phases, start: Instant) -> Result<(), ConfigError> {
        for phase in Phase::ALL {
            let span = phases.span(phase);
            sleep_until(start + span.start).await;
            self.enter(phase, start + span.end)?;
        }
        Ok(())
    }
}

/// A member, to who makes it ill; clones are the same member.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    is_sick: bool,
    chaos: Chaos,
    chart: Arc<Chart>,
}

/// What is going on, and how many calls met it.
#[derive(Debug, Default)]
struct Chart {
    sick: AtomicBool,
    dead: AtomicBool,
    reached: AtomicU64,
    visits: AtomicU64,
}

impl Patient {
    pub(crate) const fn chaos(&self) -> &Chaos {
        &self.chaos
    }

    /// A call has reached the member, which answers as `answer` says: counts it, and loses it where
    /// the member is dead.
    pub(crate) async fn visited<T>(self, answer: impl Future<Output = T>) -> T {
        // Flags and counts that nothing else hangs on: no order to keep.
        self.chart.reached.fetch_add(1, Relaxed);
        if self.is_sick && self.chart.sick.load(Relaxed) {
            self.chart.visits.fetch_add(1, Relaxed);
        }
        let dead = self.is_sick && self.chart.dead.load(Relaxed);
        let answer = answer.await;
        if dead {
            // The chaos lets go of what it holds when it is disarmed; a dead host remembers nothing.
            future::pending::<()>().await;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Client, defence::Defence, fleet::Fleet, guard::Tuning, keys::Key, pool::Pool,
        tenants::Tenant,
    };

    #[tokio::test]
    async fn a_fleet_that_refuses_answers_nobody_until_it_refuses_no_more() {
        let illness = Illness::new(7, 2000).expect("its settings can be");
        let fleet = Fleet::built_in(illness).await.expect("there are free ports");
        let tuning = Tuning { seed: 7, rate: 50, share: 10, slow: *SLOW.start() };
        let client = Client::new(Defence::Bare, &fleet, Pool::new(30), tuning);
        let client = client.expect("its settings can be");
        for (share, is_answered) in [(0.0, true), (1.0, false), (0.0, true)] {
            fleet.illness.refuse(share).expect("the share can be");
            for name in NAMES {
                let key = Key::at(name, &client.map).expect("it has some");
                let answer = client.call(Tenant::QUIET, key, Duration::ZERO).await;
                assert_eq!(answer.is_ok(), is_answered, "{name}");
            }
        }
    }
}
