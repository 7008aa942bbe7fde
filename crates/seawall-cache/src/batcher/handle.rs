//! The handle that users meet.

use std::{fmt, future::poll_fn, hash::Hash, pin::pin, sync::Arc, task::Waker, time::Duration};

use seawall_core::{
    Error, Name, Observe, Registry, Snapshot,
    sync::{Mutex, Stat},
};

use super::{
    BatcherBuilder,
    batch::{Batch, Call, Found},
    drive::Drive,
};
use crate::{
    LoadError, SingleFlight,
    cache::Timer,
    flight::{Course, Entry as Seat},
};

/// Gathers loads of single keys into calls of the source for many: a `DataLoader`.
///
/// Cloning is cheap and shares all. It remembers nothing, and of two loads of a key only those that are in
/// one batch are one: put a [`Cache`](crate::Cache) or a [`SingleFlight`] before it, which know what is
/// under way and what was invalidated meanwhile.
///
/// # Examples
///
/// How do a hundred handlers, each with one id, make one query?
///
/// ```
/// # use seawall_cache::Batcher;
/// # use std::{collections::HashMap, convert::Infallible};
/// # async fn select(ids: Vec<u32>) -> Result<HashMap<u32, String>, Infallible> {
/// #     Ok(ids.into_iter().map(|id| (id, format!("user {id}"))).collect())
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = Batcher::builder("users").max_batch(100).build(select)?;
///
/// let (ada, bob) = tokio::join!(users.load(1), users.load(2));
///
/// assert_eq!((ada?.as_deref(), bob?.as_deref()), (Some("user 1"), Some("user 2")));
/// assert_eq!(users.snapshot().counters["batches"], 1);
/// # Ok(()) }
/// ```
///
/// How does a cache load what it misses in batches, whoever asks?
///
/// ```
/// # use seawall_cache::{Batcher, Cache};
/// # use std::{collections::HashMap, convert::Infallible, time::Duration};
/// # async fn select(ids: Vec<u32>) -> Result<HashMap<u32, String>, Infallible> {
/// #     Ok(ids.into_iter().map(|id| (id, format!("user {id}"))).collect())
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let batches = Batcher::builder("users").build(select)?;
/// let users: Cache<u32, String, _> =
///     Cache::builder("users").ttl(Duration::from_secs(60)).build()?;
/// let user = |id| {
///     let batches = batches.clone();
///     users.get_or_load(id, move || async move { batches.load(*id).await })
/// };
///
/// let (ada, again, bob) = tokio::join!(user(&1), user(&1), user(&2));
///
/// assert_eq!((ada?, again?, bob?), ("user 1".into(), "user 1".into(), "user 2".into()));
/// assert_eq!(batches.snapshot().counters["batches"], 1);
/// # Ok(()) }
/// ```
pub struct Batcher<K, V, E> {
    shared: Arc<Shared<K, V, E>>,
}

type Loader<K, V, E> = Box<dyn Fn(Vec<K>) -> Call<K, V, E> + Send + Sync>;

pub(super) struct Shared<K, V, E> {
    gate: Mutex<Gate<K, V, E>>,
    /// By the numbers of batches.
    flights: SingleFlight<u64, Found<K, V, E>, E>,
    load: Loader<K, V, E>,
    window: Duration,
    max_batch: usize,
    batches: Stat,
    asked: Stat,
    loads: Stat,
}

struct Gate<K, V, E> {
    gathers: Option<Arc<Batch<K, V, E>>>,
    next: u64,
}

impl Batcher<(), (), ()> {
    /// Begins to build the batcher called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> BatcherBuilder {
        BatcherBuilder::new(name.into())
    }
}

impl<K, V, E> Batcher<K, V, E> {
    pub(super) const fn new(shared: Arc<Shared<K, V, E>>) -> Self {
        Self { shared }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.flights.name()
    }

    /// How it stands now: `loads` asked for `keys` in `batches`.
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
}

impl<K: Hash + Eq + Clone, V: Clone, E> Batcher<K, V, E> {
    /// The value of `key`, by the batch that gathers now; `None` where the source has none.
    ///
    /// The batch is polled by one of its callers, and so goes on only while that one is polled. A wait takes
    /// as long as the window and the call: bound it as you would the call.
    ///
    /// # Errors
    ///
    /// All callers of a batch get the same, but for what the source says of one key:
    /// [`LoadError::Failed`] where the call, or the key, failed, [`Panicked`](LoadError::Panicked) where
    /// the call panicked in another task; [`Reason::Overloaded`](seawall_core::Reason::Overloaded) where as
    /// many batches as may be under way are, and as many as may wait for that, wait.
    ///
    /// # Panics
    ///
    /// Where the call panics while this caller polls it; with a window, outside of a runtime of tokio.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes its key out of a batch that gathers, if nobody else waits for it. A call
    /// that is under way goes on, by another of its callers, and is dropped with the last of them.
    pub async fn load(&self, key: K) -> Result<Option<V>, Error<LoadError<E>>> {
        let shared = &self.shared;
        let (rides, seat) = shared.board(key);
        let flights = shared.flights.shared();
        let begin = || Drive::new(shared.clone(), rides.batch.clone());
        let course = match seat {
            Seat::Follows(follower) => Course::following(flights.clone(), follower, begin),
            Seat::Leads(leader) => match flights.enter() {
                Ok(place) => Course::queueing(flights.clone(), leader, place, begin),
                Err(refused) => {
                    return leader.settle(Err(refused.into())).map(|_| None);
                }
            },
        };
        // After the ride, to be dropped before it: the work is back in its batch when its last caller goes.
        let mut course = pin!(course);
        let found = poll_fn(|cx| course.as_mut().poll_by(cx, |begin| begin())).await?;
        match found.get(&rides.key) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value.clone())),
            Some(Err(error)) => Err(Error::Inner(LoadError::Failed(error.clone()))),
        }
    }
}

