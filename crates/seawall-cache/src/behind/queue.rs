//! What waits in this process: writes by key, in the order of their places.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    hash::Hash,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use seawall_core::{
    Bound, ConfigError, Name, Observe, Reason, Registry, Rejection, Snapshot,
    sync::{Mutex, Stat},
};

use super::{Write, WriteQueue, Writer};

/// A bounded queue of writes in this process, which keeps the last of those of a key that wait.
///
/// Cloning is cheap and shares it. It spawns nothing: its [`Writer`] is run by whoever spawns that.
///
/// # Examples
///
/// How do I count views in memory, and write them in batches?
///
/// ```
/// # use seawall_cache::{Behind, Cache};
/// # use std::{convert::Infallible, time::Duration};
/// # async fn upsert(_: &[seawall_cache::Write<u32, u64>]) -> Result<(), std::io::Error> { Ok(()) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (behind, mut writer) = Behind::builder("views").capacity(10_000).max_batch(500).build()?;
/// let writing = tokio::spawn(async move {
///     let write = |batch: std::sync::Arc<[_]>| async move { upsert(&batch).await };
///     let retry = |failed: seawall_cache::Failed<_, _, _>| async move {
///         tokio::time::sleep(Duration::from_millis(100)).await;
///         failed.attempts < 10
///     };
///     writer.run(write, retry).await;
/// });
///
/// let views = Cache::<u32, u64, Infallible>::builder("views").build()?;
/// views.write_behind(7, 1, &behind)?;
/// views.write_behind(7, 2, &behind)?; // one write, of the last value
/// assert_eq!(views.get(&7), Some(2));
///
/// behind.shut_down(); // takes nothing more, and lets the writer end when all is written
/// writing.await?;
/// assert_eq!(behind.snapshot().counters["written"], 1);
/// # Ok(()) }
/// ```
pub struct Behind<K, V> {
    pub(super) shared: Arc<Shared<K, V>>,
}

/// Builds a [`Behind`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct BehindBuilder {
    name: Name,
    capacity: usize,
    max_batch: usize,
}

pub(super) struct Shared<K, V> {
    queue: Mutex<Queue<K, V>>,
    name: Name,
    capacity: usize,
    max_batch: usize,
    taken: Stat,
    coalesced: Stat,
    refused: Stat,
    pub(super) failed: Stat,
    pub(super) written: Stat,
    pub(super) given_up: Stat,
}

/// What is one call of the source.
type Batch<K, V> = Arc<[Write<K, V>]>;

struct Queue<K, V> {
    waiting: HashMap<K, Option<V>>,
    /// The keys of `waiting`, by their places.
    order: VecDeque<K>,
    /// What the writer is at.
    writing: Batch<K, V>,
    shut_down: bool,
    writer: Option<Waker>,
}

impl Behind<(), ()> {
    /// Begins to build the queue called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> BehindBuilder {
        BehindBuilder { name: name.into(), capacity: 10_000, max_batch: 100 }
    }
}

impl BehindBuilder {
    /// How many writes may wait or be written, from 1 to 1 048 576. 10 000 by default.
    pub const fn capacity(mut self, writes: usize) -> Self {
        self.capacity = writes;
        self
    }

    /// How many of them are one call of the source, from 1 to 1 048 576. 100 by default.
    pub const fn max_batch(mut self, writes: usize) -> Self {
        self.max_batch = writes;
        self
    }

    /// Builds it, empty, with the one who is to empty it.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    #[expect(clippy::type_complexity, reason = "who gives and who takes")]
    pub fn build<K, V>(self) -> Result<(Behind<K, V>, Writer<K, V>), ConfigError> {
        const MOST: usize = 1 << 20;
        for (field, value) in [("capacity", self.capacity), ("max_batch", self.max_batch)] {
            if !(1..=MOST).contains(&value) {
                return Err(ConfigError::new(field, value, "from 1 to 1048576"));
            }
        }
        let queue = Queue {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            writing: Arc::new([]),
            shut_down: false,
            writer: None,
        };
        let [taken, coalesced, refused, failed, written, given_up] = [const { Stat::new(0) }; 6];
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            name: self.name,
            capacity: self.capacity,
            max_batch: self.max_batch,
            taken,
            coalesced,
            refused,
            failed,
            written,
            given_up,
        });
        Ok((Behind { shared: shared.clone() }, Writer::new(shared)))
    }
}

impl<K, V> Behind<K, V> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How it stands now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry)
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        registry.add(&self.shared);
    }

    /// Takes nothing more: the writer writes what waits, and ends.
    pub fn shut_down(&self) {
        self.shared.shut_down();
    }
}

