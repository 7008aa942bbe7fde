//! A call for many keys: those that nobody loads are loaded by one batch.
//!
//! ```text
//!  Asks --> claims --+--> Queues ----> Loads ----+--> Follows ----> answered
//!                    ^   those it leads          |       |
//!                    +---------------------------+       | a leader is gone: its key is ours
//!                    +-----------------------------------+
//! ```

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::Error;

use super::{
    LoadError, Place, Slot,
    bulk::{Claims, Led},
    course::TWICE,
    leader,
    shared::{Answer, Shared},
};

pin_project! {
    /// A call for many keys: made by [`SingleFlight::run_many`](super::SingleFlight::run_many).
    ///
    /// It asks when it is first polled.
    ///
    /// # Panics
    ///
    /// When its load does, and when it is polled again after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct RunMany<K, V, E, F, L> {
        shared: Arc<Shared<K, V, E>>,
        keys: Vec<K>,
        load: F,
        answers: Vec<Option<Answer<V, E>>>,
        claims: Claims<K, Answer<V, E>>,
        #[pin]
        stage: Stage<K, V, E, L>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<K, V, E, L> {
        Asks,
        Queues { led: Option<Led<K, Answer<V, E>>>, place: Place },
        // Dropped in this order: the flights are out of the table before their load is cancelled.
        Loads { led: Led<K, Answer<V, E>>, #[pin] load: L, slot: Slot },
        Follows,
        Over,
    }
}

impl<K, V, E, F, L> RunMany<K, V, E, F, L> {
    pub(super) fn new(shared: Arc<Shared<K, V, E>>, keys: Vec<K>, load: F) -> Self {
        let answers = keys.iter().map(|_| None).collect();
        let claims = Claims::default();
        Self { shared, keys, load, answers, claims, stage: Stage::Asks }
    }
}

impl<K, V, E, F, L, A> Future for RunMany<K, V, E, F, L>
where
    K: Hash + Eq + Clone,
    V: Clone,
    F: FnMut(Vec<K>) -> L,
    L: Future<Output = Result<A, E>>,
    A: IntoIterator<Item = (K, V)>,
{
    type Output = Vec<Answer<V, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (answers, claims, mut stage) = (this.answers, this.claims, this.stage);
        loop {
            match stage.as_mut().project() {
                StageProjection::Asks => {
                    *claims = this.shared.flights.claim(&*this.keys);
                    claims.drop_own(|index| {
                        answers[index] = Some(Err(Error::Inner(LoadError::Recursive)));
                    });
                }
                StageProjection::Queues { led, place } => {
                    let slot = ready!(place.poll(cx));
                    let mut led = led.take().expect(TWICE);
                    let keys = led.leaders.iter().map(|leader| leader.key().clone()).collect();
                    this.shared.loads.add(1);
                    match leader::guard(&mut led.leaders, || (this.load)(keys)) {
                        Ok(load) => stage.set(Stage::Loads { led, load, slot }),
                        Err(panic) => {
                            *claims = Claims::default();
                            stage.set(Stage::Over);
                            resume_unwind(panic)
                        }
                    }
                    continue;
                }
                StageProjection::Loads { led, load, .. } => {
                    let loaded = match leader::guard(&mut led.leaders, || load.poll(cx)) {
                        Ok(polled) => ready!(polled),
                        Err(panic) => {
                            *claims = Claims::default();
                            stage.set(Stage::Over);
                            resume_unwind(panic)
                        }
                    };
                    let led = std::mem::take(led);
                    stage.set(Stage::Over); // the slot is free before anybody is told
                    settle(this.shared, led, loaded, answers);
                }
                StageProjection::Follows => {
                    ready!(claims.poll_landings(cx, |index, landing| {
                        answers[index] = Some(landing.into_answer());
                    }));
                    if claims.is_over() {
                        stage.set(Stage::Over);
                        let answers = std::mem::take(answers).into_iter();
                        let all = answers.map(|answer| answer.expect("every key is over"));
                        return Poll::Ready(all.collect());
                    }
                }
                StageProjection::Over => panic!("{TWICE}"),
            }
            let led = claims.take_led();
            if led.leaders.is_empty() {
                stage.set(Stage::Follows);
                continue;
            }
            match this.shared.enter() {
                Ok(place) => stage.set(Stage::Queues { led: Some(led), place }),
                Err(refused) => {
                    for (index, leader) in led {
                        answers[index] = Some(leader.settle(Err(refused.clone().into())));
                    }
                    stage.set(Stage::Follows);
                }
            }
        }
    }
}

/// Ends each flight of a batch by itself.
fn settle<K: Hash + Eq + Clone, V: Clone, E>(
    shared: &Shared<K, V, E>,
    led: Led<K, Answer<V, E>>,
    loaded: Result<impl IntoIterator<Item = (K, V)>, E>,
    answers: &mut [Option<Answer<V, E>>],
) {
    let loaded = shared.answer(loaded).map(|all| all.into_iter().collect::<HashMap<_, _>>());
    match loaded {
        Ok(mut values) => {
            for (index, leader) in led {
                let value = values.remove(leader.key());
                let answer = value.ok_or(Error::Inner(LoadError::Absent));
                answers[index] = Some(leader.settle(answer));
            }
        }
        Err(error) => {
            for (index, leader) in led {
                answers[index] = Some(leader.settle(Err(error.clone())));
            }
        }
    }
}

impl<K, V, E, F, L> fmt::Debug for RunMany<K, V, E, F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunMany").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
