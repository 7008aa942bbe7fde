//! The handle: a state machine with a name, a clock and listeners.

use std::{fmt, future::Future, sync::Arc};

use seawall_core::{
    Clock, ConfigError, Listeners, Name, Observe, Registry, Snapshot,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};

use crate::{
    ChaosBuilder, Drill, Event, Injected, Pass, Plan, Strike, Strikes,
    state::{Drawn, State},
};

/// Injects latency, errors, hangs and panics into calls: only while it is armed.
///
/// Cloning is cheap and shares the state: all clones are armed and disarmed together, and count
/// their calls together.
///
/// # Examples
///
/// How do I see what my code does when every fifth call fails?
///
/// ```
/// # use seawall_chaos::{Chaos, Injected, Plan};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// async fn fetch(chaos: &Chaos) -> Result<&'static str, Injected> {
///     chaos.call(|| async { Ok("a row") }).await
/// }
/// let chaos = Chaos::builder("db-a").seed(7).build()?;
/// assert_eq!(fetch(&chaos).await, Ok("a row")); // disarmed: it does nothing
///
/// chaos.arm(Plan::new().error(0.2))?;
/// let mut failed = 0;
/// for _ in 0..100 {
///     failed += u32::from(fetch(&chaos).await.is_err());
/// }
/// assert_eq!(failed, 22); // in each run, for the seed is the same
///
/// chaos.disarm();
/// assert!(fetch(&chaos).await.is_ok());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Chaos(Arc<Shared>);

struct Shared {
    name: Name,
    clock: Clock,
    listeners: Listeners<Event>,
    state: State,
    struck: Counts,
}

/// How often each kind of strike was dealt out.
#[derive(Default)]
struct Counts {
    latency: AtomicU64,
    error: AtomicU64,
    hang: AtomicU64,
    panic: AtomicU64,
}

impl Chaos {
    /// Starts to build a chaos that is called `name` in its errors, panics, events and snapshots.
    pub fn builder(name: impl Into<Name>) -> ChaosBuilder {
        ChaosBuilder::new(name.into())
    }

    pub(crate) fn new(name: Name, seed: u64, clock: Clock, listeners: Listeners<Event>) -> Self {
        Self(Arc::new(Shared {
            name,
            clock,
            listeners,
            state: State::new(seed),
            struck: Counts::default(),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn shared_name(&self) -> Name {
        self.0.name.clone()
    }

    /// What its draws come from: given to the builder, or drawn by it.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.state.seed()
    }

    /// Strikes by this plan from now on, in place of the one before, if any.
    ///
    /// The count of calls starts anew: the n-th call from here has the fate that the n-th call has in
    /// every run with this seed and plan. Calls that hang, or wait through a latency, stay held.
    ///
    /// # Errors
    ///
    /// Those of [`Plan::check`]; what was in force stays in force.
    pub fn arm(&self, plan: Plan) -> Result<(), ConfigError> {
        self.begin(plan).map(|_| ())
    }

    /// Strikes by this plan until the [`Drill`] is dropped, however its scope is left.
    ///
    /// # Errors
    ///
    /// As [`arm`](Self::arm).
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_chaos::{Chaos, Plan};
    /// let chaos = Chaos::builder("db-a").build()?;
    /// {
    ///     let _drill = chaos.drill(Plan::new().error(0.2))?;
    ///     assert!(chaos.is_armed());
    /// }
    /// assert!(!chaos.is_armed());
    /// # Ok::<(), seawall_chaos::ConfigError>(())
    /// ```
    pub fn drill(&self, plan: Plan) -> Result<Drill, ConfigError> {
        let arming = self.begin(plan)?;
        Ok(Drill::new(self.clone(), arming))
    }

    fn begin(&self, plan: Plan) -> Result<u64, ConfigError> {
        let odds = plan.odds()?;
        let now = self.0.clock.now();
        let arming = self.0.state.arm(plan.clone(), odds, now);
        #[cfg(feature = "tracing")]
        tracing::warn!(chaos = self.name(), seed = self.seed(), %plan, "chaos is armed");
        self.0.listeners.tell(|| Event::Armed {
            name: self.shared_name(),
            seed: self.seed(),
            plan,
        });
        Ok(arming)
    }

    /// Strikes nobody any more.
    ///
    /// Once this has returned, nothing is injected: calls that hang, or wait through a latency, go on
    /// to the service at once, and an error or a panic that was to follow a latency does not. Does
    /// nothing where it is not armed.
    pub fn disarm(&self) {
        self.end(None);
    }

    pub(crate) fn end(&self, only: Option<u64>) {
        let Some((plan, calls)) = self.0.state.disarm(only) else {
            return;
        };
        #[cfg(feature = "tracing")]
        tracing::warn!(chaos = self.name(), seed = self.seed(), %plan, calls, "chaos is disarmed");
        self.0.listeners.tell(|| Event::Disarmed { name: self.shared_name(), plan, calls });
    }

    /// Whether it strikes.
    #[inline]
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.0.state.is_armed()
    }

    /// The plan that it strikes by.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        self.0.state.arming().map(|arming| arming.plan)
    }

    /// What to do to one call, now: for code that is not async, or that no other door fits.
    ///
    /// The caller does what it says. A call that would be slow and then get an error, hang or panic
    /// gets the latter at once; [`strikes`](Self::strikes) gives both.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_chaos::{Chaos, Plan, Strike};
    /// # use std::io;
    /// fn read(chaos: &Chaos) -> io::Result<Vec<u8>> {
    ///     if let Some(Strike::Error(injected)) = chaos.strike() {
    ///         return Err(injected.into());
    ///     }
    ///     Ok(vec![1, 2, 3])
    /// }
    /// let disk = Chaos::builder("disk").build()?;
    /// assert!(read(&disk).is_ok());
    /// disk.arm(Plan::new().error(1.0))?;
    /// assert!(read(&disk).is_err());
    /// # Ok::<(), seawall_chaos::ConfigError>(())
    /// ```
    #[must_use = "what is drawn is done by the caller alone"]
    pub fn strike(&self) -> Option<Strike> {
        let mut strikes = self.strikes();
        if let Some(drawn) = &mut strikes.drawn
            && drawn.fate.fault.is_some()
        {
            drawn.fate.latency = None;
        }
        strikes.next()
    }

    /// All that is to be done to one call, in order.
    pub fn strikes(&self) -> Strikes<'_> {
        Strikes { chaos: self, drawn: self.draw() }
    }

