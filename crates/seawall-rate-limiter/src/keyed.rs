//! One quota for each key: a tenant, an address, a user.
//!
//! | what each key has | kept in | a look-up | where more keys come than there is room for |
//! |---|---|---|---|
//! | one quota by [`Policy::Gcra`](crate::Policy::Gcra) | a [table](table) of two words a key | no lock, no allocation | who owes something keeps its place; [`WhenFull`] says what becomes of who is new |
//! | several quotas, or windows | a map of limiters | a shard's read lock | of eight that are looked at, one goes that owes nothing, or else the one that came longest ago, and begins afresh |
//!
//! Read `table` (what a key's words are, who gets a slot and who has to leave), `current` (the quota of
//! all keys, changed while they are asked), `counted` (the table with a name and a clock), then
//! [`RateLimiters`] and its builder.

mod builder;
mod counted;
pub(crate) mod current;
pub(crate) mod table;

use std::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash},
    sync::Arc,
    time::Duration,
};

use foldhash::quality::RandomState;
use seawall_core::{
    ConfigError, Name, Observe, Registry, Rejection, Snapshot, keyed::KeyedMap, sync::Mutex,
};

use self::counted::Counted;
pub use self::{builder::RateLimitersBuilder, table::WhenFull};
pub(crate) use self::{counted::KeyedTurn, table::Table};
use crate::{
    Config, Quota, RateLimiter, Reservation, Standing, Turn,
    gcra::Rate,
    shared::{Settings, tell},
};

/// The quota of a key, where it is not that of all.
type QuotaFor<K> = Box<dyn Fn(&K) -> Option<Quota> + Send + Sync>;

/// The quotas of many keys, each with what it has left: so that one tenant uses up his own, and nobody
/// else's.
///
/// Cloning is cheap and shares them. Keys can be borrowed: `RateLimiters<str>` is asked with a `&str`,
/// and keeps none.
///
/// # Examples
///
/// How do I give each tenant a quota?
///
/// ```
/// # use seawall_rate_limiter::{Quota, RateLimiters};
/// let tenants: RateLimiters<str> = RateLimiters::builder("tenants")
///     .quota(Quota::per_second(50)?.burst(1)?)
///     .quota_for(|tenant: &str| (tenant == "acme").then_some(Quota::per_second(500).ok()?))
///     .max_keys(100_000)
///     .build()?;
///
/// assert!(tenants.try_acquire("globex").is_ok());
/// assert!(tenants.try_acquire("globex").is_err());
/// assert!(tenants.try_acquire("acme").is_ok()); // another's is not touched
/// # Ok::<(), seawall_rate_limiter::ConfigError>(())
/// ```
pub struct RateLimiters<K: ToOwned + ?Sized> {
    shared: Arc<Shared<K>>,
}

struct Shared<K: ToOwned + ?Sized> {
    name: Name,
    settings: Arc<Settings>,
    config: Mutex<Config>,
    /// Held by who changes it.
    changing: Mutex<()>,
    quota_for: Option<QuotaFor<K>>,
    store: Store<K>,
    /// Seeded anew for each: nobody outside can choose keys that meet.
    hasher: RandomState,
}

enum Store<K: ToOwned + ?Sized> {
    Table(Arc<Counted>),
    Map(KeyedMap<K::Owned, RateLimiter>),
}

