//! The handle: the rules for another try with a name, a clock and somebody to tell.

use std::{fmt, sync::Arc};

use seawall_core::{ConfigError, Name, Observe, Registry, Snapshot};

use crate::{
    Config, RetryBudget, RetryBuilder,
    rules::Rules,
    shared::{Settings, Shared},
};

/// Tries a call again where that may help, and not where it would make things worse.
///
/// Cloning is cheap and shares the settings and the budget.
///
/// # Examples
///
/// How do I try a call again?
///
/// ```
/// # use seawall_retry::Retry;
/// # use std::time::Duration;
/// # async fn get(_: u32) -> Result<u32, std::io::Error> { Ok(7) }
/// # #[cfg(feature = "tokio")]
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let retry = Retry::builder("catalog")
///     .max_attempts(4)
///     .attempt_timeout(Duration::from_secs(1))
///     .build()?;
///
/// match retry.call(|attempt| get(attempt.number())).await {
///     Ok(book) => assert_eq!(book, 7),
///     Err(failed) => println!("{failed}; the last error: {}", failed.last()),
/// }
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Retry {
    shared: Arc<Shared>,
}

impl Retry {
    /// Begins to build the retry called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> RetryBuilder {
        RetryBuilder::new(name.into())
    }

    pub(crate) fn new(settings: Settings, config: Config, budget: Option<RetryBudget>) -> Self {
        let rules = Rules::new(config, budget);
        Self { shared: Arc::new(Shared::new(rules, settings)) }
    }

    /// The retry's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name()
    }

    /// Takes over new settings, for all clones: what is decided from now on is decided by them.
    ///
    /// A call in flight keeps the number of attempts that was set when it began, and an attempt the time
    /// that it was given. The budget stays: see [`RetryBudget::set_ratio`].
    ///
    /// # Errors
    ///
    /// Where `config` can't be, or changes what is fixed once built: the seed. Nothing is changed then.
    ///
    /// # Examples
    ///
    /// How do I stop retrying while I look for what is wrong?
    ///
    /// ```
    /// # use seawall_retry::Retry;
    /// let retry = Retry::builder("catalog").build()?;
    ///
    /// let mut config = retry.config();
    /// config.max_attempts = 1;
    /// retry.reconfigure(config)?;
    /// # let failed = retry.call_blocking(|_| Err::<(), _>("no")).unwrap_err();
    /// # assert_eq!(failed.attempts(), 1);
    /// # Ok::<(), seawall_retry::ConfigError>(())
    /// ```
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        self.shared.rules.reconfigure(config)
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> Config {
        self.shared.rules.config()
    }

    /// What pays for the retries, unless they are free.
    #[must_use]
    pub fn budget(&self) -> Option<&RetryBudget> {
        self.shared.rules.budget.as_ref()
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

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("name", self.shared.name())
            .field("config", &self.config())
            .field("budget", &self.shared.rules.budget)
            .finish_non_exhaustive()
    }
}

impl Observe for Retry {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
