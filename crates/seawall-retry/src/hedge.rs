//! Hedging: a second attempt where the first one takes longer than most.
//!
//! Read `estimator` (how long most take), `race` (what one call may do next), `racing` (the future that
//! does it), then [`Hedge`]; the layer comes last.

mod builder;
mod config;
pub(crate) mod estimator;
mod event;
#[cfg(feature = "tower")]
mod future;
#[cfg(feature = "tower")]
mod layer;
pub(crate) mod race;
mod racing;
#[cfg(feature = "tower")]
mod service;

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_core::{
    Clock, ConfigError, Listeners, Name, Nanos, Observe, Registry, Snapshot,
    sync::{
        Stat,
        unmodelled::{AtomicU32, Ordering::Relaxed},
    },
};

pub use self::{
    builder::HedgeBuilder,
    config::{After, HedgeConfig, Percentile},
    event::{HedgeEvent, HedgeTurn},
};
use self::{
    estimator::Estimator,
    race::Race,
    racing::{Calls, Racing},
};
#[cfg(feature = "tower")]
pub use self::{
    future::HedgeFuture,
    layer::{HedgeLayer, NoReplay},
    service::HedgeService,
};
use crate::{
    Attempt, Decide, RetryBudget, RetryErrors,
    budget::{Want, Withdrawal},
};

/// Makes another attempt where one takes longer than most do, and takes the answer that is there first.
///
/// For calls that may be made twice, such as reads: the attempt that loses is dropped, and nobody knows
/// how far it came. It costs as much load as calls are hedged, which the budget limits; in a service
/// where all calls are slow it helps nobody, and the budget is what keeps it from making that worse.
///
/// Cloning is cheap and shares all of it: what was learned, the budget and the counts.
///
/// # Examples
///
/// How do I cut off the slowest answers?
///
/// ```
/// # use seawall_retry::{Hedge, Percentile};
/// # async fn get(id: u32) -> Result<u32, std::io::Error> { Ok(id) }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let hedge = Hedge::builder("search").after(Percentile::P95).build()?;
///
/// let answer = hedge.call(|_attempt| get(7)).await;
/// assert_eq!(answer.unwrap(), 7);
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
///
/// Which failures are worth another attempt?
///
/// ```
/// # use seawall_retry::{Decision, Hedge};
/// # use std::io;
/// # async fn get(id: u32) -> Result<u32, io::Error> { Ok(id) }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let hedge = Hedge::builder("search").build()?;
/// let decide = |result: Result<&u32, &io::Error>| match result {
///     Err(error) if error.kind() != io::ErrorKind::NotFound => Decision::Retry,
///     _ => Decision::Stop, // it will not be found the second time
/// };
///
/// assert!(hedge.decide(decide).call(|_| get(7)).await.is_ok());
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Hedge {
    shared: Arc<Shared>,
}

struct Shared {
    pace: Pace,
    most: AtomicU32,
    budget: RetryBudget,
    clock: Clock,
    hedged: Stat,
    won: Stat,
    refused: Stat,
    listeners: Listeners<HedgeEvent>,
    config: Mutex<HedgeConfig>,
    name: Name,
}

/// Where the delay comes from.
#[expect(clippy::large_enum_variant, reason = "one a hedge, and never moved")]
enum Pace {
    Learned(Estimator),
    /// In nanoseconds: nothing is timed.
    Fixed(Stat),
}

impl Hedge {
    /// Begins to build the hedge called `name`, as it stands in snapshots and events.
    pub fn builder(name: impl Into<Name>) -> HedgeBuilder {
        HedgeBuilder::new(name.into())
    }

    fn new(
        name: Name,
        config: HedgeConfig,
        budget: RetryBudget,
        clock: Clock,
        listeners: Listeners<HedgeEvent>,
    ) -> Self {
        let pace = match config.after {
            After::Percentile(it) => Pace::Learned(Estimator::new(it.share(), clock.now())),
            After::Delay(delay) => Pace::Fixed(Stat::new(Nanos::from(delay).0)),
        };
        let most = AtomicU32::new(config.max_in_flight);
        let [hedged, won, refused] = [const { Stat::new(0) }; 3];
        let config = Mutex::new(config);
        let shared =
            Shared { pace, most, budget, clock, hedged, won, refused, listeners, config, name };
        Self { shared: Arc::new(shared) }
    }