impl<K: ToOwned + ?Sized> RateLimiters<K> {
    /// Begins to build the limiters called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> RateLimitersBuilder<K> {
        RateLimitersBuilder::new(RateLimiter::builder(name))
    }

    /// The name that all of them have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What a key is set to that has no quota of its own.
    #[must_use]
    pub fn config(&self) -> Config {
        self.shared.config.lock().clone()
    }

    /// How many keys owe something now: a look at each slot, for reports.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.shared.store {
            Store::Table(counted) => counted.len(),
            Store::Map(map) => map.len(),
        }
    }

    /// Whether no key owes anything now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes the quotas of all keys that have none of their own; see
    /// [`reconfigure`](Self::reconfigure).
    ///
    /// # Errors
    ///
    /// Those of [`reconfigure`](Self::reconfigure).
    pub fn set_quotas(&self, quotas: impl IntoIterator<Item = Quota>) -> Result<(), ConfigError> {
        let quotas = quotas.into_iter().collect();
        self.change(|present| Config { quotas, ..present.clone() })
    }

    /// Takes over new settings, for all clones and the calls to come.
    ///
    /// What a key owes is kept as the time until it is paid off, and counts as one burst of the new quota
    /// at most: a key that is given more is not kept waiting by what it had before. (Where each key has one
    /// quota by [`Policy::Gcra`](crate::Policy::Gcra), that holds once whoever booked a turn can't be waiting
    /// any more, by the time that he was ready to wait; with others, what is left of a key's quotas stays
    /// left.)
    ///
    /// # Errors
    ///
    /// Where `config` can't be, or is of another kind than what it was built with: one quota by
    /// [`Policy::Gcra`](crate::Policy::Gcra), or others. Nothing is changed then.
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        self.change(|_| config)
    }

    fn change(&self, next: impl FnOnce(&Config) -> Config) -> Result<(), ConfigError> {
        let shared = &*self.shared;
        let alone = shared.changing.lock();
        let next = next(&self.config());
        next.check()?;
        match &shared.store {
            Store::Table(counted) => counted.change(&next)?,
            Store::Map(_) => check_kind(&next)?,
        }
        // First for those that are made from now on, then for those that there are: one that is made in
        // between is looked at as well. Not at once, since who makes one asks for the settings under the
        // lock of its shard.
        let from = std::mem::replace(&mut *shared.config.lock(), next.clone()).quotas;
        if let Store::Map(map) = &shared.store {
            shared.change_each(map, &next);
        }
        drop(alone); // who is told may change it again
        if from != next.quotas {
            tell(
                &shared.settings.listeners,
                &shared.name,
                Turn::QuotaChanged { from, to: next.quotas },
            );
        }
        Ok(())
    }

    #[cfg(feature = "tower")]
    pub(crate) fn refuse(&self, wait: Duration) -> Rejection {
        let wait = seawall_core::Nanos::from(wait).0;
        crate::shared::rejection(&self.shared.name, crate::Denied::Wait(wait))
    }
}

