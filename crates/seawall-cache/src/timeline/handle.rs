//! The handle: push, read, rebuild on a miss.

use std::{fmt, hash::Hash, marker::PhantomData, slice, sync::Arc};

use seawall_core::{BoxError, Listeners, Name, Observe, Registry, Snapshot, sync::Stat};

use super::{Event, FanOut, Item, Page, Pushed, Rebuilt, Store, TimelineBuilder, Turn};
use crate::SingleFlight;

/// Precomputed lists: pushed to on write, trimmed, rebuilt on a miss.
///
/// Cloning is cheap and shares all. It needs no runtime.
///
/// # Examples
///
/// How do I serve home timelines without a query a read?
///
/// ```
/// # use seawall_cache::{BoxError, timeline::{Item, Memory, Rebuilt, Rest, Timeline}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let home = Timeline::builder("home").length(800).store(Memory::new(100_000)?).build()?;
/// // Ada reads, and her list is built from the database. Bob never does, and costs nothing.
/// let load = |_| async { Ok(Rebuilt::complete([Item::new(1, "old post")])) };
/// home.read(&"ada", None, 20, load).await?;
///
/// // Somebody posts: it is in the database before it is pushed.
/// let mut fan_out = home.fan_out(Item::new(2, "new post"), ["ada", "bob"]);
/// while fan_out.push_chunk().await?.is_some() {}
///
/// let page = home.read(&"ada", None, 20, load).await?;
/// assert_eq!(page.items, [Item::new(2, "new post"), Item::new(1, "old post")]);
/// assert_eq!(page.rest, Rest::Complete);
/// # Ok(())
/// # }
/// ```
pub struct Timeline<U, I, S> {
    shared: Arc<Shared<U, I, S>>,
}

/// Who rebuilds a list: what comes of it is in the store, and who waited reads it there.
type Flights<U> = SingleFlight<U, (), BoxError>;

pub(super) struct Shared<U, I, S> {
    name: Name,
    pub(super) length: usize,
    pub(super) chunk: usize,
    pub(super) store: S,
    pub(super) flights: Flights<U>,
    listeners: Listeners<Event>,
    reads: Stat,
    pub(super) rebuilds: Stat,
    reached: Stat,
    absent: Stat,
    trimmed: Stat,
    items: PhantomData<fn() -> I>,
}

impl<U, I, S> Shared<U, I, S> {
    pub(super) fn new(from: TimelineBuilder<S>, flights: Flights<U>) -> Self {
        let TimelineBuilder { name, length, chunk, store, listeners } = from;
        let [reads, rebuilds, reached, absent, trimmed] = [const { Stat::new(0) }; 5];
        let items = PhantomData;
        Self {
            name,
            length,
            chunk,
            store,
            flights,
            listeners,
            reads,
            rebuilds,
            reached,
            absent,
            trimmed,
            items,
        }
    }

    pub(super) fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        turn.trace(&self.name);
        self.listeners.tell(|| Event { name: self.name.clone(), turn });
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new("timeline", self.name.as_str(), "serving")
            .counter("reads", self.reads.get())
            .counter("rebuilds", self.rebuilds.get())
            .counter("pushed", self.reached.get())
            .counter("skipped", self.absent.get())
            .counter("trimmed", self.trimmed.get())
            .limit("length", self.length as f64)
            .limit("chunk", self.chunk as f64)
    }
}

impl Timeline<(), (), ()> {
    /// Begins to build one.
    pub fn builder(name: impl Into<Name>) -> TimelineBuilder {
        let listeners = Listeners::new();
        TimelineBuilder { name: name.into(), length: 800, chunk: 500, store: (), listeners }
    }
}

