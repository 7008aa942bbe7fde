//! What a call is about: a key, and which of the members has it.
//!
//! ```text
//!                  shard map                the first five runs        from the sixth on
//!   key-4711 ──▶ slot 1702 of 4096 ──▶      member-b alone             member-b, a copy at member-c
//!                                                  │                      │           │
//!   member-b refuses, hangs, is gone:           nobody                    ╳ ────────▶ the copy
//! ```
//!
//! The map is the same in all runs but for the number of copies, so that a key has the same home in all of
//! them, and a member that falls ill takes the same keys with it. Which member has a key is one look into a
//! table: nobody is asked, and all clients agree.
//!
//! Copies cost a second place for each key, and what keeps them alike; the storm only reads. A copy is asked
//! where the home has *refused*, and was not asked: what hangs or fails is the retries' to try again.

use fastrand::Rng;
use seawall_core::{BoxError, ConfigError};
use seawall_shard::{Node, ShardKey, ShardMap, Sharded, sharded::was_refused};
use tower::util::BoxCloneSyncService;

use crate::{
    client::{Ask, Calls},
    defence::Defence,
    fleet::{NAMES, SICK},
};

/// How many keys are asked for, each as often as another.
const KEYS: u32 = 10_000;

/// How many members have a key, where there are copies.
const WITH_A_COPY: u32 = 2;

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u32);

impl Key {
    /// The page that everybody reads, in the second act.
    pub(crate) const PAGE: Self = Self(0);

    /// A photo, in the third act.
    pub(crate) const fn of_photo(number: u32) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    pub(crate) fn any(rng: &mut Rng) -> Self {
        Self(rng.u32(..KEYS))
    }

    /// One that lives at the member `name`.
    pub(crate) fn at(name: &str, map: &ShardMap) -> Option<Self> {
        (0..KEYS).map(Self).find(|key| map.lookup(key).name() == name)
    }

    /// Whether it lives at the member that falls ill.
    pub(crate) fn is_of_sick(self, map: &ShardMap) -> bool {
        map.lookup(&self).name() == NAMES[SICK]
    }
}

impl ShardKey for Key {
    fn shard_hash(&self) -> u64 {
        self.0.to_be_bytes().shard_hash()
    }
}

/// Which members have which keys, in a run.
pub(crate) fn map(defence: Defence) -> Result<ShardMap, ConfigError> {
    let copies = if defence >= Defence::Replicas { WITH_A_COPY } else { 1 };
    ShardMap::builder("fleet").nodes(NAMES.map(Node::new)).replicas(copies).build()
}

/// All members: each call goes to the one that has its key, and where that refuses to the one with the copy.
pub(crate) fn sharded(
    map: &ShardMap,
    members: impl IntoIterator<Item = (&'static str, Calls)>,
) -> Calls {
    let key = |ask: &Ask| *ask.extensions().get::<Key>().expect("every call is about a key");
    let again = |ask: &Ask| Some(ask.clone());
    let sharded =
        Sharded::new(map.clone(), key).fail_over(again, |error: &BoxError| was_refused(&**error));
    for (name, member) in members {
        sharded.insert(name, member);
    }
    BoxCloneSyncService::new(sharded.flatten())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use http::Response;
    use seawall_core::{Reason, Rejection};
    use tower::ServiceExt;

    use super::*;
    use crate::client::Answered;

    fn map_of(defence: Defence) -> ShardMap {
        map(defence).expect("its settings can be")
    }

    fn keys() -> impl Iterator<Item = Key> {
        (0..KEYS).map(Key)
    }

    #[test]
    fn a_key_has_the_same_home_in_all_runs() {
        let maps = Defence::ALL.map(map_of);
        for key in keys() {
            let home = maps[0].lookup(&key).name();
            assert!(maps.iter().all(|map| map.lookup(&key).name() == home), "{key:?}");
        }
    }

    #[test]
    fn a_copy_is_at_another_member_and_only_from_the_sixth_run_on() {
        let copies = Defence::ALL.map(|defence| map_of(defence).replicas(&Key(7)).len());
        assert_eq!(copies, [1, 1, 1, 1, 1, 2, 2]);

        let map = map_of(Defence::Replicas);
        for key in keys() {
            let members: Vec<_> = map.replicas(&key).iter().map(|member| member.name()).collect();
            assert_ne!(members[0], members[1], "{key:?}");
        }
    }

    #[test]
    fn each_member_has_about_a_third_of_the_keys() {
        let map = map_of(Defence::Bare);
        for name in NAMES {
            let share = keys().filter(|key| map.lookup(key).name() == name).count();
            assert!((3000..3700).contains(&share), "{share} at {name}");
        }
    }

    const OPEN: Reason = Reason::CircuitOpen;
    const LATE: Reason = Reason::Timeout;

    /// Who answers the calls about some of the sick member's keys, and how often it was asked, where it does
    /// not answer for a `reason` and the others do.
    async fn answers(defence: Defence, reason: Reason) -> (Vec<Option<usize>>, usize) {
        let (map, asked) = (map_of(defence), Arc::new(AtomicUsize::new(0)));
        let member = |index: usize| {
            let asked = asked.clone();
            Calls::new(tower::service_fn(move |_ask: Ask| {
                let answer = match index {
                    SICK => {
                        asked.fetch_add(1, Relaxed);
                        Err(Rejection::new(reason, NAMES[SICK]).into())
                    }
                    _ => {
                        let mut answer = Response::new(());
                        answer.extensions_mut().insert(Answered(index));
                        Ok(answer)
                    }
                };
                std::future::ready(answer)
            }))
        };
        let fleet = sharded(&map, NAMES.into_iter().zip((0..).map(member)));
        let mut answers = Vec::new();
        for key in keys().filter(|key| key.is_of_sick(&map)).take(100) {
            let mut ask = Ask::default();
            ask.extensions_mut().insert(key);
            let answer = fleet.clone().oneshot(ask).await.ok();
            answers.push(answer.and_then(|answer| {
                answer.extensions().get().map(|&Answered(by)| {
                    assert!(map.replicas(&key).iter().any(|member| member.name() == NAMES[by]));
                    by
                })
            }));
        }
        (answers, asked.load(Relaxed))
    }

    #[tokio::test]
    async fn a_member_that_refuses_takes_its_keys_with_it_where_there_is_no_copy() {
        let (answers, asked) = answers(Defence::Bulkhead, OPEN).await;
        assert_eq!((answers, asked), (vec![None; 100], 100));
    }

    #[tokio::test]
    async fn a_member_that_refuses_is_answered_for_by_those_that_have_the_copies() {
        let (answers, asked) = answers(Defence::Replicas, OPEN).await;
        assert!(answers.iter().all(|by| by.is_some_and(|by| by != SICK)), "{answers:?}");
        assert_eq!(asked, 100);
        // Not all at one: what it leaves is shared.
        assert!(answers.iter().any(|&by| by != answers[0]), "{answers:?}");
    }

    #[tokio::test]
    async fn a_call_that_was_late_is_not_made_again_behind_the_back_of_the_budget() {
        let (answers, _) = answers(Defence::Replicas, LATE).await;
        assert_eq!(answers, vec![None; 100]);
    }
}
