//! The builder: every setting by name, checked when it is built. Those of the second level are in `second`.

#[cfg(feature = "tokio")]
mod second;

use std::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    sync::{Arc, Weak},
    time::Duration,
};

use seawall_core::{Chance, Clock, ConfigError, Listeners, Name, Ratio};

use super::{
    Background, Cache, DefaultStore, Event,
    hearing::Hearing,
    level::{Bounds, Level},
    refresh::Spawn,
    shared::{Limits, Shared, Weigher},
    stats::Stats,
    tasks::Tasks,
};
use crate::{
    Entry, Store,
    flight::{Flights, Loads},
    freshness::Policy,
    l2::{Ear, Erased, Heard},
    store::Cause,
    tags::Tags,
};

/// Builds a [`Cache`]: made by [`Cache::builder`].
///
/// | setting | default | why |
/// |---|---|---|
/// | `capacity` | 10 000 | bounded, and small enough for any service |
/// | `weigher`, `max_weight` | each entry weighs 1 | set both where values differ much in size |
/// | `ttl` | none: until it is evicted or invalidated | how old a value may be is yours to know |
/// | `jitter` | 0 | 10 % keeps what was loaded together from ending together |
/// | `stale_while_revalidate` | 0 | whether an old answer is better than a slow one is yours to know |
/// | `stale_if_error` | 0 | ... or better than none |
/// | `pause_after_error` | 1 s | with a stale value there, a source that fails is asked once in that time |
/// | `negative_ttl` | 0: an absence is not kept | what is made soon after is seen at once |
/// | `early_refresh` | 0: off | 1 for hot keys: the load before the end takes the place of the one after it |
/// | `soft_timeout`, `load_timeout` | none | how long a load takes is yours to know |
/// | `max_loads`, `queue` | none, 1024 | how much the source can take is yours to know |
/// | `max_refreshes` | 64 | loads that nobody waits for |
/// | `l2` | none | each instance is alone |
/// | `l2_timeout` | 100 ms | a hundred times what a store near by takes; it bounds what an outage costs a load |
/// | `l2_wait` | 200 ms | for what another instance loads; a load that takes longer is made twice |
/// | `l2_gutter_ttl` | 5 s | for what is loaded, or kept, while invalidations of others may be missed |
/// | `l2_pause` | 1 s | after five failures in a row, one call in that time |
#[must_use = "a builder builds nothing until `build`"]
pub struct CacheBuilder<K, V, E> {
    name: Name,
    capacity: usize,
    max_weight: Option<u64>,
    weigher: Option<Weigher<K, V>>,
    policy: Policy,
    max_loads: Option<usize>,
    queue: usize,
    max_refreshes: usize,
    soft_timeout: Option<Duration>,
    load_timeout: Option<Duration>,
    spawn: Option<Spawn>,
    clock: Clock,
    seed: Option<u64>,
    listeners: Listeners<Event>,
    l2: Option<Arc<dyn Erased<K, V>>>,
    l2_bounds: Bounds,
    of: PhantomData<fn() -> E>,
}

/// What a store is to be made for: see [`CacheBuilder::build_on`].
pub struct Room {
    /// About so many entries.
    pub entries: usize,
    /// What they may weigh together.
    pub max_weight: u64,
    stats: Arc<Stats>,
}

impl Room {
    /// What the store is to tell of each entry that leaves it: the cache counts.
    pub fn listener<K, E>(&self) -> impl Fn(&K, &E, Cause) + Send + Sync + 'static + use<K, E> {
        let stats = self.stats.clone();
        move |_: &K, _: &E, cause| stats.gone(cause)
    }
}

impl<K, V, E> CacheBuilder<K, V, E> {
    pub(super) fn new(name: Name) -> Self {
        let policy = Policy {
            ttl: None,
            jitter: Ratio::ZERO,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            negative_ttl: Duration::ZERO,
            beta: 0.0,
            pause: Duration::from_secs(1),
        };
        Self {
            name,
            capacity: 10_000,
            max_weight: None,
            weigher: None,
            policy,
            max_loads: None,
            queue: 1_024,
            max_refreshes: 64,
            soft_timeout: None,
            load_timeout: None,
            spawn: None,
            clock: Clock::default(),
            seed: None,
            listeners: Listeners::new(),
            l2: None,
            l2_bounds: Bounds {
                timeout: Duration::from_millis(100),
                wait: Duration::from_millis(200),
                gutter: Duration::from_secs(5),
                pause: Duration::from_secs(1),
            },
            of: PhantomData,
        }
    }