impl<U, I, S> Timeline<U, I, S> {
    pub(super) const fn new(shared: Arc<Shared<U, I, S>>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Shared<U, I, S> {
        &self.shared
    }

    /// The name it was built with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What it has done so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Lets a registry see it, as long as it lives.
    pub fn register(&self, registry: &Registry)
    where
        U: Send + Sync + 'static,
        I: Send + Sync + 'static,
        S: Send + Sync + 'static,
    {
        registry.add(&self.shared);
    }

    pub(super) fn chunk(&self) -> usize {
        self.shared.chunk
    }
}

impl<U, I, S> Timeline<U, I, S>
where
    U: Hash + Eq + Clone,
    I: Ord + Clone,
    S: Store<U, I, Error: Into<BoxError>>,
{
    /// Pushes an item to those of these lists that exist, in one call of the store.
    ///
    /// Harmless when repeated: an item stands once.
    ///
    /// # Errors
    ///
    /// If the store fails; some lists may have the item then.
    pub async fn push(&self, item: &Item<I>, lists: &[U]) -> Result<Pushed, S::Error> {
        let pushed = self.shared.store.push(lists, item, self.shared.length).await;
        let pushed = pushed.inspect_err(|_| self.shared.tell(Turn::PushFailed))?;
        self.shared.reached.add(pushed.reached);
        self.shared.absent.add(pushed.absent);
        self.shared.trimmed.add(pushed.trimmed);
        Ok(pushed)
    }

    /// A push to many lists, chunk by chunk, that can stop and go on.
    pub fn fan_out<T>(&self, item: Item<I>, targets: T) -> FanOut<'_, U, I, S, T::IntoIter>
    where
        T: IntoIterator<Item = U>,
    {
        FanOut::new(self, item, targets.into_iter())
    }

    /// A page of `count` items (at least one) below a cursor; if the list is absent, it is rebuilt first.
    ///
    /// `load` gives the newest items of the list, at best as many as its length. However many read an
    /// absent list, one loads.
    ///
    /// # Errors
    ///
    /// If the loader or the store fails: its error, or for those who waited for the load one whose
    /// source it is. The next read tries again.
    ///
    /// # Cancel safety
    ///
    /// A read that is dropped while it loads hands the load over to another who waits for it.
    pub async fn read<F, L>(
        &self,
        list: &U,
        below: Option<&Item<I>>,
        count: usize,
        mut load: F,
    ) -> Result<Page<I>, BoxError>
    where
        F: FnMut(U) -> L,
        L: Future<Output = Result<Rebuilt<I>, BoxError>>,
    {
        let load = |lists: Vec<U>| {
            let loads: Vec<_> = lists.into_iter().map(|list| (list.clone(), load(list))).collect();
            async {
                let mut rebuilt = Vec::with_capacity(1); // it is one list
                for (list, load) in loads {
                    rebuilt.push((list, load.await?));
                }
                Ok(rebuilt)
            }
        };
        self.read_merged(slice::from_ref(list), below, count, load).await
    }

    /// A page of several lists in one: a reader's own, and those of authors who are pulled.
    ///
    /// Authors' lists are lists of this timeline too (let `U` be an enum of both). Those that are absent and
    /// that nobody rebuilds are rebuilt by one call of `load`, which gets them all; one that it does not give
    /// is empty.
    ///
    /// # Errors
    ///
    /// If the loader or the store fails, for any of them.
    ///
    /// # Cancel safety
    ///
    /// As [`read`](Self::read).
    pub async fn read_merged<F, L, A>(
        &self,
        lists: &[U],
        below: Option<&Item<I>>,
        count: usize,
        load: F,
    ) -> Result<Page<I>, BoxError>
    where
        F: FnMut(Vec<U>) -> L,
        L: Future<Output = Result<A, BoxError>>,
        A: IntoIterator<Item = (U, Rebuilt<I>)>,
    {
        let count = count.max(1);
        self.shared.reads.add(1);
        let mut pages = self.shared.store.read(lists, below, count).await.map_err(Into::into)?;
        if pages.iter().any(Option::is_none) {
            self.rebuild(lists, below, count, &mut pages, load).await?;
        }
        Ok(Page::merge(pages.into_iter().flatten(), count))
    }

    /// Removes lists: pushes skip them, and the next read rebuilds them, also if one is under way.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn remove(&self, lists: &[U]) -> Result<(), S::Error> {
        // The store before the flights: a rebuild that begins between the two holds a new ticket.
        self.shared.store.remove(lists).await?;
        for list in lists {
            self.shared.flights.forget(list);
        }
        Ok(())
    }
}

impl<U: Send + Sync, I: Send + Sync, S: Send + Sync> Observe for Shared<U, I, S> {
    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }
}

impl<U, I, S> Clone for Timeline<U, I, S> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<U, I, S> fmt::Debug for Timeline<U, I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("name", &self.shared.name)
            .field("length", &self.shared.length)
            .finish_non_exhaustive()
    }
}