    /// Lets one call pass, or strikes it: waits, hangs, panics or fails as the plan says.
    ///
    /// What happens is drawn here, and not when the future is polled. It is `Ok` where the call is to
    /// go on: `chaos.pass().await?` is a point in any async function at which it can be made to fail.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind; the call keeps the number that it drew.
    pub fn pass(&self) -> Pass {
        Pass::new(self, self.draw())
    }

    /// Makes the call, or strikes it.
    ///
    /// A call that gets an error, or that panics, is not made; one that is delayed or hangs is made
    /// once it is let go.
    ///
    /// # Errors
    ///
    /// The call's own, and the [`Injected`] one as an `E`.
    ///
    /// # Panics
    ///
    /// Where the plan says so. Where there is a latency to wait for and no tokio runtime with time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, and leaves nothing behind.
    pub async fn call<T, E, Fut>(&self, op: impl FnOnce() -> Fut) -> Result<T, E>
    where
        Fut: Future<Output = Result<T, E>>,
        E: From<Injected>,
    {
        self.pass().await?;
        op().await
    }

    /// Waits until the drill that is under way is over; done at once where there is none.
    ///
    /// For whoever hangs by hand, as [`Strike::Hang`] says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn disarmed(&self) {
        // A watch is no strike, and so never fails.
        let _ = Pass::watch(self).await;
    }

    #[inline]
    pub(crate) fn draw(&self) -> Option<Drawn> {
        self.0.state.draw()
    }

    pub(crate) fn state(&self) -> &State {
        &self.0.state
    }

    /// Counts a strike and tells of it: when it is dealt out, not when it is drawn.
    pub(crate) fn struck(&self, call: u64, strike: &Strike) {
        let counts = &self.0.struck;
        let count = match strike {
            Strike::Latency(_) => &counts.latency,
            Strike::Error(_) => &counts.error,
            Strike::Hang => &counts.hang,
            Strike::Panic => &counts.panic,
        };
        count.fetch_add(1, Relaxed); // a statistic
        #[cfg(feature = "tracing")]
        tracing::debug!(chaos = self.name(), call, %strike, "chaos struck a call");
        self.0.listeners.tell(|| Event::Struck {
            name: self.shared_name(),
            call,
            strike: strike.clone(),
        });
    }

    /// How it stands now.
    ///
    /// | | |
    /// |---|---|
    /// | state | `armed` or `disarmed` |
    /// | gauges | `held`: calls that are delayed or hang now; `armed_seconds` |
    /// | counters | `calls`: those that met a plan; `latencies`, `errors`, `hangs`, `panics` |
    /// | limits | while armed: `latency_share`, `latency_from`, `latency_to`, `error_share`, `hang_share`, `panic_share` |
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.0);
    }
}

impl Shared {
    fn armed_seconds(&self) -> (Option<Plan>, f64) {
        self.state.arming().map_or((None, 0.0), |arming| {
            let armed = self.clock.now().since(arming.since);
            (Some(arming.plan), armed.as_secs_f64())
        })
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let (plan, armed_seconds) = self.armed_seconds();
        let state = if plan.is_some() { "armed" } else { "disarmed" };
        let snapshot = Snapshot::new("chaos", self.name.as_str(), state)
            .gauge("held", self.state.held() as f64)
            .gauge("armed_seconds", armed_seconds)
            .counter("calls", self.state.met())
            .counter("latencies", self.struck.latency.load(Relaxed))
            .counter("errors", self.struck.error.load(Relaxed))
            .counter("hangs", self.struck.hang.load(Relaxed))
            .counter("panics", self.struck.panic.load(Relaxed));
        let limits = plan.map_or_else(Vec::new, |plan| plan.limits());
        limits.into_iter().fold(snapshot, |snapshot, (name, value)| snapshot.limit(name, value))
    }
}

impl Observe for Chaos {
    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("name", &self.0.name)
            .field("seed", &self.seed())
            .field("plan", &self.plan())
            .finish_non_exhaustive()
    }
}
