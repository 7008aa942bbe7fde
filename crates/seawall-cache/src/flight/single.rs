//! The handle: one load a key, without a cache.

use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc};

use seawall_core::{Name, Observe, Registry, Snapshot};

use super::{
    RunMany, SingleFlightBuilder,
    run::{Detached, LoadTask, Run},
    shared::Shared,
};

/// Runs one load a key at a time, however many callers ask, and gives all of them its outcome.
///
/// It remembers nothing: whoever asks after the outcome is there begins the next load. Cloning is cheap
/// and shares the flights: all clones ask one.
///
/// # Examples
///
/// How do I keep a thousand callers from asking the database the same thing at once?
///
/// ```
/// # use seawall_cache::SingleFlight;
/// # use std::convert::Infallible;
/// # async fn user(id: u32) -> Result<String, Infallible> {
/// #     tokio::task::yield_now().await;
/// #     Ok(format!("user {id}"))
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users = SingleFlight::builder("users").max_loads(64).build()?;
///
/// let (one, other) = tokio::join!(users.run(7, || user(7)), users.run(7, || user(7)));
///
/// assert_eq!(one.ok(), other.ok());
/// assert_eq!(users.snapshot().counters["loads"], 1);
/// # Ok::<(), seawall_cache::ConfigError>(())
/// # }).unwrap();
/// ```
pub struct SingleFlight<K, V, E> {
    shared: Arc<Shared<K, V, E>>,
}

impl<K, V, E> SingleFlight<K, V, E> {
    /// Begins to build the single flight called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> SingleFlightBuilder<K, V, E> {
        SingleFlightBuilder::new(name.into())
    }

    pub(super) const fn new(shared: Arc<Shared<K, V, E>>) -> Self {
        Self { shared }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry)
    where
        K: Send + Sync + 'static,
        V: Send + 'static,
        E: Send + Sync + 'static,
    {
        registry.add(&self.shared);
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared<K, V, E>> {
        &self.shared
    }
}

impl<K: Hash + Eq + Clone, V: Clone, E> SingleFlight<K, V, E> {
    /// The value of `key`, by the load that is in flight for it, or by `load`.
    ///
    /// The load runs in the task of the caller who was first. If that one is dropped, the load is dropped
    /// with it, and one of those who wait begins anew, by the `load` of its own. For a load that outlives
    /// its caller see [`run_detached`](Self::run_detached).
    ///
    /// A wait takes as long as the load: bound it as you would the load, by a timeout around this.
    ///
    /// # Errors
    ///
    /// All who wait for one load get the same. [`LoadError::Failed`](super::LoadError::Failed) where it
    /// failed, [`Panicked`](super::LoadError::Panicked) where it panicked in another task,
    /// [`Recursive`](super::LoadError::Recursive) where `load` asks for the key that it is to load.
    /// [`Reason::Overloaded`] where as many loads as may run, run, and as many as may wait for that,
    /// wait.
    ///
    /// [`Reason::Overloaded`]: seawall_core::Reason::Overloaded
    ///
    /// # Panics
    ///
    /// The future panics where its own `load` does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops its load, if it is the one that loads, and strands nobody: another
    /// caller takes over. Where nobody waits, the flight is gone before the load is dropped.
    pub fn run<F, L>(&self, key: K, load: F) -> Run<K, V, E, F, L>
    where
        F: FnOnce() -> L,
        L: Future<Output = Result<V, E>>,
    {
        Run::new(self.shared.clone(), key, load)
    }

    /// The same, where the load is a task of its own, which `spawn` starts: it goes on when its caller is
    /// dropped, until nobody waits for it, or [to its end](SingleFlightBuilder::cancel_deserted).
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run); [`Reason::ShuttingDown`] where the task was dropped unfinished, for
    /// the caller whose load it was. Another one of those who wait takes over.
    ///
    /// [`Reason::ShuttingDown`]: seawall_core::Reason::ShuttingDown
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the load.
    ///
    /// # Examples
    ///
    /// How do I let a load go on though its first caller hangs up?
    ///
    /// ```
    /// # use seawall_cache::SingleFlight;
    /// # use std::convert::Infallible;
    /// # async fn report(_: u32) -> Result<String, Infallible> { Ok(String::new()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let reports = SingleFlight::builder("reports").build()?;
    /// let report = reports.run_detached(2026, || report(2026), |task| {
    ///     tokio::spawn(task);
    /// });
    /// assert!(report.await.is_ok());
    /// # Ok::<(), seawall_cache::ConfigError>(())
    /// # }).unwrap();
    /// ```
    pub fn run_detached<F, L, S>(&self, key: K, load: F, spawn: S) -> Detached<K, V, E, F, L, S>
    where
        F: FnOnce() -> L,
        L: Future<Output = Result<V, E>>,
        S: FnOnce(LoadTask<K, V, E, F, L>),
    {
        Detached::new(self.shared.clone(), key, load, spawn)
    }

    /// The values of `keys`, in their order: each by the load that is in flight for it, and all others by
    /// one call of `load`, which gets those keys.
    ///
    /// What `load` gives is told a key at a time; its order is no matter, and what nobody asked for is
    /// dropped. A batch is one load of the [cap](SingleFlightBuilder::max_loads).
    ///
    /// `load` is called again for keys that fall to this call because their leader was dropped.
    ///
    /// # Errors
    ///
    /// For each key those of [`run`](Self::run); and [`LoadError::Absent`](super::LoadError::Absent) where
    /// the batch gave no value for it.
    ///
    /// # Panics
    ///
    /// The future panics where its own `load` does.
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run), a key at a time.
    ///
    /// # Examples
    ///
    /// How do I load what is missing in one query?
    ///
    /// ```
    /// # use seawall_cache::{LoadError, SingleFlight};
    /// # use std::{collections::HashMap, convert::Infallible};
    /// # async fn select(ids: Vec<u32>) -> Result<HashMap<u32, String>, Infallible> {
    /// #     Ok(ids.into_iter().filter(|id| *id < 9).map(|id| (id, format!("user {id}"))).collect())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let users = SingleFlight::builder("users").build()?;
    /// let found = users.run_many([1, 2, 9], |ids| select(ids)).await;
    ///
    /// assert_eq!(found[0].as_deref().unwrap(), "user 1");
    /// let error = found[2].as_ref().unwrap_err();
    /// assert!(matches!(error.inner(), Some(LoadError::Absent)));
    /// # Ok::<(), seawall_cache::ConfigError>(())
    /// # }).unwrap();
    /// ```
    pub fn run_many<F, L, A>(
        &self,
        keys: impl IntoIterator<Item = K>,
        load: F,
    ) -> RunMany<K, V, E, F, L>
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>>,
        A: IntoIterator<Item = (K, V)>,
    {
        RunMany::new(self.shared.clone(), keys.into_iter().collect(), load)
    }

    /// Forgets what is in flight for `key`: who asks from now on begins a new load. Who waits already
    /// gets the outcome that it waits for.
    pub fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.flights.poison(key, || ());
    }

    /// Forgets all that is in flight, as [`forget`](Self::forget).
    pub fn forget_all(&self) {
        self.shared.flights.poison_all();
    }
}

impl<K, V, E> Clone for SingleFlight<K, V, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V, E> fmt::Debug for SingleFlight<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight")
            .field("name", &self.shared.name)
            .field("in_flight", &self.shared.flights.in_flight())
            .finish_non_exhaustive()
    }
}

impl<K: Send + Sync, V: Send, E: Send + Sync> Observe for SingleFlight<K, V, E> {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
