//! What the clones of a handle share: the machine, what watches it, and whom it tells.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_core::{
    Bound, Chance, Clock, Listeners, Name, Nanos, Observe, Priority, Reason, Rejection, Snapshot,
    priority, sync::Stat,
};

use crate::{
    Config, Event, Turn,
    adaptive::sampler::Sampler,
    machine::{Call, Machine},
    outside::Outside,
    permit::End,
    shed::{Pressure, Shed},
};

/// What all bulkheads of one builder share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners<Event>,
    pub(crate) seed: Option<u64>,
}

/// How many calls were refused, by what was in the way.
#[derive(Default)]
pub(crate) struct Refused {
    by_bound: [Stat; COUNTED.len()],
    deadline: Stat,
}

/// The machine, and what it asks for.
pub(crate) struct Shared {
    pub(crate) machine: Machine,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) shed: Option<Shed>,
    pub(crate) chance: Chance,
    pub(crate) config: Mutex<Config>,
    pub(crate) refused: Refused,
    pub(crate) settings: Arc<Settings>,
    pub(crate) name: Name,
}

impl Shared {
    pub(crate) fn new(settings: Arc<Settings>, name: Name, config: Config) -> Self {
        let now = settings.clock.now();
        Self {
            machine: Machine::new(&config, config.first_limit()),
            sampler: config.adaptive.as_ref().map(|adaptive| Sampler::new(adaptive, now)),
            shed: config.shedding.map(|rules| Shed::new(rules, now)),
            chance: Chance::from_seed(settings.seed),
            config: Mutex::new(config),
            refused: Refused::default(),
            settings,
            name,
        }
    }

    /// When a call that was let in just now began, where it is timed.
    #[inline]
    pub(crate) fn begin(&self) -> Nanos {
        if self.sampler.is_none() { Nanos::ZERO } else { self.begin_sampled() }
    }

    // Out of line, or the permit of a fixed limit is put together in memory, which triples its cost.
    #[inline(never)]
    fn begin_sampled(&self) -> Nanos {
        match &self.sampler {
            Some(sampler) if sampler.picks() => self.settings.clock.now(),
            _ => Nanos::ZERO,
        }
    }

    /// Whether a call is important enough at present.
    #[inline(never)]
    pub(crate) fn important(&self, priority: Option<Priority>) -> Result<(), Bound> {
        let Some(shed) = &self.shed else { return Ok(()) };
        let decision = shed.decide(
            priority.unwrap_or_else(priority::current),
            self.settings.clock.now_coarse(),
            |share| self.chance.happens(share),
            || self.pressure(),
        );
        if let Some(began) = decision.turned {
            self.tell(if began { Turn::SheddingBegan } else { Turn::SheddingEnded });
        }
        if decision.admits { Ok(()) } else { Err(Bound::Priority) }
    }

    fn pressure(&self) -> Pressure {
        let waits = self.machine.waits();
        let refused = [Bound::Limit, Bound::Queue, Bound::Wait, Bound::Share, Bound::Age];
        let refused = refused.into_iter().map(|bound| self.refused.of(bound).get()).sum();
        Pressure { refused, served: waits.served, waited: waits.sum() }
    }

    #[inline(never)]
    pub(crate) fn leave_sampled(&self, call: Call, started: Nanos, end: End) {
        let before = self.machine.leave(call, self);
        let Some(sampler) = &self.sampler else { return };
        let panicked = std::thread::panicking();
        let told = match end {
            End::Told(outcome) if !panicked => Some(outcome),
            _ => None,
        };
        if started == Nanos::ZERO {
            sampler.untimed(told, panicked);
            return;
        }
        let (now, limit, in_flight) = (self.now(), before.limit(), before.in_flight());
        let next = match told {
            Some(outcome) => sampler.timed(now, started, limit, in_flight, outcome),
            None => sampler.given_up(now, started, limit, in_flight, panicked),
        };
        if let Some(limit) = next {
            self.resize(limit, true);
        }
    }

    /// Takes the limit from the configuration. Whoever finds another one there afterwards does it over,
    /// so that of several who change it at once, the last one has his way in both.
    pub(crate) fn follow_config(&self) {
        loop {
            let limit = self.config.lock().first_limit();
            self.resize(limit, false);
            if self.config.lock().first_limit() == limit {
                return;
            }
        }
    }

    pub(crate) fn resize(&self, limit: u32, adapted: bool) {
        let from = self.machine.set_limit(limit, self);
        if from != limit {
            self.tell(Turn::LimitChanged { from, to: limit, adapted });
        }
    }

    /// Turns a call away that does not wait.
    #[cold]
    pub(crate) fn turn_away(&self, call: Call, bound: Bound) -> Rejection {
        self.machine.turned_away(call, self);
        self.reject(bound)
    }

