//! The futures of a single flight: a call that loads in its own task, one that does not, and the task.

use std::{
    fmt,
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::{Error, Reason, Rejection};

use super::{
    Entry, Follower, Landing, Leader, LoadError,
    course::{Course, TWICE},
    shared::{Answer, Shared},
};

pin_project! {
    /// A call that loads in its own task, if it is the one to load: made by
    /// [`SingleFlight::run`](super::SingleFlight::run).
    ///
    /// It asks when it is first polled.
    ///
    /// # Panics
    ///
    /// When its load does, and when it is polled again after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct Run<K, V, E, F, L> {
        #[pin]
        course: Course<K, V, E, F, L>,
    }
}

impl<K, V, E, F, L> Run<K, V, E, F, L> {
    pub(super) const fn new(shared: Arc<Shared<K, V, E>>, key: K, load: F) -> Self {
        Self { course: Course::new(shared, key, load) }
    }
}

impl<K, V, E, F, L> Future for Run<K, V, E, F, L>
where
    K: Hash + Eq + Clone,
    V: Clone,
    F: FnOnce() -> L,
    L: Future<Output = Result<V, E>>,
{
    type Output = Answer<V, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().course.poll_by(cx, |load| load())
    }
}

pin_project! {
    /// A load as a task of its own: made by [`SingleFlight::run_detached`](super::SingleFlight::run_detached)
    /// for whoever spawns it.
    ///
    /// # Panics
    ///
    /// When the load does: those who wait know already.
    #[must_use = "a load that is not spawned is handed to the next who waits for it"]
    pub struct LoadTask<K, V, E, F, L> {
        #[pin]
        course: Course<K, V, E, F, L>,
    }
}

impl<K, V, E, F, L> Future for LoadTask<K, V, E, F, L>
where
    K: Hash + Eq + Clone,
    V: Clone,
    F: FnOnce() -> L,
    L: Future<Output = Result<V, E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut course = self.project().course;
        if course.as_mut().is_deserted(cx) {
            return Poll::Ready(());
        }
        course.poll_by(cx, |load| load()).map(drop)
    }
}

/// A call whose load is a task of its own: made by
/// [`SingleFlight::run_detached`](super::SingleFlight::run_detached).
///
/// It asks when it is first polled.
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "futures do nothing unless polled"]
pub struct Detached<K, V, E, F, L, S> {
    shared: Arc<Shared<K, V, E>>,
    stage: Stage<K, V, E>,
    /// Until this call's load was spawned.
    load: Option<(F, S)>,
    makes: std::marker::PhantomData<fn() -> L>,
}

enum Stage<K, V, E> {
    Asks(K),
    Follows(Follower<K, Answer<V, E>>),
    Over,
}

/// Nothing in it is pinned: the load is in the task.
impl<K, V, E, F, L, S> Unpin for Detached<K, V, E, F, L, S> {}

impl<K, V, E, F, L, S> Detached<K, V, E, F, L, S> {
    pub(super) const fn new(shared: Arc<Shared<K, V, E>>, key: K, load: F, spawn: S) -> Self {
        let load = Some((load, spawn));
        Self { shared, stage: Stage::Asks(key), load, makes: std::marker::PhantomData }
    }
}

impl<K, V, E, F, L, S> Detached<K, V, E, F, L, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: FnOnce(LoadTask<K, V, E, F, L>),
{
    /// Has its load spawned, and follows it.
    fn spawn(
        &mut self,
        leader: Leader<K, Answer<V, E>>,
    ) -> Result<Follower<K, Answer<V, E>>, Rejection> {
        let Some((load, spawn)) = self.load.take() else {
            // Its own task was dropped; whoever waits besides has a load yet.
            return Err(Rejection::new(Reason::ShuttingDown, self.shared.name.clone()));
        };
        let place = match self.shared.enter() {
            Ok(place) => place,
            Err(refused) => {
                let _ = leader.settle(Err(refused.clone().into()));
                return Err(refused);
            }
        };
        let follower = leader.follow();
        if self.shared.config.cancel_deserted {
            leader.watch_desertion();
        }
        spawn(LoadTask { course: Course::queueing(self.shared.clone(), leader, place, load) });
        Ok(follower)
    }
}

impl<K, V, E, F, L, S> Future for Detached<K, V, E, F, L, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    F: FnOnce() -> L,
    L: Future<Output = Result<V, E>>,
    S: FnOnce(LoadTask<K, V, E, F, L>),
{
    type Output = Answer<V, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let leader = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Asks(key) => match self.shared.flights.join_or_lead(&key) {
                    Entry::Leads(leader) => leader,
                    Entry::Follows(follower) if follower.waits_for_itself() => {
                        return Poll::Ready(Err(Error::Inner(LoadError::Recursive)));
                    }
                    Entry::Follows(follower) => {
                        self.stage = Stage::Follows(follower);
                        continue;
                    }
                },
                Stage::Follows(mut follower) => {
                    let landing = match follower.poll(cx) {
                        Poll::Ready(landing) => landing,
                        Poll::Pending => {
                            self.stage = Stage::Follows(follower);
                            return Poll::Pending;
                        }
                    };
                    match landing {
                        Landing::Leads(leader) => leader,
                        landing => return Poll::Ready(landing.into_answer()),
                    }
                }
                Stage::Over => panic!("{TWICE}"),
            };
            match self.spawn(leader) {
                Ok(follower) => self.stage = Stage::Follows(follower),
                Err(refused) => return Poll::Ready(Err(refused.into())),
            }
        }
    }
}

impl<K, V, E, F, L> fmt::Debug for Run<K, V, E, F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl<K, V, E, F, L> fmt::Debug for LoadTask<K, V, E, F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadTask").finish_non_exhaustive()
    }
}

impl<K, V, E, F, L, S> fmt::Debug for Detached<K, V, E, F, L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").finish_non_exhaustive()
    }
}