impl<K: Hash + Eq, V: Clone> Behind<K, V> {
    /// The value of `key` that the source is still to get; the inner `None` where it is to have none.
    ///
    /// A loader asks this first: see the module's page, "What a reader gets meanwhile".
    #[must_use]
    pub fn waiting(&self, key: &K) -> Option<Option<V>> {
        let queue = self.shared.queue.lock();
        // What waits is later than what is being written.
        let written = || queue.writing.iter().find(|write| write.key == *key);
        queue.waiting.get(key).or_else(|| written().map(|write| &write.value)).cloned()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> WriteQueue<K, V> for Behind<K, V> {
    fn offer(&self, key: &K, value: Option<&V>) -> Result<(), Rejection> {
        let shared = &*self.shared;
        let value = value.cloned();
        let mut queue = shared.queue.lock();
        if queue.shut_down {
            drop(queue);
            return Err(shared.refuse(Reason::ShuttingDown));
        }
        if let Some(waiting) = queue.waiting.get_mut(key) {
            let former = std::mem::replace(waiting, value);
            drop(queue);
            drop(former);
            shared.taken.add(1);
            shared.coalesced.add(1);
            return Ok(());
        }
        if queue.waiting.len() + queue.writing.len() >= shared.capacity {
            drop(queue);
            return Err(shared.refuse(Reason::Overloaded).with_bound(Bound::Queue));
        }
        queue.waiting.insert(key.clone(), value);
        queue.order.push_back(key.clone());
        let writer = queue.writer.take();
        drop(queue);
        shared.taken.add(1);
        writer.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

impl<K, V> Shared<K, V> {
    #[cold]
    fn refuse(&self, reason: Reason) -> Rejection {
        self.refused.add(1);
        Rejection::new(reason, self.name.clone())
    }

    pub(super) fn shut_down(&self) {
        let mut queue = self.queue.lock();
        queue.shut_down = true;
        let writer = queue.writer.take();
        drop(queue);
        writer.into_iter().for_each(Waker::wake);
    }

    fn snapshot(&self) -> Snapshot {
        let queue = self.queue.lock();
        let (waiting, writing) = (queue.waiting.len(), queue.writing.len());
        let state = match (queue.shut_down, waiting + writing) {
            (true, _) => "shut down",
            (false, 0) => "idle",
            (false, all) if all >= self.capacity => "full",
            (false, _) => "writing",
        };
        drop(queue);
        Snapshot::new("write_behind", self.name.as_str(), state)
            .gauge("waiting", waiting as f64)
            .gauge("writing", writing as f64)
            .counter("taken", self.taken.get())
            .counter("coalesced", self.coalesced.get())
            .counter("rejected", self.refused.get())
            .counter("failed", self.failed.get())
            .counter("written", self.written.get())
            .counter("given_up", self.given_up.get())
            .limit("capacity", self.capacity as f64)
            .limit("max_batch", self.max_batch as f64)
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Shared<K, V> {
    /// The next batch, as soon as anything waits; `None` when it is shut down and empty.
    pub(super) fn poll_batch(&self, cx: &Context<'_>) -> Poll<Option<Batch<K, V>>> {
        let mut guard = self.queue.lock();
        let queue = &mut *guard;
        if queue.order.is_empty() {
            if queue.shut_down {
                return Poll::Ready(None);
            }
            let former = queue.writer.replace(cx.waker().clone());
            drop(guard);
            drop(former);
            return Poll::Pending;
        }
        let many = queue.order.len().min(self.max_batch);
        let batch: Arc<[_]> = queue
            .order
            .drain(..many)
            .filter_map(|key| {
                let (key, value) = queue.waiting.remove_entry(&key)?;
                Some(Write { key, value })
            })
            .collect();
        queue.writing = batch.clone();
        Poll::Ready(Some(batch))
    }

    /// The writer is at nothing any more.
    pub(super) fn done(&self) {
        let mut queue = self.queue.lock();
        let written = std::mem::replace(&mut queue.writing, Arc::new([]));
        drop(queue);
        drop(written);
    }

    /// The writer goes before it knows what became of its batch: that waits again, before all else.
    pub(super) fn put_back(&self) {
        let mut guard = self.queue.lock();
        let queue = &mut *guard;
        let writing = std::mem::replace(&mut queue.writing, Arc::new([]));
        // A later write of a key has a place already: its value stands, in the former place.
        let written: HashSet<_> = writing.iter().map(|write| &write.key).collect();
        queue.order.retain(|key| !written.contains(key));
        for write in writing.iter().rev() {
            queue.waiting.entry(write.key.clone()).or_insert_with(|| write.value.clone());
            queue.order.push_front(write.key.clone());
        }
        drop(written);
        drop(guard);
        drop(writing);
    }
}

impl<K, V> Clone for Behind<K, V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V> fmt::Debug for Behind<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind")
            .field("name", &self.shared.name)
            .field("capacity", &self.shared.capacity)
            .field("max_batch", &self.shared.max_batch)
            .finish_non_exhaustive()
    }
}

impl<K: Send + Sync, V: Send + Sync> Observe for Shared<K, V> {
    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }
}

impl<K: Send + Sync, V: Send + Sync> Observe for Behind<K, V> {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
