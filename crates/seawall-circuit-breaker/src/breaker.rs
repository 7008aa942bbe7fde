//! The handle: a circuit with a name, a clock and somebody to tell.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_core::{
    Chance, Clock, ConfigError, Listeners, Name, Nanos, Observe, Ratio, Reason, Registry,
    Rejection, Snapshot, lane,
};

use crate::{
    CircuitBreakerBuilder, Config, Event, Permit, State, Turn,
    machine::{Machine, Refusal, Ticket, Why},
    outside::Outside,
};

/// Stops calling what is broken, and finds out by itself when it is well again.
///
/// Cloning is cheap and shares the circuit: what one clone sees fail, all clones stop calling.
///
/// # Examples
///
/// How do I guard a call?
///
/// ```
/// # use seawall_circuit_breaker::{CircuitBreaker, Error};
/// # use std::io;
/// # async fn charge() -> Result<u32, io::Error> { Ok(7) }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let breaker = CircuitBreaker::builder("payments").failure_rate(0.5).build()?;
///
/// match breaker.call(|| charge()).await {
///     Ok(receipt) => assert_eq!(receipt, 7),
///     Err(Error::Rejected(refused)) => println!("not now: {refused}"),
///     Err(Error::Inner(error)) => println!("tried, and failed: {error}"),
/// }
/// # Ok::<(), seawall_circuit_breaker::ConfigError>(())
/// # }).unwrap();
/// ```
///
/// How do I report an outcome myself?
///
/// ```
/// # use seawall_circuit_breaker::CircuitBreaker;
/// let breaker = CircuitBreaker::builder("payments").consecutive_failures(1).build()?;
/// let permit = breaker.try_acquire().expect("it is closed");
/// permit.failure();
/// let refused = breaker.try_acquire().unwrap_err();
/// assert!(refused.retry_after().is_some());
/// # Ok::<(), seawall_circuit_breaker::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

