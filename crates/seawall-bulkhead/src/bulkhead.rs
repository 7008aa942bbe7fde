//! The handle: a number of places with a name, a clock and somebody to tell.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use seawall_core::{
    Bound, Chance, Clock, ConfigError, Listeners, Name, Nanos, Observe, Outcome, Priority, Reason,
    Registry, Rejection, Snapshot, priority, sync::Stat,
};

use crate::{
    BulkheadBuilder, Config, Event, Permit, Turn,
    adaptive::sampler::Sampler,
    config::check_limit,
    machine::{Call, Machine},
    outside::Outside,
    permit::End,
    shed::{Pressure, Shed},
    word::MOST,
};

/// Lets a limited number of calls run at once, so that one that hangs takes its own places and no
/// others.
///
/// Cloning is cheap and shares the places.
///
/// # Examples
///
/// How do I keep one kind of work from taking everything?
///
/// ```
/// # use seawall_bulkhead::{Bulkhead, Error};
/// # use std::time::Duration;
/// # async fn render() -> Result<u32, std::io::Error> { Ok(7) }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let reports = Bulkhead::builder("reports")
///     .limit(32)
///     .queue(64)
///     .max_wait(Duration::from_millis(200))
///     .build()?;
///
/// match reports.call(|| render()).await {
///     Ok(report) => assert_eq!(report, 7),
///     Err(Error::Rejected(refused)) => println!("not now: {refused}"),
///     Err(Error::Inner(error)) => println!("tried, and failed: {error}"),
/// }
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// # }).unwrap();
/// ```
///
/// How do I hold a place myself?
///
/// ```
/// # use seawall_bulkhead::{Bound, Bulkhead};
/// let exports = Bulkhead::builder("exports").limit(1).build()?;
/// let permit = exports.try_acquire().expect("it is empty");
/// let refused = exports.try_acquire().unwrap_err();
/// assert_eq!(refused.bound(), Some(Bound::Limit));
/// drop(permit);
/// assert!(exports.try_acquire().is_ok());
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Bulkhead {
    shared: Arc<Shared>,
    /// Which of the machine's shares the calls of this handle count in.
    share: u16,
}

