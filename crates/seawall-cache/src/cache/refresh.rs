//! Loads that nobody waits for: bounded, counted, and each in a task of its own.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use seawall_core::Nanos;

use super::{
    Turn,
    ask::For,
    load::{Course, Way, load},
    shared::Shared,
};
use crate::{
    Entry, Loaded, Store,
    flight::{Place, Slot},
    l2::Ask,
};

/// A load in the background, for whoever [spawns](crate::CacheBuilder::spawn) it.
///
/// Dropped unfinished, it gives its turn to whoever waits for the key.
///
/// # Panics
///
/// When the load does: those who wait know already.
#[must_use = "a load that is not spawned is handed to the next who waits for it"]
pub struct Background {
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Background {
    pub(super) fn new<V: Send + 'static, E: Send + Sync + 'static>(
        course: Course<V, E>,
        place: Slot,
    ) -> Self {
        Self::of(async move { drop(course.await) }, place)
    }

    pub(super) fn of(work: impl Future<Output = ()> + Send + 'static, place: Slot) -> Self {
        Self::free(async move {
            let _place = place;
            work.await;
        })
    }

    /// One that is not counted among the loads.
    pub(super) fn free(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { work: Box::pin(work) }
    }
}

impl Future for Background {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work.as_mut().poll(cx)
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

/// Starts a task.
pub(super) type Spawn = Arc<dyn Fn(Background) + Send + Sync>;

impl<K, V, E, S> Shared<K, V, E, S> {
    /// Has it spawned; gives it back where nobody takes it.
    pub(super) fn give(&self, task: Background) -> Option<Background> {
        if self.tasks.can_spawn() {
            self.tasks.spawn(task);
            return None;
        }
        Some(task)
    }

    /// What is still fresh until `seen` is to be renewed; what is not may have been, elsewhere.
    pub(super) fn ask_for(&self, seen: Nanos) -> Ask {
        if self.clock.now() < seen { Ask::Renewal } else { Ask::Value }
    }

    pub(super) fn refused(&self) {
        self.stats.refreshes_refused.add(1);
        self.tell(Turn::RefreshRefused);
    }
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    V: Send + 'static,
    E: Send + Sync + 'static,
{
    /// Lets a load go on for which its caller does not wait any more.
    ///
    /// # Errors
    ///
    /// Gives it back where nobody takes it.
    pub(super) fn detach(&self, course: Course<V, E>) -> Result<(), Course<V, E>> {
        if !self.tasks.can_spawn() {
            return Err(course);
        }
        let Some(place) = self.refreshes.try_enter() else {
            self.refused();
            return Err(course);
        };
        self.tasks.spawn(Background::new(course, place));
        Ok(())
    }
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Loads what was fresh until `seen` anew, unless somebody does.
    ///
    /// Returns the load where nobody takes tasks: its caller makes it, before it answers.
    pub(super) fn refresh<Q, F, L, R>(
        self: &Arc<Self>,
        key: &Q,
        seen: Nanos,
        begin: F,
    ) -> Option<Background>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<Loaded<V>> + 'static,
    {
        let leader = self.flights.try_lead(key)?;
        if let Some(landed) = self.published(key, Some(seen)) {
            let _ = leader.settle(Ok(landed));
            return None;
        }
        let place = self.refreshes.try_enter();
        let way = match &self.level {
            None => self.cap.try_enter().map(|slot| Way::Turn(Place::from(slot))),
            Some(level) => Some(Way::Ask(level.clone(), For::Later(seen, self.ask_for(seen)))),
        };
        let (Some(place), Some(way)) = (place, way) else {
            drop(leader); // who has joined meanwhile loads for itself
            self.refused();
            return None;
        };
        self.stats.refreshes.add(1);
        let course = load(self.clone(), leader, way, begin);
        let task = Background::new(Box::pin(course), place);
        self.give(task)
    }
}
