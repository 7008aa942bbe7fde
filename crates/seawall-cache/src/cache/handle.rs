//! The handle that users meet: what they ask. What they tell is in [`write`].

mod write;

#[cfg(feature = "tokio")]
use std::time::Duration;
use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc};

use equivalent::Equivalent;
use seawall_core::{Error, Name, Observe, Registry, Snapshot};

use super::{
    CacheBuilder,
    find::Found,
    shared::{Answer, Shared},
};
use crate::{Entry, LoadError, Loaded, Store};

/// What a cache keeps its entries in, where it is not told.
pub type DefaultStore<K, V> = crate::SetStore<K, Entry<V>>;

/// Remembers what was loaded, and loads what it does not know: once a key, however many ask.
///
/// Cloning is cheap and shares all: entries, loads, counts.
///
/// # Examples
///
/// How do I ask the database for a user once a minute, and not once a request?
///
/// ```
/// # use seawall_cache::Cache;
/// # use std::{convert::Infallible, time::Duration};
/// # async fn user(id: u32) -> Result<String, Infallible> { Ok(format!("user {id}")) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = Cache::builder("users").capacity(100_000).ttl(Duration::from_secs(60)).build()?;
///
/// let ada = users.get_or_load(&7, || user(7)).await?;
///
/// assert_eq!(ada, "user 7");
/// assert_eq!(users.get(&7), Some(ada));
/// # Ok(()) }
/// ```
///
/// How does a user stay there while the database is away?
///
/// ```
/// # use seawall_cache::Cache;
/// # use std::time::Duration;
/// # fn main() -> Result<(), seawall_cache::ConfigError> {
/// # let users: Cache<u32, String, std::io::Error> =
/// Cache::builder("users")
///     .ttl(Duration::from_secs(60))
///     .stale_while_revalidate(Duration::from_secs(30)) // answered at once, loaded behind
///     .stale_if_error(Duration::from_secs(600))        // answered if loads fail
///     .negative_ttl(Duration::from_secs(5))            // who is not there is not asked for again
///     .max_loads(64)                                   // whatever happens, no more than that
///     .build()?;
/// # Ok(()) }
/// ```
pub struct Cache<K, V, E, S = DefaultStore<K, V>> {
    shared: Arc<Shared<K, V, E, S>>,
}

impl<K, V, E> Cache<K, V, E> {
    /// Begins to build the cache called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> CacheBuilder<K, V, E> {
        CacheBuilder::new(name.into())
    }
}

impl<K, V, E, S> Cache<K, V, E, S> {
    pub(super) const fn new(shared: Arc<Shared<K, V, E, S>>) -> Self {
        Self { shared }
    }

    #[cfg(feature = "tower")]
    pub(super) const fn shared(&self) -> &Arc<Shared<K, V, E, S>> {
        &self.shared
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }
}

impl<K, V, E, S: Store<K, Entry<V>>> Cache<K, V, E, S> {
    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry)
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        registry.add(&self.shared);
    }

    /// A clone of the value of `key`, if it may be answered without a load: fresh, or stale in the time
    /// in which [`get_or_load`](Self::get_or_load) would answer it at once.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: Clone,
    {
        self.read(key, V::clone)
    }

    /// Looks at the value of `key` where it lies, by the same rule as [`get`](Self::get).
    ///
    /// `look` should be short: what leaves the store meanwhile is freed after it.
    pub fn read<Q, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let found = self.shared.find(key, look);
        self.shared.count(&found);
        found.at_once()
    }
}

impl<K, V, E, S> Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Takes out what has expired, a part of the store at a time; `cursor` begins at 0.
    ///
    /// Nothing depends on it: what has expired is not answered, and others take its room. It gives memory
    /// back early. [`sweep_every`](Self::sweep_every) does it in the background.
    pub fn sweep(&self, cursor: &mut u64) {
        self.shared.sweep(cursor);
    }

    /// Takes out what has expired, in small steps, going round the store once in `round`; ends when the last
    /// handle of the cache is gone. To be spawned: nothing sweeps by itself.
    ///
    /// # Panics
    ///
    /// Outside of a runtime of tokio.
    ///
    /// # Examples
    ///
    /// How do I give back the memory of what expired in a quiet night?
    ///
    /// ```
    /// # use seawall_cache::Cache;
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), seawall_cache::ConfigError> {
    /// # let users: Cache<u32, String, std::io::Error> =
    /// Cache::builder("users").ttl(Duration::from_secs(60)).build()?;
    /// tokio::spawn(users.sweep_every(Duration::from_secs(60)));
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn sweep_every(&self, round: Duration) -> impl Future<Output = ()> + use<K, V, E, S> {
        super::sweep::every(Arc::downgrade(&self.shared), round)
    }
}

