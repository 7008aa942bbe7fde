//! The life of one call, led or followed, in its own task.
//!
//! ```text
//!  Asks ----> Follows ----------------------------> answered
//!    |           | the leader is gone                  ^
//!    +-----------+--> Queues ----> Loads --------------+
//!     nobody loads      |  a slot                      |
//!                       +-- the line is full: refused -+
//! ```

use std::{
    hash::Hash,
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::Error;

use super::{
    Entry, Follower, Landing, Leader, LoadError, Place, Slot,
    shared::{Answer, Shared},
};

pub(super) const TWICE: &str = "a call is not polled after it was over";

pin_project! {
    /// One call; `F` is what it would load by, and `L` the load that it makes of it.
    pub(crate) struct Course<K, V, E, F, L> {
        shared: Arc<Shared<K, V, E>>,
        #[pin]
        stage: Stage<K, V, E, F, L>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<K, V, E, F, L> {
        Asks { key: K, load: Option<F> },
        Follows { follower: Follower<K, Answer<V, E>>, load: Option<F> },
        Queues { leader: Option<Leader<K, Answer<V, E>>>, place: Place, load: Option<F> },
        // Dropped in this order: the flight is out of the table before its load is cancelled, and the
        // slot is free when that is over.
        Loads { leader: Option<Leader<K, Answer<V, E>>>, #[pin] load: L, slot: Slot },
        Over,
    }
}

impl<K, V, E, F, L> Course<K, V, E, F, L> {
    /// Asks when it is first polled.
    pub(super) const fn new(shared: Arc<Shared<K, V, E>>, key: K, load: F) -> Self {
        Self { shared, stage: Stage::Asks { key, load: Some(load) } }
    }

    /// Follows already; leads by `load` if it comes to that.
    pub(crate) const fn following(
        shared: Arc<Shared<K, V, E>>,
        follower: Follower<K, Answer<V, E>>,
        load: F,
    ) -> Self {
        Self { shared, stage: Stage::Follows { follower, load: Some(load) } }
    }

    /// Leads, and has begun to load.
    #[cfg(feature = "tower")]
    pub(crate) fn loading(
        shared: Arc<Shared<K, V, E>>,
        leader: Leader<K, Answer<V, E>>,
        load: L,
        slot: Slot,
    ) -> Self {
        shared.loads.add(1);
        Self { shared, stage: Stage::Loads { leader: Some(leader), load, slot } }
    }

    /// Leads; begins to load when it has a slot.
    pub(crate) fn queueing(
        shared: Arc<Shared<K, V, E>>,
        leader: Leader<K, Answer<V, E>>,
        place: Place,
        load: F,
    ) -> Self {
        Self { shared, stage: Stage::Queues { leader: Some(leader), place, load: Some(load) } }
    }

    /// Whether it leads, and nobody follows any more; it is over then.
    pub(super) fn is_deserted(mut self: Pin<&mut Self>, cx: &Context<'_>) -> bool {
        let deserted = match self.as_mut().project().stage.project() {
            StageProjection::Queues { leader, .. } | StageProjection::Loads { leader, .. } => {
                leader.as_ref().is_some_and(|leader| leader.is_deserted(cx))
            }
            _ => false,
        };
        if deserted {
            self.project().stage.set(Stage::Over);
        }
        deserted
    }
}

impl<K: Hash + Eq + Clone, V: Clone, E, F, L> Course<K, V, E, F, L>
where
    L: Future<Output = Result<V, E>>,
{
    pub(crate) fn poll_by(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        begin: impl FnOnce(F) -> L,
    ) -> Poll<Answer<V, E>> {
        let this = self.project();
        let (shared, mut stage) = (this.shared, this.stage);
        let mut begin = Some(begin);
        loop {
            let leads = match stage.as_mut().project() {
                StageProjection::Asks { key, load } => match shared.flights.join_or_lead(key) {
                    Entry::Leads(leader) => (leader, load.take()),
                    Entry::Follows(follower) if follower.waits_for_itself() => {
                        stage.set(Stage::Over);
                        return Poll::Ready(Err(Error::Inner(LoadError::Recursive)));
                    }
                    Entry::Follows(follower) => {
                        let load = load.take();
                        stage.set(Stage::Follows { follower, load });
                        continue;
                    }
                },
                StageProjection::Follows { follower, load } => match ready!(follower.poll(cx)) {
                    Landing::Leads(leader) => (leader, load.take()),
                    landing => {
                        stage.set(Stage::Over);
                        return Poll::Ready(landing.into_answer());
                    }
                },
                StageProjection::Queues { leader, place, load } => {
                    let slot = ready!(place.poll(cx));
                    let mut leader = leader.take().expect(TWICE);
                    let load = load.take().expect(TWICE);
                    shared.loads.add(1);
                    let begin = begin.take().expect("a load is begun once");
                    match leader.guard(|| begin(load)) {
                        Ok(load) => {
                            stage.set(Stage::Loads { leader: Some(leader), load, slot });
                            continue;
                        }
                        Err(panic) => {
                            drop(slot);
                            stage.set(Stage::Over);
                            resume_unwind(panic)
                        }
                    }
                }
                StageProjection::Loads { leader, load, .. } => {
                    let polled = leader.as_mut().expect(TWICE).poll_load(load, cx);
                    let loaded = match polled {
                        Ok(polled) => ready!(polled),
                        Err(panic) => {
                            stage.set(Stage::Over);
                            resume_unwind(panic)
                        }
                    };
                    let leader = leader.take().expect(TWICE);
                    stage.set(Stage::Over); // the slot is free before anybody is told
                    return Poll::Ready(leader.settle(shared.answer(loaded)));
                }
                StageProjection::Over => panic!("{TWICE}"),
            };
            let (leader, load) = leads;
            match shared.enter() {
                Ok(place) => stage.set(Stage::Queues { leader: Some(leader), place, load }),
                Err(refused) => {
                    stage.set(Stage::Over);
                    return Poll::Ready(leader.settle(Err(refused.into())));
                }
            }
        }
    }
}

impl<K, V, E> Landing<K, Answer<V, E>> {
    /// What a follower answers with; it does not lead.
    pub(super) fn into_answer(self) -> Answer<V, E> {
        match self {
            Self::Landed(Err(Error::Rejected(refused))) => Err(refused.into()), // marks this thread too
            Self::Landed(answer) => answer,
            Self::Panicked(panicked) => Err(Error::Inner(LoadError::Panicked(panicked))),
            Self::Leads(_) => unreachable!("a leader has no answer yet"),
        }
    }
}