    /// How many entries it may hold; with a [`weigher`](Self::weigher), about how many it will.
    pub const fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// What an entry weighs, asked once, before it is put in. [`max_weight`](Self::max_weight) is the
    /// bound then.
    pub fn weigher(mut self, weigh: impl Fn(&K, &V) -> u32 + Send + Sync + 'static) -> Self {
        self.weigher = Some(Arc::new(weigh));
        self
    }

    /// What all entries may weigh together; an absence weighs 1.
    pub const fn max_weight(mut self, weight: u64) -> Self {
        self.max_weight = Some(weight);
        self
    }

    /// For how long a value is fresh, from the moment at which its load **began**.
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.policy.ttl = ttl.into();
        self
    }

    /// By which share of it a `ttl` is shortened at most, at random.
    pub const fn jitter(mut self, share: Ratio) -> Self {
        self.policy.jitter = share;
        self
    }

    /// For how long after its `ttl` a value is answered at once, while one load brings the new one.
    pub const fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.policy.stale_while_revalidate = time;
        self
    }

    /// For how long after its `ttl` a value is answered if its load fails.
    pub const fn stale_if_error(mut self, time: Duration) -> Self {
        self.policy.stale_if_error = time;
        self
    }

    /// For how long nobody asks the source for a key after a load of it failed, where a stale value can
    /// be answered meanwhile.
    pub const fn pause_after_error(mut self, time: Duration) -> Self {
        self.policy.pause = time;
        self
    }

    /// For how long it is known that there is no value.
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.policy.negative_ttl = ttl;
        self
    }

    /// Loads a value anew some time before it ends, by chance (XFetch): with 1 at about the time that
    /// the load takes, with 2 at twice that; with 0, not.
    pub const fn early_refresh(mut self, beta: f64) -> Self {
        self.policy.beta = beta;
        self
    }

    /// How long a call waits for a load where there is a value to answer with in
    /// [error](Self::stale_if_error); the load goes on.
    #[cfg(feature = "tokio")]
    pub fn soft_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.soft_timeout = time.into();
        self
    }

    /// How long a load may take.
    #[cfg(feature = "tokio")]
    pub fn load_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.load_timeout = time.into();
        self
    }

    /// How many loads may run at once, over all keys: from 1 to 1 048 576, or `None` for any number.
    pub fn max_loads(mut self, max: impl Into<Option<usize>>) -> Self {
        self.max_loads = max.into();
        self
    }

    /// How many loads may wait for their turn, first come, first served: up to 1 048 576.
    pub const fn queue(mut self, loads: usize) -> Self {
        self.queue = loads;
        self
    }

    /// How many loads may run for which nobody waits: from 1 to 1 048 576.
    pub const fn max_refreshes(mut self, max: usize) -> Self {
        self.max_refreshes = max;
        self
    }

    /// Starts the tasks in which loads run that nobody waits for; `tokio::spawn` where not set. Where
    /// there is no runtime either, the caller who finds a stale value loads before it answers.
    pub fn spawn(mut self, spawn: impl Fn(Background) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set. A hit reads it once, where there is a
    /// `ttl`: [`Clock::coarse`] makes that cheaper, and a value a tick of the kernel older.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Draws the same chances in each run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Calls `listener` when something rare happens, by the thread that brought it about, outside any
    /// lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        const MOST: usize = 1 << 20;
        let refuse =
            |field, value: &dyn fmt::Display, rule| Err(ConfigError::new(field, value, rule));
        if !(1..=1 << 32).contains(&self.capacity) {
            return refuse("capacity", &self.capacity, "from 1 to 4294967296");
        }
        if self.max_weight == Some(0) {
            return refuse("max_weight", &0, "at least 1");
        }
        if self.weigher.is_some() != self.max_weight.is_some() {
            let value = if self.weigher.is_some() { "not set" } else { "set alone" };
            return refuse("max_weight", &value, "set together with `weigher`");
        }
        if self.policy.ttl == Some(Duration::ZERO) {
            return refuse("ttl", &"0s", "longer than zero");
        }
        if self.policy.jitter == Ratio::ONE {
            return refuse("jitter", &self.policy.jitter, "less than 100%");
        }
        let beta = self.policy.beta;
        if !(0.0..=100.0).contains(&beta) {
            return refuse("early_refresh", &beta, "a number from 0 to 100");
        }
        if let Some(max) = self.max_loads.filter(|max| !(1..=MOST).contains(max)) {
            return refuse("max_loads", &max, "from 1 to 1048576");
        }
        if self.queue > MOST {
            return refuse("queue", &self.queue, "at most 1048576");
        }
        if !(1..=MOST).contains(&self.max_refreshes) {
            return refuse("max_refreshes", &self.max_refreshes, "from 1 to 1048576");
        }
        for (field, time) in [
            ("soft_timeout", self.soft_timeout),
            ("load_timeout", self.load_timeout),
            ("l2_timeout", Some(self.l2_bounds.timeout)),
            ("l2_gutter_ttl", Some(self.l2_bounds.gutter)),
            ("l2_pause", Some(self.l2_bounds.pause)),
        ] {
            if time == Some(Duration::ZERO) {
                return refuse(field, &"0s", "longer than zero");
            }
        }
        if let (Some(soft), Some(hard)) = (self.soft_timeout, self.load_timeout)
            && soft >= hard
        {
            return refuse(
                "soft_timeout",
                &format_args!("{soft:?}"),
                "shorter than `load_timeout`",
            );
        }
        Ok(())
    }
}