impl<K, V, E, S> Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// The value of `key`: from the cache, by the load that is in flight for it, or by `load`.
    ///
    /// `load` gives the value, an `Option` of it, or a [`Loaded`]. It runs in the task of the caller who
    /// was first; in one of its own where nobody waits for it: a value that is stale, or early to be
    /// loaded anew, is answered at once, and a load that takes longer than the soft timeout goes on
    /// behind a stale answer. That is why it owns what it needs.
    ///
    /// # Errors
    ///
    /// All who wait for one load get the same. [`LoadError::Absent`] where there is no value;
    /// [`Failed`](LoadError::Failed) where the load failed, [`Panicked`](LoadError::Panicked) where it
    /// panicked in another task, [`Recursive`](LoadError::Recursive) where `load` asks for its own key.
    /// [`Reason::Timeout`] where it ran into the hard timeout; [`Reason::Overloaded`] where as many loads
    /// as may run, run, and as many as may wait for that, wait.
    ///
    /// All but the first and `Recursive` only where no stale value may be answered instead.
    ///
    /// [`Reason::Timeout`]: seawall_core::Reason::Timeout
    /// [`Reason::Overloaded`]: seawall_core::Reason::Overloaded
    ///
    /// # Panics
    ///
    /// The future panics where its own `load` does; with a timeout set, outside of a runtime of tokio.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops its load, if it is the one that loads, and strands nobody: another
    /// caller takes over, by its own load.
    pub async fn get_or_load<Q, F, L, R>(&self, key: &Q, load: F) -> Answer<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let found = self.shared.find(key, V::clone);
        self.shared.count(&found);
        match found {
            Found::Fresh(value) | Found::Kept(value) => Ok(value),
            Found::Absent => Err(Error::Inner(LoadError::Absent)),
            Found::Early(value, seen) | Found::Stale(value, seen) => {
                if let Some(task) = self.shared.refresh(key, seen, load) {
                    task.await;
                }
                Ok(value)
            }
            Found::Spare(_) => self.shared.by_load(key, load, true).await,
            Found::Nothing => self.shared.by_load(key, load, false).await,
        }
    }

    /// The values of `keys`, in their order: from the cache, by loads that are in flight, and all others
    /// by one call of `load`, which gets those keys.
    ///
    /// What `load` gives is kept a key at a time; its order is no matter, what nobody asked for is
    /// dropped, and a key without a value is absent. The load runs in the caller's task, and is one load
    /// of the [cap](CacheBuilder::max_loads). What is stale, or early to be loaded anew, is answered at
    /// once, and one batch in a task of its own loads all of that: that is why a load owns what it needs.
    ///
    /// `load` is called again for keys that fall to this call because their leader was dropped.
    ///
    /// # Errors
    ///
    /// For each key those of [`get_or_load`](Self::get_or_load).
    ///
    /// # Panics
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops its load; other callers take over what they wait for.
    ///
    /// # Examples
    ///
    /// How do I load in one query what is missing?
    ///
    /// ```
    /// # use seawall_cache::{Cache, LoadError};
    /// # use std::{collections::HashMap, convert::Infallible};
    /// # async fn select(ids: Vec<u32>) -> Result<HashMap<u32, String>, Infallible> {
    /// #     Ok(ids.into_iter().filter(|id| *id < 9).map(|id| (id, format!("user {id}"))).collect())
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let users = Cache::builder("users").build()?;
    /// users.insert(1, "Ada".to_owned()).await?;
    /// let found = users.get_or_load_many([1, 2, 9], |ids| select(ids)).await;
    ///
    /// assert_eq!(found[0].as_deref().ok(), Some("Ada"));
    /// assert_eq!(found[1].as_deref().ok(), Some("user 2"));
    /// assert!(matches!(found[2].as_ref().unwrap_err().inner(), Some(LoadError::Absent)));
    /// # Ok(()) }
    /// ```
    pub async fn get_or_load_many<F, L, A, R>(
        &self,
        keys: impl IntoIterator<Item = K>,
        load: F,
    ) -> Vec<Answer<V, E>>
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>> + Send + 'static,
        A: IntoIterator<Item = (K, R)> + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        self.shared.many(keys.into_iter().collect(), load).await
    }

    /// Loads those of `keys` that are not there, in one batch, before callers come: how many are there
    /// then.
    ///
    /// # Errors, panics and cancel safety
    ///
    /// A key whose load fails is not counted; else as
    /// [`get_or_load_many`](Self::get_or_load_many).
    pub async fn warm<F, L, A, R>(&self, keys: impl IntoIterator<Item = K>, load: F) -> usize
    where
        F: FnMut(Vec<K>) -> L,
        L: Future<Output = Result<A, E>> + Send + 'static,
        A: IntoIterator<Item = (K, R)> + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let answers = self.get_or_load_many(keys, load).await;
        answers.iter().filter(|answer| answer.is_ok()).count()
    }
}

impl<K, V, E, S> Clone for Cache<K, V, E, S> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V, E, S: Store<K, Entry<V>>> fmt::Debug for Cache<K, V, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.shared.name)
            .field("entries", &self.shared.store.len())
            .field("in_flight", &self.shared.flights.in_flight())
            .finish_non_exhaustive()
    }
}

impl<K, V, E, S> Observe for Cache<K, V, E, S>
where
    K: Send + Sync,
    V: Send + Sync,
    E: Send + Sync,
    S: Store<K, Entry<V>>,
{
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
