//! One circuit for each key: a host, a tenant, a shard.
//!
//! The circuits live in a [`KeyedMap`], which tells how a key is looked up and how it is kept that
//! there are at most `max_keys`. At rest, and so the first to go, is a circuit that is closed and in
//! nobody's hands. One that is thrown out while a caller still holds it lives on with that caller; the
//! next who asks for the key gets a fresh one, closed.

use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc, time::Duration};

use seawall_core::{
    ConfigError, Name, Observe, Registry, Snapshot,
    keyed::{KeyedConfig, KeyedMap},
};

use crate::{CircuitBreaker, CircuitBreakerBuilder, Config, State, breaker::Settings};

/// The circuits of many keys, made when a key is first asked for, with the same settings.
///
/// Cloning is cheap and shares the circuits.
///
/// # Examples
///
/// How do I get a circuit for each host?
///
/// ```
/// # use seawall_circuit_breaker::{CircuitBreaker, CircuitBreakers, Error};
/// let hosts: CircuitBreakers<String> = CircuitBreaker::builder("hosts")
///     .consecutive_failures(3)
///     .keyed()
///     .max_keys(10_000)
///     .build()?;
///
/// let breaker = hosts.get("db-7.internal");
/// let answer: Result<u8, Error<()>> = breaker.call_blocking(|| Ok(1));
/// # assert_eq!((answer, hosts.len()), (Ok(1), 1));
/// # Ok::<(), seawall_circuit_breaker::ConfigError>(())
/// ```
pub struct CircuitBreakers<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    name: Name,
    config: Config,
    settings: Arc<Settings>,
    circuits: KeyedMap<K, CircuitBreaker>,
}

impl<K> CircuitBreakers<K> {
    /// How many keys have a circuit now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.circuits.len()
    }

    /// Whether no key has a circuit now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name that all its circuits have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Looks at each key and its circuit, a shard at a time.
    ///
    /// No circuit of that shard can be made or thrown out meanwhile: be quick, and don't ask for
    /// another key in between.
    pub fn for_each(&self, look: impl FnMut(&K, &CircuitBreaker)) {
        self.shared.circuits.for_each(look);
    }

    /// Throws out the circuits that are closed, in nobody's hands, and were not asked for within
    /// the idle time.
    ///
    /// Nobody needs to call it: a key that is new makes room for itself. It gives memory back.
    pub fn evict_idle(&self) {
        self.shared.circuits.evict_idle(self.shared.settings.clock.now_coarse());
    }
}

impl<K: Hash + Eq> CircuitBreakers<K> {
    /// The circuit of `key`, made now if it has none.
    ///
    /// Holding on to the circuit saves the look-up.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Shared { name, config, settings, circuits } = &*self.shared;
        circuits.get_or_make(key, settings.clock.now_coarse(), || {
            CircuitBreaker::new(Arc::clone(settings), name.clone(), config.clone())
        })
    }

    /// The circuit of `key`, if it has one.
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.circuits.peek(key)
    }

    /// Forgets the circuit of `key`; the next who asks gets a fresh one.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.circuits.remove(key)
    }
}

impl<K: Send + Sync + 'static> CircuitBreakers<K> {
    /// How they stand now, all together: how many keys, and how many in which state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds them to a registry as one, which does not keep them alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }
}

impl CircuitBreaker {
    /// Whether a fresh one could stand in for it, as far as anybody can see.
    fn is_at_rest(&self) -> bool {
        self.handles() == 1 && self.state() == State::Closed
    }
}

impl<K: Send + Sync> Observe for Shared<K> {
    fn snapshot(&self) -> Snapshot {
        let [mut keys, mut open, mut half_open] = [0_u32; 3];
        self.circuits.for_each(|_, breaker| {
            keys += 1;
            match breaker.state() {
                State::Open | State::ForcedOpen => open += 1,
                State::HalfOpen | State::Ramp => half_open += 1,
                _ => {}
            }
        });
        let state = if open > 0 { "some_open" } else { "closed" };
        Snapshot::new("circuit_breakers", self.name.as_str(), state)
            .gauge("keys", keys.into())
            .gauge("open", open.into())
            .gauge("half_open", half_open.into())
            .counter("evicted", self.circuits.evicted())
            .limit("max_keys", self.circuits.max_keys() as f64)
    }
}

impl<K> Clone for CircuitBreakers<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Keys are not shown: they may be somebody's.
impl<K> fmt::Debug for CircuitBreakers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakers")
            .field("name", &self.shared.name)
            .field("keys", &self.len())
            .finish_non_exhaustive()
    }
}

/// Builds [`CircuitBreakers`]: made by [`CircuitBreakerBuilder::keyed`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct CircuitBreakersBuilder {
    each: CircuitBreakerBuilder,
    keys: KeyedConfig,
}

impl CircuitBreakerBuilder {
    /// Goes on to build one such circuit for each key.
    ///
    /// Each circuit is for one key's share of the traffic, so that its counts are kept in one lane
    /// unless [`lanes`](Self::lanes) is set after this.
    pub fn keyed(self) -> CircuitBreakersBuilder {
        CircuitBreakersBuilder { each: self.lanes(1), keys: KeyedConfig::default() }
    }
}

impl CircuitBreakersBuilder {
    /// How many keys may have a circuit at once: from 1 to 16 million; 10 000 where not set. Rounded
    /// up so that each shard has as many.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.keys.max_keys = keys;
        self
    }

    /// After how long without a call a closed circuit may go, when
    /// [`evict_idle`](CircuitBreakers::evict_idle) is called; 10 minutes where not set.
    pub const fn idle_after(mut self, time: Duration) -> Self {
        self.keys.idle_after = time;
        self
    }

    /// Into how many copies the counts of each circuit's time window are spread; 1 where not set.
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.each = self.each.lanes(lanes);
        self
    }

    /// Builds them; no key has a circuit yet.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build<K: Hash + Eq>(self) -> Result<CircuitBreakers<K>, ConfigError> {
        let circuits = self.keys.build(CircuitBreaker::is_at_rest)?;
        let (name, config, settings) = self.each.checked()?;
        let shared = Shared { name, config, settings: Arc::new(settings), circuits };
        Ok(CircuitBreakers { shared: Arc::new(shared) })
    }
}
