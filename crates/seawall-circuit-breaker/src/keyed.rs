//! One circuit for each key: a host, a tenant, a shard.
//!
//! Keys are spread over shards by a hash with a random seed. A look-up takes its shard's read lock for
//! as long as a hash map's `get`; a key that is new takes the write lock once.
//!
//! # How many there can be
//!
//! At most `max_keys`, whatever keys come in. A new key for which there is no room takes the place of
//! another in its shard: a hand goes round the shard and looks at eight, and the one goes that is
//! worth least (closed and in nobody's hands before all others, then the one that was asked for
//! longest ago). So a flood of random keys costs eight looks a key, and throws out the flood's own
//! before what is in use. A circuit that is thrown out while a caller still holds it lives on with
//! that caller; the next who asks for the key gets a fresh one, closed.

use std::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
    time::Duration,
};

use indexmap::IndexMap;
use parking_lot::RwLock;
use seawall_core::{
    CachePadded, ConfigError, Name, Nanos, Observe, Registry, Snapshot,
    sync::{
        Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{CircuitBreaker, CircuitBreakerBuilder, Config, State, breaker::Settings};

/// How many circuits of a full shard are looked at to find the one that goes.
const LOOKS: usize = 8;

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
    hasher: RandomState,
    shards: Box<[CachePadded<RwLock<Shard<K>>>]>,
    keys_a_shard: usize,
    idle_after: Duration,
    evicted: Stat,
}

struct Shard<K> {
    entries: IndexMap<K, Entry, RandomState>,
    hand: usize,
}

struct Entry {
    breaker: CircuitBreaker,
    /// When it was last asked for.
    used: AtomicU64,
}

impl<K> CircuitBreakers<K> {
    /// How many keys have a circuit now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.shards.iter().map(|shard| shard.read().entries.len()).sum()
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
    pub fn for_each(&self, mut look: impl FnMut(&K, &CircuitBreaker)) {
        for shard in &self.shared.shards {
            shard.read().entries.iter().for_each(|(key, entry)| look(key, &entry.breaker));
        }
    }

    /// Throws out the circuits that are closed, in nobody's hands, and were not asked for within
    /// the idle time.
    ///
    /// Nobody needs to call it: a key that is new makes room for itself. It gives memory back.
    pub fn evict_idle(&self) {
        let now = self.shared.settings.clock.now_coarse();
        for shard in &self.shared.shards {
            let mut shard = shard.write();
            let before = shard.entries.len();
            shard.entries.retain(|_, entry| {
                !(entry.is_at_rest() && entry.idle(now) >= self.shared.idle_after)
            });
            self.shared.evicted.add((before - shard.entries.len()) as u64);
        }
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
        let shared = &*self.shared;
        let now = shared.settings.clock.now_coarse();
        let shard = shared.shard(key);
        if let Some(entry) = shard.read().entries.get(key) {
            entry.used.store(now.0, Relaxed); // a hint for eviction
            return entry.breaker.clone();
        }
        let mut shard = shard.write();
        if let Some(entry) = shard.entries.get(key) {
            return entry.breaker.clone(); // another was first
        }
        if shard.entries.len() >= shared.keys_a_shard {
            shard.make_room(now);
            shared.evicted.add(1);
        }
        let breaker = CircuitBreaker::new(
            Arc::clone(&shared.settings),
            shared.name.clone(),
            shared.config.clone(),
        );
        let entry = Entry { breaker: breaker.clone(), used: AtomicU64::new(now.0) };
        shard.entries.insert(key.to_owned(), entry);
        breaker
    }

    /// The circuit of `key`, if it has one.
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.shard(key).read().entries.get(key).map(|entry| entry.breaker.clone())
    }

    /// Forgets the circuit of `key`; the next who asks gets a fresh one.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.shard(key).write().entries.swap_remove(key).is_some()
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

impl<K> Shared<K> {
    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<Shard<K>> {
        // The top bits: the maps use the lower ones.
        let hash = self.hasher.hash_one(key) >> 32;
        &self.shards[hash as usize & (self.shards.len() - 1)]
    }
}

impl<K> Shard<K> {
    /// Throws out the circuit that is worth least of the next few.
    fn make_room(&mut self, now: Nanos) {
        let size = self.entries.len();
        let looks = (0..LOOKS.min(size)).map(|look| (self.hand + look) % size);
        let worth_least = looks.max_by_key(|&index| {
            let entry = &self.entries[index];
            (entry.is_at_rest(), entry.idle(now))
        });
        if let Some(index) = worth_least {
            self.entries.swap_remove_index(index);
        }
        self.hand = (self.hand + LOOKS) % size.max(1);
    }
}

impl Entry {
    fn is_at_rest(&self) -> bool {
        self.breaker.handles() == 1 && self.breaker.state() == State::Closed
    }

    fn idle(&self, now: Nanos) -> Duration {
        now.since(Nanos(self.used.load(Relaxed)))
    }
}

impl<K: Send + Sync> Observe for Shared<K> {
    fn snapshot(&self) -> Snapshot {
        let [mut keys, mut open, mut half_open] = [0_u32; 3];
        for shard in &self.shards {
            for entry in shard.read().entries.values() {
                keys += 1;
                match entry.breaker.state() {
                    State::Open | State::ForcedOpen => open += 1,
                    State::HalfOpen | State::Ramp => half_open += 1,
                    _ => {}
                }
            }
        }
        let state = if open > 0 { "some_open" } else { "closed" };
        Snapshot::new("circuit_breakers", self.name.as_str(), state)
            .gauge("keys", keys.into())
            .gauge("open", open.into())
            .gauge("half_open", half_open.into())
            .counter("evicted", self.evicted.get())
            .limit("max_keys", (self.keys_a_shard * self.shards.len()) as f64)
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
    max_keys: usize,
    idle_after: Duration,
}

impl CircuitBreakerBuilder {
    /// Goes on to build one such circuit for each key.
    ///
    /// Each circuit is for one key's share of the traffic, so that its counts are kept in one lane
    /// unless [`lanes`](Self::lanes) is set after this.
    pub fn keyed(self) -> CircuitBreakersBuilder {
        CircuitBreakersBuilder {
            each: self.lanes(1),
            max_keys: 10_000,
            idle_after: Duration::from_secs(600),
        }
    }
}

impl CircuitBreakersBuilder {
    /// How many keys may have a circuit at once: from 1 to 16 million; 10 000 where not set. Rounded
    /// up so that each shard has as many.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// After how long without a call a closed circuit may go, when
    /// [`evict_idle`](CircuitBreakers::evict_idle) is called; 10 minutes where not set.
    pub const fn idle_after(mut self, time: Duration) -> Self {
        self.idle_after = time;
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
        const MOST: usize = 1 << 24;
        if !(1..=MOST).contains(&self.max_keys) {
            return Err(ConfigError::new("max_keys", self.max_keys, "from 1 to 16777216"));
        }
        let (name, config, settings) = self.each.checked()?;
        // As few shards as can be where keys are few, so that each has a choice whom to throw out.
        let shards = (self.max_keys / 64).next_power_of_two().clamp(1, 64);
        let empty = || {
            let entries = IndexMap::with_hasher(RandomState::new());
            CachePadded::new(RwLock::new(Shard { entries, hand: 0 }))
        };
        let shared = Shared {
            name,
            config,
            settings: Arc::new(settings),
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| empty()).collect(),
            keys_a_shard: self.max_keys.div_ceil(shards),
            idle_after: self.idle_after,
            evicted: Stat::default(),
        };
        Ok(CircuitBreakers { shared: Arc::new(shared) })
    }
}
