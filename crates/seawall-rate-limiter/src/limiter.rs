//! The handle: quotas with a name, a clock and somebody to tell.

use std::{cmp::Reverse, fmt, sync::Arc};

use seawall_core::{ConfigError, Name, Nanos, Observe, Registry, Rejection, Snapshot};

use crate::{
    Config, Quota, RateLimiterBuilder, Standing,
    shared::{Settings, Shared},
};

/// Lets calls in no faster than its quotas say.
///
/// Cloning is cheap and shares the quotas: all clones take from one.
///
/// # Examples
///
/// How do I refuse what is too much?
///
/// ```
/// # use seawall_rate_limiter::{Quota, RateLimiter, Reason};
/// let limiter = RateLimiter::builder("api").quota(Quota::per_second(100)?.burst(2)?).build()?;
/// assert!(limiter.try_acquire().is_ok());
/// assert!(limiter.try_acquire().is_ok());
///
/// let refused = limiter.try_acquire().unwrap_err();
/// assert_eq!(refused.reason(), Reason::RateLimited);
/// assert!(refused.retry_after().is_some()); // at most 10 ms
/// # Ok::<(), seawall_rate_limiter::ConfigError>(())
/// ```
///
/// How do I wait for my turn?
///
/// ```
/// # use seawall_rate_limiter::{Quota, RateLimiter, Rejection};
/// # async fn send(_: u32) {}
/// # #[cfg(feature = "tokio")]
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let limiter = RateLimiter::builder("mails").quota(Quota::per_second(100)?.burst(1)?).build()?;
/// for mail in 0..3 {
///     limiter.acquire().await?; // 10 ms after the one before
///     send(mail).await;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

impl RateLimiter {
    /// Begins to build the limiter called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> RateLimiterBuilder {
        RateLimiterBuilder::new(name.into())
    }

    pub(crate) fn new(settings: Arc<Settings>, name: Name, config: Config) -> Self {
        Self { shared: Arc::new(Shared::new(settings, name, config)) }
    }

    /// The limiter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Takes a cell, or says how long it would have to wait, at once.
    ///
    /// What is refused took nothing: a flood of refusals leaves the quota as it is.
    ///
    /// # Errors
    ///
    /// [`Reason::RateLimited`], with the exact time after which a cell is there, if nobody else comes.
    ///
    /// [`Reason::RateLimited`]: seawall_core::Reason::RateLimited
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Rejection> {
        self.shared.take(1)
    }

    /// Takes `cells` at once, or none: what a heavy call takes.
    ///
    /// # Errors
    ///
    /// Those of [`try_acquire`](Self::try_acquire). [`Bound::Weight`], and no time to come back, where
    /// they are more than the burst: there never are as many.
    ///
    /// [`Bound::Weight`]: seawall_core::Bound::Weight
    #[inline]
    pub fn try_acquire_n(&self, cells: u32) -> Result<(), Rejection> {
        self.shared.take(cells)
    }

    /// How its tightest quota stands: the one with the fewest cells left, and of those the one that takes
    /// longest to have another.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let standings = self.standings();
        let tightness = |standing: &Standing| (standing.remaining, Reverse(standing.next));
        let tightest = standings.into_iter().min_by_key(tightness);
        tightest.expect("there is at least one quota")
    }

    /// How each of its quotas stands, in the order in which they were set.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        self.shared.machine.standings(self.shared.now())
    }

    /// Changes the quotas, for all clones; see [`reconfigure`](Self::reconfigure).
    ///
    /// # Errors
    ///
    /// Those of [`reconfigure`](Self::reconfigure).
    ///
    /// # Examples
    ///
    /// How do I slow down while the other side asks me to?
    ///
    /// ```
    /// # use seawall_rate_limiter::{Quota, RateLimiter};
    /// let limiter = RateLimiter::builder("api").quota(Quota::per_second(100)?).build()?;
    /// limiter.set_quotas([Quota::per_second(10)?])?;
    /// assert_eq!(limiter.config().quotas, [Quota::per_second(10)?]);
    /// # Ok::<(), seawall_rate_limiter::ConfigError>(())
    /// ```
    pub fn set_quotas(&self, quotas: impl IntoIterator<Item = Quota>) -> Result<(), ConfigError> {
        let quotas = quotas.into_iter().collect();
        self.change(|present| Config { quotas, ..present.clone() })
    }

    /// Takes over new settings, for all clones and the calls to come.
    ///
    /// What is left of a quota stays left, as far as the new burst has room for it: a change makes no
    /// cell and takes none. Who waits keeps his turn.
    ///
    /// # Errors
    ///
    /// Where `config` can't be, or where a limiter of one quota by [`Policy::Gcra`] would get another
    /// kind. Nothing is changed then.
    ///
    /// [`Policy::Gcra`]: crate::Policy::Gcra
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        self.change(|_| config)
    }

    fn change(&self, next: impl FnOnce(&Config) -> Config) -> Result<(), ConfigError> {
        let mut present = self.shared.config.lock();
        let next = next(&present);
        next.check()?;
        self.shared.machine.check_change(&next.quotas)?;
        let turn = self.shared.reconfigure(&mut present, next);
        drop(present); // who is told may ask for it
        if let Some(turn) = turn {
            self.shared.tell(turn);
        }
        Ok(())
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> Config {
        self.shared.config.lock().clone()
    }

    /// The present moment on the limiter's clock, on which [`ready_at`](crate::Reservation::ready_at)
    /// lies.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.shared.now()
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

    /// How many calls were refused.
    pub(crate) fn rejected(&self) -> u64 {
        self.shared.rejected()
    }

    /// Takes over settings that were checked for it, and tells nobody.
    pub(crate) fn take_over(&self, config: &Config) {
        let mut present = self.shared.config.lock();
        self.shared.reconfigure(&mut present, config.clone());
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether a fresh one could stand in for it, and nobody but the asker has it.
    pub(crate) fn is_at_rest(&self) -> bool {
        let is_full = |standing: &Standing| standing.remaining == standing.limit;
        Arc::strong_count(&self.shared) == 1 && self.standings().iter().all(is_full)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("name", &self.shared.name)
            .field("standings", &self.standings())
            .finish_non_exhaustive()
    }
}

impl Observe for RateLimiter {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