impl Bulkhead {
    /// Begins to build the bulkhead called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> BulkheadBuilder {
        BulkheadBuilder::new(name.into())
    }

    pub(crate) fn new(settings: Arc<Settings>, name: Name, config: Config) -> Self {
        let now = settings.clock.now();
        let shared = Shared {
            machine: Machine::new(&config, config.first_limit()),
            sampler: config.adaptive.as_ref().map(|adaptive| Sampler::new(adaptive, now)),
            shed: config.shedding.map(|rules| Shed::new(rules, now)),
            chance: Chance::from_seed(settings.seed),
            config: Mutex::new(config),
            refused: Refused::default(),
            settings,
            name,
        };
        Self { shared: Arc::new(shared), share: 0 }
    }

    /// The bulkhead's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Takes a place, or says that there is none, at once.
    ///
    /// While others wait, there is none: nobody passes them.
    ///
    /// # Errors
    ///
    /// [`Reason::BulkheadFull`] with the [`Bound`] that was in the way; [`Reason::Overloaded`] where
    /// the call's priority is too low at present.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<&Self>, Rejection> {
        self.try_acquire_weighted(1)
    }

    /// Takes `weight` places, or says that there are not as many, at once.
    ///
    /// # Errors
    ///
    /// Those of [`try_acquire`](Self::try_acquire); [`Bound::Weight`] where it is more than the limit.
    #[inline]
    pub fn try_acquire_weighted(&self, weight: u32) -> Result<Permit<&Self>, Rejection> {
        let started = self.try_enter(weight, None)?;
        Ok(Permit::new(self, weight, started))
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that does not borrow the bulkhead.
    ///
    /// # Errors
    ///
    /// Those of [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_owned(&self) -> Result<Permit, Rejection> {
        self.try_acquire_weighted_owned(1)
    }

    /// As [`try_acquire_weighted`](Self::try_acquire_weighted), with a permit that does not borrow the
    /// bulkhead.
    ///
    /// # Errors
    ///
    /// Those of [`try_acquire_weighted`](Self::try_acquire_weighted).
    #[inline]
    pub fn try_acquire_weighted_owned(&self, weight: u32) -> Result<Permit, Rejection> {
        let started = self.try_enter(weight, None)?;
        Ok(Permit::new(self.clone(), weight, started))
    }

    /// The same bulkhead for the calls of a partition; `None` where it has none of that name.
    ///
    /// Calls through a handle that names no partition have no places of their own, and borrow.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_bulkhead::Bulkhead;
    /// let db = Bulkhead::builder("db").limit(10).partition("web", 0.7).partition("batch", 0.3).build()?;
    /// let web = db.partition("web").expect("it was built with it");
    /// let permit = web.try_acquire().expect("7 places are its own");
    /// assert_eq!(db.in_flight(), 1);
    /// # Ok::<(), seawall_bulkhead::ConfigError>(())
    /// ```
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<Self> {
        let config = self.shared.config.lock();
        let at = config.partitions.iter().position(|partition| partition.name == *name)?;
        Some(Self { shared: Arc::clone(&self.shared), share: at as u16 + 1 })
    }

    /// How much may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.shared.machine.word().limit()
    }

    /// How much is in flight now: the weights of all permits.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.shared.machine.word().in_flight()
    }

    /// How many calls wait for a place now.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.shared.machine.word().waiting()
    }

    /// Changes the limit, for all clones. What is in flight stays: where that is more than the new
    /// limit, nobody is let in until it is less.
    ///
    /// An adaptive bulkhead goes on from there.
    ///
    /// # Errors
    ///
    /// Where it can't be a limit, or is beyond the bounds of an adaptive one; nothing is changed then.
    pub fn set_limit(&self, limit: u32) -> Result<(), ConfigError> {
        let mut config = self.shared.config.lock();
        match &config.adaptive {
            Some(adaptive) => check_limit(limit, adaptive.least(), adaptive.most())?,
            None => {
                check_limit(limit, 1, MOST)?;
                config.limit = Some(limit);
            }
        }
        let adaptive = config.adaptive.is_some();
        drop(config);
        if adaptive {
            self.shared.resize(limit, false);
        } else {
            self.shared.follow_config();
        }
        Ok(())
    }

    /// Takes over new settings, for the calls to come; what is in flight and what waits stays.
    ///
    /// # Errors
    ///
    /// Where `config` can't be, or changes what is fixed once built: whether and how the limit adapts,
    /// the partitions, the shedding. Nothing is changed then.
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        let mut present = self.shared.config.lock();
        present.check_change(&config)?;
        self.shared.machine.reconfigure(&config);
        *present = config;
        let adaptive = present.adaptive.is_some();
        drop(present);
        if !adaptive {
            self.shared.follow_config();
        }
        self.shared.machine.serve(&*self.shared); // another order may be another turn
        Ok(())
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> Config {
        self.shared.config.lock().clone()
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) const fn call_of(&self, weight: u32) -> Call {
        Call { share: self.share, weight }
    }

    /// Whether a call would find no place now.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let word = self.shared.machine.word();
        word.room() == 0 || word.waiting() > 0
    }

    /// Whether it is empty and in nobody's hands but the asker's.
    pub(crate) fn is_at_rest(&self) -> bool {
        Arc::strong_count(&self.shared) == 1 && self.in_flight() == 0
    }

    /// Lets a call in, or says why not; when it began, where it is timed.
    #[inline]
    pub(crate) fn try_enter(
        &self,
        weight: u32,
        priority: Option<Priority>,
    ) -> Result<Nanos, Rejection> {
        self.enter(weight, priority)
            .map_err(|bound| self.shared.turn_away(self.call_of(weight), bound))
    }

    /// As [`try_enter`](Self::try_enter), with a refusal that is not counted yet: the caller may wait.
    ///
    /// A result of two words, and not a permit: what is put together in registers need not be written
    /// to memory in parts and read back whole, which costs more than all else here.
    #[inline]
    pub(crate) fn enter(&self, weight: u32, priority: Option<Priority>) -> Result<Nanos, Bound> {
        let shared = &*self.shared;
        if shared.shed.is_some() {
            shared.important(priority)?;
        }
        shared.machine.try_enter(self.call_of(weight), shared)?;
        Ok(shared.begin())
    }

    /// Takes a place for a call that has no priority and no beginning yet.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn enter_unasked(&self) -> bool {
        self.shared.machine.try_enter(self.call_of(1), &*self.shared).is_ok()
    }

    /// A call leaves.
    #[inline]
    pub(crate) fn leave(&self, weight: u32, started: Nanos, end: End) {
        let shared = &*self.shared;
        if shared.sampler.is_none() || is_no_sample(started, end) {
            shared.machine.leave(self.call_of(weight), shared);
        } else {
            shared.leave_sampled(self.call_of(weight), started, end);
        }
    }
}

/// Whether a call that ended is none that an adaptive limit learns from: most were not timed, and did
/// well.
#[inline]
fn is_no_sample(started: Nanos, end: End) -> bool {
    started == Nanos::ZERO
        && matches!(end, End::Told(Outcome::Success | Outcome::Ignored))
        && !std::thread::panicking()
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("name", &self.shared.name)
            .field("places", &self.shared.machine.word())
            .finish_non_exhaustive()
    }
}

impl Observe for Bulkhead {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

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
    sampler: Option<Sampler>,
    shed: Option<Shed>,
    chance: Chance,
    config: Mutex<Config>,
    refused: Refused,
    settings: Arc<Settings>,
    name: Name,
}

impl Shared {
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
    fn leave_sampled(&self, call: Call, started: Nanos, end: End) {
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
    fn follow_config(&self) {
        loop {
            let limit = self.config.lock().first_limit();
            self.resize(limit, false);
            if self.config.lock().first_limit() == limit {
                return;
            }
        }
    }

    fn resize(&self, limit: u32, adapted: bool) {
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

    pub(crate) fn max_wait(&self) -> Option<std::time::Duration> {
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