    /// The hedge's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// After how long another attempt is made at present; `None` while it learns how long calls take,
    /// and makes one attempt a call.
    #[inline]
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.shared.pace.delay()
    }

    /// What pays for the extra attempts.
    #[must_use]
    pub fn budget(&self) -> &RetryBudget {
        &self.shared.budget
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> HedgeConfig {
        self.shared.config.lock().clone()
    }

    /// Takes over new settings, for the calls to come.
    ///
    /// # Errors
    ///
    /// Where `config` can't be, or changes what is fixed once built; nothing is changed then.
    pub fn reconfigure(&self, config: HedgeConfig) -> Result<(), ConfigError> {
        let mut present = self.shared.config.lock();
        present.check_change(&config)?;
        match (&self.shared.pace, config.after) {
            (Pace::Learned(estimator), After::Percentile(it)) => estimator.set_quantile(it.share()),
            (Pace::Fixed(nanos), After::Delay(delay)) => _ = nanos.replace(Nanos::from(delay).0),
            _ => unreachable!("the check lets no other kind through"),
        }
        self.shared.most.store(config.max_in_flight, Relaxed);
        *present = config;
        Ok(())
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

    /// Makes a call: `attempt` once, and again where that takes too long, or fails.
    ///
    /// The first success is the answer, and the other attempts are dropped. An attempt that fails is
    /// followed by the next one at once, while there may be one; choose which failures with
    /// [`decide`](Self::decide). One that a pattern further in refused is not: what has no room here
    /// needs no second call.
    ///
    /// # Errors
    ///
    /// The error of the attempt that failed last, where none did well.
    ///
    /// # Panics
    ///
    /// Where an attempt panics; and outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all attempts.
    #[inline]
    pub async fn call<T, E, F, Fut>(&self, attempt: F) -> Result<T, E>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.decide(RetryErrors).call(attempt).await
    }

    /// Makes calls for which `decide` tells what a result means.
    ///
    /// | decision | what it means here |
    /// |---|---|
    /// | [`Stop`](crate::Decision::Stop) | the answer, an error too: the other attempts are dropped |
    /// | [`Retry`](crate::Decision::Retry) | another attempt, at once |
    /// | `RetryAfter`, `Pushback`, `RetryWith` | no other attempt: to wait is for a retry further out |
    pub const fn decide<D>(&self, decide: D) -> HedgeDecided<'_, D> {
        HedgeDecided { hedge: self, decide }
    }

    /// A call begins.
    #[inline]
    fn begin(&self) -> Race {
        let shared = &*self.shared;
        shared.budget.deposit();
        let most = if self.delay().is_some() { shared.most.load(Relaxed) } else { 1 };
        Race::begin(most, shared.now())
    }

    /// Takes what another attempt costs.
    fn pay(&self) -> Option<Withdrawal> {
        let paid = self.shared.budget.withdraw(Want::Retry);
        if paid.is_none() {
            self.shared.refused.add(1);
            self.shared.tell(HedgeTurn::BudgetSpent);
        }
        paid
    }
}

/// A hedge with a rule for what results mean: made by [`Hedge::decide`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call by itself"]
pub struct HedgeDecided<'a, D> {
    hedge: &'a Hedge,
    decide: D,
}

impl<D> HedgeDecided<'_, D> {
    /// As [`Hedge::call`].
    ///
    /// # Errors
    ///
    /// Those of [`Hedge::call`].
    ///
    /// # Panics
    ///
    /// Those of [`Hedge::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Hedge::call`].
    #[inline]
    pub async fn call<T, E, F, Fut>(self, mut attempt: F) -> Result<T, E>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        D: Decide<T, E>,
    {
        let race = self.hedge.begin();
        let is_last = !race.is_open();
        let first = attempt(Attempt { number: 1, elapsed: Duration::ZERO, is_last });
        Racing::new(first, Calls(attempt), self.decide, self.hedge, race).await
    }
}

impl Pace {
    #[inline]
    fn delay(&self) -> Option<Duration> {
        match self {
            Self::Learned(estimator) => estimator.delay(),
            Self::Fixed(nanos) => Some(Duration::from_nanos(nanos.get())),
        }
    }
}

impl Shared {
    /// The present moment, as exactly as it is needed.
    #[inline]
    fn now(&self) -> Nanos {
        match self.pace {
            Pace::Learned(_) => self.clock.now(),
            Pace::Fixed(_) => self.clock.now_coarse(),
        }
    }

    fn tell(&self, turn: HedgeTurn) {
        #[cfg(feature = "tracing")]
        self.trace(turn);
        self.listeners.tell(|| HedgeEvent { name: self.name.clone(), turn });
    }

    #[cfg(feature = "tracing")]
    fn trace(&self, turn: HedgeTurn) {
        const TARGET: &str = "seawall::hedge";
        let name = self.name.as_str();
        match turn {
            HedgeTurn::Hedged { attempt, elapsed } => {
                tracing::debug!(target: TARGET, name, attempt, ?elapsed, "hedged");
            }
            HedgeTurn::WonByHedge { attempt } => {
                tracing::debug!(target: TARGET, name, attempt, "won by a hedge");
            }
            HedgeTurn::BudgetSpent => tracing::debug!(target: TARGET, name, "no budget to hedge"),
        }
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let delay = self.pace.delay();
        let state = if delay.is_some() { "hedging" } else { "learning" };
        let mut snapshot = Snapshot::new("hedge", self.name.as_str(), state)
            .gauge("budget_available", self.budget.available())
            .counter("hedged", self.hedged.get())
            .counter("won_by_hedge", self.won.get())
            .counter("refused_by_budget", self.refused.get())
            .limit("max_in_flight", self.most.load(Relaxed).into());
        if let Some(delay) = delay {
            snapshot = snapshot.gauge("delay_seconds", delay.as_secs_f64());
        }
        if let After::Percentile(it) = self.config.lock().after {
            snapshot = snapshot.limit("percentile", it.share().as_f64());
        }
        snapshot
    }
}

impl Observe for Hedge {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("name", &self.shared.name)
            .field("delay", &self.delay())
            .field("budget", &self.shared.budget)
            .finish_non_exhaustive()
    }
}