    /// Counts a refusal, and says it.
    #[cold]
    pub(crate) fn reject(&self, bound: Bound) -> Rejection {
        self.refused.of(bound).add(1);
        let reason = match bound {
            Bound::Priority | Bound::Age => Reason::Overloaded,
            _ => Reason::BulkheadFull,
        };
        Rejection::new(reason, self.name.clone()).with_bound(bound)
    }

    /// Counts a call whose deadline came first, and says it.
    #[cold]
    pub(crate) fn reject_late(&self) -> Rejection {
        self.refused.deadline.add(1);
        Rejection::new(Reason::DeadlineExceeded, self.name.clone())
    }

    pub(crate) fn max_wait(&self) -> Option<Duration> {
        self.config.lock().max_wait
    }

    fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        self.trace(turn);
        self.settings.listeners.tell(|| Event { name: self.name.clone(), turn });
    }

    #[cfg(feature = "tracing")]
    fn trace(&self, turn: Turn) {
        const TARGET: &str = "seawall::bulkhead";
        let name = self.name.as_str();
        match turn {
            Turn::LimitChanged { from, to, adapted: true } => {
                tracing::debug!(target: TARGET, name, from, to, "limit adapted");
            }
            Turn::LimitChanged { from, to, adapted: false } => {
                tracing::info!(target: TARGET, name, from, to, "limit changed");
            }
            Turn::OverloadBegan => tracing::warn!(target: TARGET, name, "queue does not empty"),
            Turn::SheddingBegan => tracing::warn!(target: TARGET, name, "shedding began"),
            Turn::OverloadEnded => tracing::info!(target: TARGET, name, "queue empties again"),
            Turn::SheddingEnded => tracing::info!(target: TARGET, name, "shedding ended"),
        }
    }
}

impl Refused {
    fn of(&self, bound: Bound) -> &Stat {
        let counted = COUNTED.iter().position(|&(counted, _)| counted == bound);
        &self.by_bound[counted.expect("every bound of a bulkhead is counted")]
    }
}

/// The bounds that a bulkhead has, and the counter of each.
const COUNTED: [(Bound, &str); 7] = [
    (Bound::Limit, "rejected_limit"),
    (Bound::Queue, "rejected_queue"),
    (Bound::Wait, "rejected_wait"),
    (Bound::Share, "rejected_share"),
    (Bound::Weight, "rejected_weight"),
    (Bound::Priority, "shed_priority"),
    (Bound::Age, "shed_age"),
];

impl Outside for Shared {
    #[inline]
    fn now(&self) -> Nanos {
        self.settings.clock.now()
    }

    fn overload(&self, overloaded: bool) {
        self.tell(if overloaded { Turn::OverloadBegan } else { Turn::OverloadEnded });
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let word = self.machine.word();
        let waits = self.machine.waits();
        let state = match word.room() {
            _ if word.waiting() > 0 && self.machine.overloaded() => "overloaded",
            0 => "full",
            _ => "open",
        };
        let mut snapshot = Snapshot::new("bulkhead", self.name.as_str(), state)
            .gauge("in_flight", word.in_flight().into())
            .gauge("waiting", word.waiting().into())
            .gauge("wait_p50_seconds", waits.quantile(50).as_secs_f64())
            .gauge("wait_p99_seconds", waits.quantile(99).as_secs_f64())
            .gauge("wait_max_seconds", waits.longest.as_secs_f64())
            .counter("waited", waits.served)
            .counter("waited_micros", waits.sum().as_micros() as u64)
            .counter("gave_up", waits.cancelled)
            .counter("rejected_deadline", self.refused.deadline.get())
            .limit("limit", word.limit().into())
            .limit("queue", self.machine.most_waiting().into());
        for (bound, counter) in COUNTED {
            snapshot = snapshot.counter(counter, self.refused.of(bound).get());
        }
        let config = self.config.lock();
        if let Some(wait) = config.max_wait {
            snapshot = snapshot.limit("max_wait_seconds", wait.as_secs_f64());
        }
        for (partition, share) in config.partitions.iter().zip(self.machine.shares().iter().skip(1))
        {
            let name = &partition.name;
            snapshot.gauges.insert(format!("in_flight.{name}").into(), share.in_use().into());
            snapshot.limits.insert(format!("own.{name}").into(), share.own().into());
        }
        if let Some(shed) = &self.shed {
            let (level, share) = shed.level();
            snapshot = snapshot
                .gauge("shed_below", level.0.into())
                .gauge("shed_share_at_level", share.as_f64());
        }
        if let Some(sampler) = &self.sampler {
            snapshot = snapshot
                .gauge("latency_seconds", sampler.latency().as_secs_f64())
                .gauge("no_load_seconds", sampler.no_load().as_secs_f64())
                .gauge("timed_share", sampler.timed_share().as_f64());
        }
        snapshot
    }
}