impl<K, V, E> CacheBuilder<K, V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Builds it on a store of your own: `make` is told how large it is to be.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_on<S: Store<K, Entry<V>>>(
        self,
        make: impl FnOnce(Room) -> S,
    ) -> Result<Cache<K, V, E, S>, ConfigError> {
        self.check()?;
        let stats = Arc::new(Stats::new());
        let max_weight = self.max_weight.unwrap_or(self.capacity as u64);
        let room = Room { entries: self.capacity, max_weight, stats: stats.clone() };
        let Self { max_loads, max_refreshes, .. } = self;
        let tasks = Tasks(self.spawn);
        Ok(Cache::new(Arc::new_cyclic(|shared: &Weak<Shared<K, V, E, S>>| Shared {
            store: make(room),
            flights: Flights::new(),
            tags: Tags::default(),
            policy: self.policy,
            hearing: Hearing::new(self.l2.is_some()),
            level: self.l2.map(|store| {
                let shared = shared.clone();
                let hears = move |heard: Heard<K>| {
                    if let Some(shared) = shared.upgrade() {
                        shared.hears(heard);
                    }
                };
                let (clock, tasks) = (self.clock.clone(), tasks.clone());
                let tells = (self.name.clone(), self.listeners.clone());
                let level =
                    Level::new(store, self.l2_bounds, Ear::new(hears), (clock, tasks), tells);
                Arc::new(level)
            }),
            clock: self.clock,
            chance: Chance::from_seed(self.seed),
            stats,
            cap: Loads::new(max_loads, self.queue),
            refreshes: Loads::new(Some(max_refreshes), 0),
            soft_timeout: self.soft_timeout,
            load_timeout: self.load_timeout,
            weigher: self.weigher,
            tasks,
            listeners: self.listeners,
            name: self.name,
            limits: Limits { max_weight, max_loads, max_refreshes },
        })))
    }

    /// Builds it, empty.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<Cache<K, V, E>, ConfigError> {
        self.build_on(|room| {
            DefaultStore::new(room.entries, room.max_weight).on_removal(room.listener())
        })
    }
}

impl<K, V, E> fmt::Debug for CacheBuilder<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("entries", &self.entries)
            .field("max_weight", &self.max_weight)
            .finish_non_exhaustive()
    }
}