impl CircuitBreaker {
    /// Begins to build the breaker called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::new(name.into())
    }

    pub(crate) fn new(settings: Arc<Settings>, name: Name, config: Config) -> Self {
        let machine = Machine::new(&config, settings.clock.now(), settings.lanes);
        let chance = Chance::from_seed(config.seed);
        let config = Mutex::new(config);
        #[cfg(feature = "tokio")]
        let turned = tokio::sync::Notify::new();
        let shared = Shared {
            machine,
            settings,
            name,
            chance,
            config,
            #[cfg(feature = "tokio")]
            turned,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The breaker's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Lets a call in, or rejects it, at once.
    ///
    /// The call's outcome is reported through the permit; a permit that is dropped counts as a
    /// call that was cancelled.
    ///
    /// # Errors
    ///
    /// [`Reason::CircuitOpen`] while the circuit rejects, with the time after which a probe may be
    /// let in where that is known; [`Reason::Overloaded`] where the throttle rejects.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<&Self>, Rejection> {
        Ok(Permit::new(self, self.ticket()?))
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that does not borrow the breaker.
    ///
    /// # Errors
    ///
    /// Those of [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_owned(&self) -> Result<Permit, Rejection> {
        Ok(Permit::new(self.clone(), self.ticket()?))
    }

    /// Lets a call in, and waits for it while the circuit rejects.
    ///
    /// Who waits is not in a queue: when the circuit lets a call in, any waiter may be the one.
    /// Outside tokio, use [`try_acquire`](Self::try_acquire).
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire), where the call's deadline (see
    /// [`deadline::scope`](seawall_core::deadline::scope)) would pass before.
    ///
    /// # Panics
    ///
    /// Where it has to wait outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    #[cfg(feature = "tokio")]
    pub async fn acquire(&self) -> Result<Permit<&Self>, Rejection> {
        let ticket = self.admitted().await?;
        Ok(Permit::new(self, ticket))
    }

    #[cfg(feature = "tokio")]
    async fn admitted(&self) -> Result<Ticket, Rejection> {
        loop {
            let refusal = match self.shared.admit() {
                Ok(ticket) => return Ok(ticket),
                Err(refusal) => refusal,
            };
            let left = seawall_core::deadline::remaining();
            if left.is_some_and(|left| refusal.wait().is_none_or(|wait| wait >= left)) {
                return Err(self.rejection(refusal));
            }
            self.may_admit(refusal).await;
        }
    }

    /// Waits until it is worth asking again, after `refusal`.
    #[cfg(feature = "tokio")]
    pub(crate) async fn may_admit(&self, refusal: Refusal) {
        // Listens before it looks again, so that no turn in between is missed.
        let mut turned = std::pin::pin!(self.shared.turned.notified());
        turned.as_mut().enable();
        let wait = match self.shared.machine.rejects(&*self.shared) {
            Some(now) => now.wait(),
            None if refusal.is_chance() => refusal.wait(),
            None => return,
        };
        match wait {
            // Either way it is time to ask.
            Some(wait) => drop(tokio::time::timeout(wait, turned).await),
            None => turned.await,
        }
    }

    /// Where the circuit stands: what a call would meet now.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.machine.state_at(self.shared.now())
    }

    /// Rejects all calls until told otherwise; time does not heal it.
    pub fn force_open(&self) {
        self.shared.machine.force(State::ForcedOpen, &Turn::ForcedOpen, &*self.shared);
    }

    /// Lets all calls through and watches none, until told otherwise.
    pub fn force_closed(&self) {
        self.shared.machine.force(State::ForcedClosed, &Turn::ForcedClosed, &*self.shared);
    }

    /// Lets all calls through and goes on to watch them, until told otherwise: what would have
    /// opened the circuit is told as [`Turn::WouldOpen`].
    pub fn disable(&self) {
        self.shared.machine.force(State::Disabled, &Turn::Disabled, &*self.shared);
    }

    /// Closes the circuit with an empty window, from whatever state.
    ///
    /// Calls in flight no longer count.
    pub fn reset(&self) {
        self.shared.machine.force(State::Closed, &Turn::Reset, &*self.shared);
    }

    /// Opens the circuit for `time`, as if a rule had: for a dependency that says itself when it
    /// will be back, such as by `Retry-After`. At least a millisecond, at most 198 days.
    pub fn open_for(&self, time: Duration) {
        let longest = Duration::from_millis(crate::word::LONGEST_MS);
        let time = time.clamp(Duration::from_millis(1), longest);
        self.shared.machine.open_by_hand(time, &*self.shared);
    }

    /// Takes over new settings, for the calls to come; what is in flight, and what the window
    /// holds, stays.
    ///
    /// # Errors
    ///
    /// Where `config` can't be, or changes what is fixed once built: the window, whether slow
    /// calls are watched, the time of hung calls, the throttle. Nothing is changed then.
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        let mut present = self.shared.config.lock();
        present.check_change(&config)?;
        self.shared.machine.rules.set(&config);
        *present = config;
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

    /// How many handles share this circuit.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.shared)
    }

    /// Lets a call in for whoever owns its permit, or says why not; counts a rejection.
    #[cfg(all(feature = "tower", feature = "tokio"))]
    pub(crate) fn admit_owned(&self) -> Result<Permit, Refusal> {
        self.shared.admit().map(|ticket| Permit::new(self.clone(), ticket))
    }

    /// Why a call would be rejected for certain, if it would; counts nothing.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn rejects(&self) -> Option<Refusal> {
        self.shared.machine.rejects(&*self.shared)
    }

    /// Counts a call that was not made since the circuit [`rejects`](Self::rejects).
    #[cfg(feature = "tower")]
    pub(crate) fn count_rejection(&self) {
        self.shared.machine.stats.rejected.add(lane(), 1);
    }

    #[inline]
    fn ticket(&self) -> Result<Ticket, Rejection> {
        let shared = self.shared();
        match shared.machine.admit_closed() {
            Some(ticket) => Ok(ticket),
            None => self.ticket_otherwise(),
        }
    }

    #[inline(never)]
    fn ticket_otherwise(&self) -> Result<Ticket, Rejection> {
        let shared = self.shared();
        shared.machine.admit_otherwise(shared).map_err(|refusal| self.rejection(refusal))
    }

    pub(crate) fn rejection(&self, refusal: Refusal) -> Rejection {
        let name = self.shared.name.clone();
        match (refusal.why, refusal.wait()) {
            (Why::Throttle, _) => Rejection::new(Reason::Overloaded, name),
            (Why::Open, Some(wait)) => {
                Rejection::new(Reason::CircuitOpen, name).with_retry_after(wait)
            }
            _ => Rejection::new(Reason::CircuitOpen, name),
        }
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.shared.name)
            .field("circuit", &self.shared.machine.word())
            .finish_non_exhaustive()
    }
}