impl<K> RateLimiters<K>
where
    K: Hash + Eq + ToOwned<Owned: Hash + Eq> + ?Sized,
{
    /// Takes a cell of `key`'s quota, or says how long it would have to wait, at once.
    ///
    /// # Errors
    ///
    /// Those of [`RateLimiter::try_acquire`].
    #[inline]
    pub fn try_acquire(&self, key: &K) -> Result<(), Rejection> {
        self.try_acquire_n(key, 1)
    }

    /// Takes `cells` of `key`'s quota at once, or none.
    ///
    /// # Errors
    ///
    /// Those of [`RateLimiter::try_acquire_n`].
    #[inline]
    pub fn try_acquire_n(&self, key: &K, cells: u32) -> Result<(), Rejection> {
        let shared = &*self.shared;
        match &shared.store {
            Store::Table(counted) => {
                counted.take(shared.fingerprint(key), shared.own_rate(key), cells)
            }
            Store::Map(map) => shared.limiter(map, key).try_acquire_n(cells),
        }
    }

    /// Books `cells` of `key`'s quota for the first turn that is free, at most `max_wait` from now.
    ///
    /// Dropping it gives the cells back where nobody has booked that key's after it; else, where each key
    /// has one quota by [`Policy::Gcra`](crate::Policy::Gcra), its turn is lost.
    ///
    /// # Errors
    ///
    /// Those of [`RateLimiter::reserve`].
    pub fn reserve(
        &self,
        key: &K,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Reservation, Rejection> {
        let shared = &*self.shared;
        match &shared.store {
            Store::Table(counted) => {
                let key = (shared.fingerprint(key), shared.own_rate(key));
                counted.reserve(key, cells, Some(max_wait))
            }
            Store::Map(map) => shared.limiter(map, key).reserve(cells, max_wait),
        }
    }

    /// Takes a cell of `key`'s quota, and waits for it where there is none.
    ///
    /// # Errors
    ///
    /// Those of [`RateLimiter::acquire`].
    ///
    /// # Panics
    ///
    /// Those of [`RateLimiter::acquire`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the turn back, as dropping a [reservation](Self::reserve) does.
    #[cfg(feature = "tokio")]
    pub async fn acquire(&self, key: &K) -> Result<(), Rejection> {
        self.acquire_n(key, 1).await
    }

    /// Takes `cells` of `key`'s quota, and waits for them where there are not as many.
    ///
    /// # Errors
    ///
    /// Those of [`RateLimiter::acquire_n`].
    ///
    /// # Panics
    ///
    /// Those of [`RateLimiter::acquire`].
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    #[cfg(feature = "tokio")]
    pub async fn acquire_n(&self, key: &K, cells: u32) -> Result<(), Rejection> {
        if let Some(later) = self.now_or_later(key, cells, None)? {
            later.wait().await;
        }
        Ok(())
    }

    /// Takes a cell of `key`'s quota, and parks the thread where there is none.
    ///
    /// # Errors
    ///
    /// Those of [`RateLimiter::acquire_blocking`].
    pub fn acquire_blocking(&self, key: &K) -> Result<(), Rejection> {
        if let Some(later) = self.now_or_later(key, 1, None)? {
            later.wait_blocking();
        }
        Ok(())
    }

    /// Takes `cells` now, or books them.
    pub(crate) fn now_or_later(
        &self,
        key: &K,
        cells: u32,
        max_wait: Option<Duration>,
    ) -> Result<Option<Reservation>, Rejection> {
        let shared = &*self.shared;
        match &shared.store {
            Store::Table(counted) => {
                let key = (shared.fingerprint(key), shared.own_rate(key));
                counted.now_or_later(key, cells, max_wait)
            }
            Store::Map(map) => shared.limiter(map, key).now_or_later(cells, max_wait),
        }
    }

    /// How `key`'s tightest quota stands; one that never came stands as one that owes nothing.
    #[must_use]
    pub fn standing(&self, key: &K) -> Standing {
        let shared = &*self.shared;
        match &shared.store {
            Store::Table(counted) => {
                counted.standing(shared.fingerprint(key), shared.own_rate(key))
            }
            Store::Map(map) => shared.limiter(map, key).standing(),
        }
    }

    /// Forgets what `key` owes, and says whether it owed anything: it has a whole burst again.
    pub fn remove(&self, key: &K) -> bool {
        let shared = &*self.shared;
        match &shared.store {
            Store::Table(counted) => counted.forget(shared.fingerprint(key)),
            Store::Map(map) => map.remove(key),
        }
    }
}

impl<K> Shared<K>
where
    K: Hash + Eq + ToOwned<Owned: Hash + Eq> + ?Sized,
{
    #[inline]
    fn fingerprint(&self, key: &K) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The rate of a key that has a quota of its own.
    #[inline]
    fn own_rate(&self, key: &K) -> Option<Rate> {
        let quota = self.quota_for.as_ref()?(key)?;
        Some(table::rate(&quota))
    }

    /// The limiter of a key, made now if it has none.
    fn limiter(&self, map: &KeyedMap<K::Owned, RateLimiter>, key: &K) -> RateLimiter {
        map.get_or_make(key, self.settings.clock.now_coarse(), || {
            let mut config = self.config.lock().clone();
            if let Some(quota) = self.quota_for.as_ref().and_then(|quota_for| quota_for(key)) {
                config.quotas = vec![quota];
            }
            RateLimiter::new(Arc::clone(&self.settings), self.name.clone(), config)
        })
    }
}

impl<K: ToOwned + ?Sized> Shared<K> {
    /// Changes the limiters that there are; those that have a quota of their own keep it.
    fn change_each(&self, map: &KeyedMap<K::Owned, RateLimiter>, next: &Config) {
        map.for_each(|key, limiter| {
            let own = self.quota_for.as_ref().and_then(|quota_for| quota_for(key.borrow()));
            if own.is_none() {
                limiter.take_over(next);
            }
        });
    }
}

/// Whether limiters that are kept in a map can be changed to `next`.
fn check_kind(next: &Config) -> Result<(), ConfigError> {
    if counted::is_one_gcra(&next.quotas) {
        let rule = "of the kind that it was built with: build new ones to change that";
        return Err(ConfigError::new("quotas", next.quotas[0], rule));
    }
    Ok(())
}

impl<K> RateLimiters<K>
where
    K: ToOwned<Owned: Send + Sync> + ?Sized + 'static,
{
    /// How they stand now, all together: how many keys owe something, and how many calls were refused.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds them to a registry as one, which does not keep them alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }
}

impl<K> Observe for Shared<K>
where
    K: ToOwned<Owned: Send + Sync> + ?Sized,
{
    fn snapshot(&self) -> Snapshot {
        let snapshot = match &self.store {
            Store::Table(counted) => counted.snapshot(),
            Store::Map(map) => {
                let (mut keys, mut spent, mut rejected) = (0_u64, 0_u64, 0);
                map.for_each(|_, limiter| {
                    keys += 1;
                    spent += u64::from(limiter.standing().remaining == 0);
                    rejected += limiter.rejected();
                });
                let state = if spent > 0 { "some_limiting" } else { "open" };
                Snapshot::new("rate_limiters", self.name.as_str(), state)
                    .gauge("keys", keys as f64)
                    .gauge("spent", spent as f64)
                    .counter("rejected", rejected)
                    .counter("evicted", map.evicted())
                    .limit("max_keys", map.max_keys() as f64)
            }
        };
        crate::shared::with_quotas(snapshot, &self.config.lock())
    }
}

impl<K: ToOwned + ?Sized> Clone for RateLimiters<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Keys are not shown: they may be somebody's.
impl<K: ToOwned + ?Sized> fmt::Debug for RateLimiters<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiters")
            .field("name", &self.shared.name)
            .field("keys", &self.len())
            .finish_non_exhaustive()
    }
}