impl<K, V, E> Shared<K, V, E> {
    pub(super) fn new(
        flights: SingleFlight<u64, Found<K, V, E>, E>,
        load: Loader<K, V, E>,
        window: Duration,
        max_batch: usize,
    ) -> Self {
        let [batches, asked, loads] = [const { Stat::new(0) }; 3];
        let gate = Mutex::new(Gate { gathers: None, next: 0 });
        Self { gate, flights, load, window, max_batch, batches, asked, loads }
    }

    fn snapshot(&self) -> Snapshot {
        let flights = self.flights.snapshot();
        let state = match &*flights.state {
            "idle" => "idle",
            "full" => "full",
            _ => "loading",
        };
        let mut snapshot = Snapshot::new("batcher", self.flights.name(), state)
            .counter("loads", self.loads.get())
            .counter("keys", self.asked.get())
            .counter("batches", self.batches.get())
            .limit("max_batch", self.max_batch as f64)
            .limit("window_ms", self.window.as_secs_f64() * 1e3);
        for name in ["failed", "panicked", "rejected", "handed_over"] {
            snapshot = snapshot.counter(name, flights.counters[name]);
        }
        snapshot
    }
}

impl<K: Hash + Eq + Clone, V: Clone, E> Shared<K, V, E> {
    /// A place in the batch that gathers, and a seat in its flight.
    fn board(&self, key: K) -> (Rides<'_, K, V, E>, Seated<K, V, E>) {
        self.loads.add(1);
        let mut gate = self.gate.lock();
        let batch = match &gate.gathers {
            Some(batch) => batch.clone(),
            None => {
                let window = (!self.window.is_zero()).then(|| Timer::after(Some(self.window)));
                let batch = Arc::new(Batch::new(gate.next, window));
                gate.next += 1;
                gate.gathers = Some(batch.clone());
                batch
            }
        };
        let seat = self.flights.shared().flights.join_or_lead(&batch.number);
        let (is_full, driver) = batch.add(key.clone(), self.max_batch);
        let _own = if is_full { gate.gathers.take() } else { None };
        drop(gate);
        driver.into_iter().for_each(Waker::wake);
        (Rides { shared: self, batch, key }, seat)
    }
}

type Seated<K, V, E> = Seat<u64, Result<Found<K, V, E>, Error<LoadError<E>>>>;

impl<K: Hash + Eq + Clone, V, E> Shared<K, V, E> {
    /// The batch gathers no more: calls the source for its keys.
    pub(super) fn call(&self, batch: &Arc<Batch<K, V, E>>) -> Call<K, V, E> {
        let keys = {
            let mut gate = self.gate.lock();
            gate.close(batch);
            batch.take_keys()
        };
        self.batches.add(1);
        self.asked.add(keys.len() as u64);
        (self.load)(keys)
    }
}

impl<K, V, E> Gate<K, V, E> {
    /// Nobody joins this batch any more. Who calls it holds the batch itself.
    fn close(&mut self, batch: &Arc<Batch<K, V, E>>) {
        self.gathers.take_if(|gathers| Arc::ptr_eq(gathers, batch));
    }
}

/// A caller's place in a batch.
struct Rides<'a, K: Hash + Eq, V, E> {
    shared: &'a Shared<K, V, E>,
    batch: Arc<Batch<K, V, E>>,
    key: K,
}

impl<K: Hash + Eq, V, E> Drop for Rides<'_, K, V, E> {
    fn drop(&mut self) {
        let mut gate = self.shared.gate.lock();
        let (deserted, key) = self.batch.leave(&self.key);
        if deserted {
            gate.close(&self.batch); // its window has begun: who comes next gets one of its own
        }
        drop(gate);
        drop(key);
    }
}

impl<K, V, E> Clone for Batcher<K, V, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V, E> fmt::Debug for Batcher<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("name", &self.name())
            .field("window", &self.shared.window)
            .field("max_batch", &self.shared.max_batch)
            .finish_non_exhaustive()
    }
}

impl<K: Send + Sync, V: Send + Sync, E: Send + Sync> Observe for Shared<K, V, E> {
    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }
}

impl<K: Send + Sync, V: Send + Sync, E: Send + Sync> Observe for Batcher<K, V, E> {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