impl Observe for CircuitBreaker {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

/// What all breakers of one builder share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) lanes: usize,
    pub(crate) listeners: Listeners<Event>,
}

/// A circuit, and what its machine asks for.
pub(crate) struct Shared {
    pub(crate) machine: Machine,
    settings: Arc<Settings>,
    name: Name,
    chance: Chance,
    config: Mutex<Config>,
    #[cfg(feature = "tokio")]
    turned: tokio::sync::Notify,
}

impl Shared {
    #[cfg(feature = "tokio")]
    fn admit(&self) -> Result<Ticket, Refusal> {
        self.machine.admit(self)
    }

    /// Wakes who waits for a place among the probes.
    pub(crate) fn probe_settled(&self) {
        #[cfg(feature = "tokio")]
        self.turned.notify_waiters();
    }

    #[cfg(feature = "tracing")]
    fn trace(&self, generation: u32, turn: &Turn) {
        const TARGET: &str = "seawall::circuit_breaker";
        let name = self.name.as_str();
        match turn {
            Turn::Opened { cause, open_for, opens } => tracing::warn!(
                target: TARGET, name, generation, %cause, ?open_for, opens, "circuit opened"
            ),
            Turn::WouldOpen { cause } => tracing::warn!(
                target: TARGET, name, generation, %cause, "circuit would open, and is disabled"
            ),
            turn => tracing::info!(target: TARGET, name, generation, ?turn, "circuit turned"),
        }
    }
}

impl Outside for Shared {
    #[inline]
    fn now(&self) -> Nanos {
        self.settings.clock.now()
    }

    #[inline]
    fn now_coarse(&self) -> Nanos {
        self.settings.clock.now_coarse()
    }

    #[inline]
    fn lane(&self) -> usize {
        lane()
    }

    fn happens(&self, share: Ratio) -> bool {
        self.chance.happens(share)
    }

    fn open_for(&self, opens: u32) -> Duration {
        self.machine.rules.open_for(opens, &self.chance)
    }

    fn turned(&self, generation: u32, turn: Turn) {
        #[cfg(feature = "tokio")]
        self.turned.notify_waiters();
        #[cfg(feature = "tracing")]
        self.trace(generation, &turn);
        self.settings.listeners.tell(|| Event { name: self.name.clone(), generation, turn });
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let machine = &self.machine;
        let now = self.now();
        let totals = machine.totals(now);
        let stats = &machine.stats;
        let failures = stats.failures.get();
        let mut snapshot =
            Snapshot::new("circuit_breaker", self.name.as_str(), machine.state_at(now).as_str())
                .counter("failures", failures)
                .counter("slow_calls", stats.slow.get())
                .counter("rejected", stats.rejected.get())
                .counter("let_through", stats.shadowed.get())
                .counter("stale", stats.stale.get())
                .counter("opened", stats.opened.get())
                .gauge("window_calls", totals.calls as f64)
                .gauge("failure_rate", totals.failure_rate().as_f64())
                .gauge("slow_call_rate", totals.slow_rate().as_f64())
                .gauge("failures_in_a_row", machine.failures_in_a_row().into())
                .limit("minimum_calls", machine.rules.minimum_calls() as f64)
                .limit("half_open_probes", machine.rules.probes().into());
        if let Some(calls) = machine.recorded() {
            snapshot = snapshot.counter("calls", calls);
        }
        if let Some(hung) = machine.overdue(now) {
            snapshot = snapshot.gauge("hung_calls", hung as f64);
        }
        if let Some(share) = machine.throttled(now) {
            snapshot = snapshot.gauge("throttled_share", share.as_f64());
        }
        if let Some(rate) = machine.rules.failure_rate() {
            snapshot = snapshot.limit("failure_rate", rate.as_f64());
        }
        if let Some(rate) = machine.rules.slow_rate() {
            snapshot = snapshot.limit("slow_call_rate", rate.as_f64());
        }
        if let Some(nanos) = machine.rules.slow_after() {
            snapshot =
                snapshot.limit("slow_call_seconds", Nanos(nanos).as_duration().as_secs_f64());
        }
        snapshot
    }
}
