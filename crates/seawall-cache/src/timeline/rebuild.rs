//! Absent lists, rebuilt: those that nobody rebuilds by one load.

use std::{collections::HashMap, hash::Hash};

use seawall_core::{BoxError, sync::Mutex};

use super::{Item, Page, Rebuilt, Store, Timeline, Turn, list::List};
use crate::LoadError;

impl<U, I, S> Timeline<U, I, S>
where
    U: Hash + Eq + Clone,
    I: Ord + Clone,
    S: Store<U, I, Error: Into<BoxError>>,
{
    /// Fills the pages that are not there.
    pub(super) async fn rebuild<F, L, A>(
        &self,
        lists: &[U],
        below: Option<&Item<I>>,
        count: usize,
        pages: &mut [Option<Page<I>>],
        load: F,
    ) -> Result<(), BoxError>
    where
        F: FnMut(Vec<U>) -> L,
        L: Future<Output = Result<A, BoxError>>,
        A: IntoIterator<Item = (U, Rebuilt<I>)>,
    {
        let shared = self.shared();
        let load = &Mutex::new(load); // locked to begin a load, and not while it runs
        let own = &Mutex::new(HashMap::new());
        loop {
            let open: Vec<_> = (0..pages.len()).filter(|&index| pages[index].is_none()).collect();
            if open.is_empty() {
                return Ok(());
            }
            let absent: Vec<_> = open.iter().map(|&index| lists[index].clone()).collect();
            let flights = shared.flights.run_many(absent.clone(), |led| async move {
                let loaded = self.load_led(&led, load).await;
                own.lock().extend(loaded.inspect_err(|_| shared.tell(Turn::RebuildFailed))?);
                Ok(led.into_iter().map(|list| (list, ())))
            });
            for answer in flights.await {
                answer.map_err(|error| error.map_inner(LoadError::boxed).flatten::<BoxError>())?;
            }
            let found = shared.store.read(&absent, below, count).await.map_err(Into::into)?;
            // Removed or evicted meanwhile: what this read has loaded is still an answer for it. What
            // another one has is not: pushes from before this read are missing in it if they came after
            // that load began, and what gathered them is gone. So it asks again, and may load.
            let own = own.lock();
            for (index, page) in open.into_iter().zip(found) {
                let loaded = |rebuilt: &Rebuilt<I>| {
                    let mut alone = List::new();
                    alone.merge(rebuilt.clone(), shared.length);
                    alone.page(below, count)
                };
                pages[index] = page.or_else(|| own.get(&lists[index]).map(loaded));
            }
        }
    }

    /// One load for all lists that this caller leads, but for those that are there when their turn comes.
    async fn load_led<F, L, A>(
        &self,
        led: &[U],
        load: &Mutex<F>,
    ) -> Result<Vec<(U, Rebuilt<I>)>, BoxError>
    where
        F: FnMut(Vec<U>) -> L,
        L: Future<Output = Result<A, BoxError>>,
        A: IntoIterator<Item = (U, Rebuilt<I>)>,
    {
        let shared = self.shared();
        // Another rebuild may have ended between the miss and this flight.
        let found = shared.store.read(led, None, 1).await.map_err(Into::into)?;
        let mut opened = Vec::new();
        for (list, _) in led.iter().zip(found).filter(|(_, page)| page.is_none()) {
            // Before the load: what is pushed from here on is gathered, the rest is in the source.
            let ticket = shared.store.open(list).await.map_err(Into::into)?;
            opened.push((list.clone(), ticket));
        }
        if opened.is_empty() {
            return Ok(Vec::new());
        }
        shared.rebuilds.add(opened.len() as u64);
        let absent = opened.iter().map(|(list, _)| list.clone()).collect();
        let loading = {
            let mut load = load.lock();
            load(absent)
        };
        let mut loaded: HashMap<_, _> = loading.await?.into_iter().collect();
        let mut own = Vec::with_capacity(opened.len());
        for (list, ticket) in opened {
            let rebuilt = loaded.remove(&list).unwrap_or_else(|| Rebuilt::complete([]));
            let install = shared.store.install(&list, ticket, rebuilt.clone(), shared.length);
            if !install.await.map_err(Into::into)? {
                shared.tell(Turn::RebuildOutdated);
            }
            own.push((list, rebuilt));
        }
        Ok(own)
    }
}
