//! The handle: a number of places with a name, a clock and somebody to tell.

use std::{fmt, sync::Arc};

use seawall_core::{
    Bound, ConfigError, Name, Nanos, Observe, Outcome, Priority, Registry, Rejection, Snapshot,
};

use crate::{
    BulkheadBuilder, Config, Permit,
    config::check_limit,
    machine::Call,
    permit::End,
    shared::{Settings, Shared},
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
        Self { shared: Arc::new(Shared::new(settings, name, config)), share: 0 }
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
    ///
    /// [`Reason::BulkheadFull`]: seawall_core::Reason::BulkheadFull
    /// [`Reason::Overloaded`]: seawall_core::Reason::Overloaded
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
            Some(adaptive) => check_limit("limit", limit, adaptive.least(), adaptive.most())?,
            None => {
                check_limit("limit", limit, 1, MOST)?;
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
