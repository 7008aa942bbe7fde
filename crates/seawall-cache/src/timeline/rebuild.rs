//! Absent lists, rebuilt: those that nobody rebuilds by one load.

use std::{collections::HashMap, hash::Hash, sync::Arc};

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
        loop {
            let open: Vec<_> = (0..pages.len()).filter(|&index| pages[index].is_none()).collect();
            if open.is_empty() {
                return Ok(());
            }
            let absent: Vec<_> = open.iter().map(|&index| lists[index].clone()).collect();
            let flights = shared.flights.run_many(absent.clone(), |led| async move {
                let loaded = self.load_led(led, load).await;
                loaded.inspect_err(|_| shared.tell(Turn::RebuildFailed))
            });
            let mut rebuilt = Vec::with_capacity(open.len());
            for answer in flights.await {
                let answer =
                    answer.map_err(|error| error.map_inner(LoadError::boxed).flatten::<BoxError>());
                rebuilt.push(answer?);
            }
            let found = shared.store.read(&absent, below, count).await.map_err(Into::into)?;
            for ((index, page), rebuilt) in open.into_iter().zip(found).zip(rebuilt) {
                // Removed or evicted meanwhile: what was loaded is still an answer for this read.
                let own = |rebuilt: Arc<Rebuilt<I>>| {
                    let mut own = List::new();
                    own.merge(Rebuilt::clone(&rebuilt), shared.length);
                    own.page(below, count)
                };
                pages[index] = page.or_else(|| rebuilt.map(own));
            }
        }
    }

    /// One load for all lists that this caller leads: what each was found to be, or `None` where it was
    /// there when its turn came.
    async fn load_led<F, L, A>(
        &self,
        led: Vec<U>,
        load: &Mutex<F>,
    ) -> Result<Vec<(U, Option<Arc<Rebuilt<I>>>)>, BoxError>
    where
        F: FnMut(Vec<U>) -> L,
        L: Future<Output = Result<A, BoxError>>,
        A: IntoIterator<Item = (U, Rebuilt<I>)>,
    {
        let shared = self.shared();
        // Another rebuild may have ended between the miss and this flight.
        let found = shared.store.read(&led, None, 1).await.map_err(Into::into)?;
        let mut outcomes = Vec::with_capacity(led.len());
        let mut opened = Vec::new();
        for (list, page) in led.into_iter().zip(found) {
            if page.is_some() {
                outcomes.push((list, None));
                continue;
            }
            // Before the load: what is pushed from here on is gathered, the rest is in the source.
            let ticket = shared.store.open(&list).await.map_err(Into::into)?;
            opened.push((list, ticket));
        }
        if opened.is_empty() {
            return Ok(outcomes);
        }
        shared.rebuilds.add(opened.len() as u64);
        let absent = opened.iter().map(|(list, _)| list.clone()).collect();
        let loading = {
            let mut load = load.lock();
            load(absent)
        };
        let mut loaded: HashMap<_, _> = loading.await?.into_iter().collect();
        for (list, ticket) in opened {
            let rebuilt = loaded.remove(&list).unwrap_or_else(|| Rebuilt::complete([]));
            let install = shared.store.install(&list, ticket, rebuilt.clone(), shared.length);
            if !install.await.map_err(Into::into)? {
                shared.tell(Turn::RebuildOutdated);
            }
            outcomes.push((list, Some(Arc::new(rebuilt))));
        }
        Ok(outcomes)
    }
}
