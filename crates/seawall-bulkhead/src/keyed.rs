//! One bulkhead for each key: a host, a tenant, a shard.
//!
//! At most `max_keys`, whatever keys come in. A new key for which there is no room takes the place of
//! one of the next eight in its part of the map: an empty bulkhead in nobody's hands before all others,
//! then the one that was asked for longest ago. A bulkhead that is thrown out while a caller still
//! holds it lives on with that caller; the next who asks for the key gets a fresh one, empty.

use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc, time::Duration};

use seawall_core::{
    ConfigError, Name, Observe, Registry, Snapshot,
    keyed::{KeyedConfig, KeyedMap},
};

use crate::{Bulkhead, BulkheadBuilder, Config, shared::Settings};

/// The bulkheads of many keys, made when a key is first asked for, with the same settings: so that one
/// tenant takes his own places and no others'.
///
/// Cloning is cheap and shares the bulkheads.
///
/// # Examples
///
/// How do I get a bulkhead for each tenant?
///
/// ```
/// # use seawall_bulkhead::{Bulkhead, Bulkheads};
/// let tenants: Bulkheads<String> =
///     Bulkhead::builder("tenants").limit(4).keyed().max_keys(10_000).build()?;
///
/// let permit = tenants.get("acme").try_acquire_owned().expect("it is empty");
/// assert_eq!(tenants.len(), 1);
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// ```
pub struct Bulkheads<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    name: Name,
    config: Config,
    settings: Arc<Settings>,
    map: KeyedMap<K, Bulkhead>,
}

impl<K> Bulkheads<K> {
    /// How many keys have a bulkhead now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.map.len()
    }

    /// Whether no key has a bulkhead now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name that all its bulkheads have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Looks at each key and its bulkhead, some at a time.
    ///
    /// Of these none can be made or thrown out meanwhile: be quick, and don't ask for another key in
    /// between.
    pub fn for_each(&self, look: impl FnMut(&K, &Bulkhead)) {
        self.shared.map.for_each(look);
    }

    /// Throws out the bulkheads that are empty, in nobody's hands, and were not asked for within the
    /// idle time.
    ///
    /// Nobody needs to call it: a key that is new makes room for itself. It gives memory back.
    pub fn evict_idle(&self) {
        self.shared.map.evict_idle(self.shared.settings.clock.now_coarse());
    }
}

impl<K: Hash + Eq> Bulkheads<K> {
    /// The bulkhead of `key`, made now if it has none.
    ///
    /// Holding on to the bulkhead saves the look-up.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Bulkhead
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let shared = &*self.shared;
        shared.map.get_or_make(key, shared.settings.clock.now_coarse(), || {
            let settings = Arc::clone(&shared.settings);
            Bulkhead::new(settings, shared.name.clone(), shared.config.clone())
        })
    }

    /// The bulkhead of `key`, if it has one.
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Option<Bulkhead>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.map.peek(key)
    }

    /// Forgets the bulkhead of `key`; the next who asks gets a fresh one.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.map.remove(key)
    }
}

impl<K: Send + Sync + 'static> Bulkheads<K> {
    /// How they stand now, all together: how many keys, and how much is in flight.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds them to a registry as one, which does not keep them alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }
}

impl<K: Send + Sync> Observe for Shared<K> {
    fn snapshot(&self) -> Snapshot {
        let [mut keys, mut full, mut in_flight, mut waiting] = [0_u64; 4];
        self.map.for_each(|_, bulkhead| {
            keys += 1;
            full += u64::from(bulkhead.is_full());
            in_flight += u64::from(bulkhead.in_flight());
            waiting += u64::from(bulkhead.waiting());
        });
        let state = if full > 0 { "some_full" } else { "open" };
        Snapshot::new("bulkheads", self.name.as_str(), state)
            .gauge("keys", keys as f64)
            .gauge("full", full as f64)
            .gauge("in_flight", in_flight as f64)
            .gauge("waiting", waiting as f64)
            .counter("evicted", self.map.evicted())
            .limit("limit", self.config.first_limit().into())
            .limit("max_keys", self.map.max_keys() as f64)
    }
}

impl<K> Clone for Bulkheads<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Keys are not shown: they may be somebody's.
impl<K> fmt::Debug for Bulkheads<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkheads")
            .field("name", &self.shared.name)
            .field("keys", &self.len())
            .finish_non_exhaustive()
    }
}

/// Builds [`Bulkheads`]: made by [`BulkheadBuilder::keyed`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct BulkheadsBuilder {
    each: BulkheadBuilder,
    keyed: KeyedConfig,
}

impl BulkheadBuilder {
    /// Goes on to build one such bulkhead for each key.
    pub fn keyed(self) -> BulkheadsBuilder {
        BulkheadsBuilder { each: self, keyed: KeyedConfig::default() }
    }
}

impl BulkheadsBuilder {
    /// How many keys may have a bulkhead at once: from 1 to 16 million; 10 000 where not set. Rounded
    /// up so that each part of the map has as many.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.keyed.max_keys = keys;
        self
    }

    /// After how long without being asked for an empty bulkhead may go, when
    /// [`evict_idle`](Bulkheads::evict_idle) is called; 10 minutes where not set.
    pub const fn idle_after(mut self, time: Duration) -> Self {
        self.keyed.idle_after = time;
        self
    }

    /// Builds them; no key has a bulkhead yet.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build<K: Hash + Eq>(self) -> Result<Bulkheads<K>, ConfigError> {
        let (name, config, settings) = self.each.checked()?;
        let map = self.keyed.build(|bulkhead: &Bulkhead| bulkhead.is_at_rest())?;
        Ok(Bulkheads {
            shared: Arc::new(Shared { name, config, settings: Arc::new(settings), map }),
        })
    }
}
