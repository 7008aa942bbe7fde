//! The handle: push, read, rebuild on a miss.

use std::{fmt, hash::Hash, marker::PhantomData, slice, sync::Arc};

use seawall_core::{BoxError, Name, Observe, Registry, Snapshot, sync::Stat};

use super::{FanOut, Item, Page, Pushed, Rebuilt, Store, TimelineBuilder, list::List};
use crate::{LoadError, SingleFlight};

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

/// `None`: the list was there when its turn came.
type Flights<U, I> = SingleFlight<U, Option<Arc<Rebuilt<I>>>, BoxError>;

pub(super) struct Shared<U, I, S> {
    name: Name,
    length: usize,
    pub(super) chunk: usize,
    store: S,
    flights: Flights<U, I>,
    reads: Stat,
    rebuilds: Stat,
    reached: Stat,
    absent: Stat,
    trimmed: Stat,
    items: PhantomData<fn() -> I>,
}

impl<U, I, S> Shared<U, I, S> {
    pub(super) fn new(from: TimelineBuilder<S>, flights: Flights<U, I>) -> Self {
        let TimelineBuilder { name, length, chunk, store } = from;
        let [reads, rebuilds, reached, absent, trimmed] = [const { Stat::new(0) }; 5];
        let items = PhantomData;
        Self {
            name,
            length,
            chunk,
            store,
            flights,
            reads,
            rebuilds,
            reached,
            absent,
            trimmed,
            items,
        }
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
        TimelineBuilder { name: name.into(), length: 800, chunk: 500, store: () }
    }
}

impl<U, I, S> Timeline<U, I, S> {
    pub(super) const fn new(shared: Arc<Shared<U, I, S>>) -> Self {
        Self { shared }
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
        let pushed = self.shared.store.push(lists, item, self.shared.length).await?;
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
        self.read_merged(slice::from_ref(list), below, count, &mut load).await
    }

    /// A page of several lists in one: a reader's own, and those of authors who are pulled.
    ///
    /// Authors' lists are lists of this timeline too (let `U` be an enum of both). Absent ones are rebuilt
    /// one after the other.
    ///
    /// # Errors
    ///
    /// If the loader or the store fails, for any of them.
    ///
    /// # Cancel safety
    ///
    /// As [`read`](Self::read).
    pub async fn read_merged<F, L>(
        &self,
        lists: &[U],
        below: Option<&Item<I>>,
        count: usize,
        mut load: F,
    ) -> Result<Page<I>, BoxError>
    where
        F: FnMut(U) -> L,
        L: Future<Output = Result<Rebuilt<I>, BoxError>>,
    {
        let count = count.max(1);
        self.shared.reads.add(1);
        let mut pages = Vec::with_capacity(lists.len());
        let found = self.shared.store.read(lists, below, count).await.map_err(Into::into)?;
        for (list, page) in lists.iter().zip(found) {
            pages.push(match page {
                Some(page) => page,
                None => self.rebuild(list, below, count, &mut load).await?,
            });
        }
        Ok(Page::merge(pages, count))
    }

    async fn rebuild<F, L>(
        &self,
        list: &U,
        below: Option<&Item<I>>,
        count: usize,
        load: &mut F,
    ) -> Result<Page<I>, BoxError>
    where
        F: FnMut(U) -> L,
        L: Future<Output = Result<Rebuilt<I>, BoxError>>,
    {
        let Shared { store, flights, length, rebuilds, .. } = &*self.shared;
        let one = slice::from_ref(list);
        loop {
            let flight = flights.run(list.clone(), || async {
                // Another rebuild may have ended between the miss and this flight.
                if let [Some(_)] = &*store.read(one, below, 1).await.map_err(Into::into)? {
                    return Ok(None);
                }
                rebuilds.add(1);
                // Before the load: what is pushed from here on is gathered, the rest is in the source.
                let ticket = store.open(list).await.map_err(Into::into)?;
                let rebuilt = load(list.clone()).await?;
                store.install(list, ticket, rebuilt.clone(), *length).await.map_err(Into::into)?;
                Ok(Some(Arc::new(rebuilt)))
            });
            let rebuilt = flight
                .await
                .map_err(|error| error.map_inner(LoadError::boxed).flatten::<BoxError>())?;
            let found = store.read(one, below, count).await.map_err(Into::into)?;
            if let Some(page) = found.into_iter().next().flatten() {
                return Ok(page);
            }
            // Removed or evicted meanwhile: what was loaded is still an answer for this read.
            if let Some(rebuilt) = rebuilt {
                let mut own = List::new();
                own.merge(Rebuilt::clone(&rebuilt), *length);
                return Ok(own.page(below, count));
            }
        }
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
