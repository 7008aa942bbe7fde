//! How a load asks the second level first.
//!
//! | it finds                             | a caller who waits           | a load in the background     |
//! |--------------------------------------|------------------------------|------------------------------|
//! | a fresh record                       | gets it                      | keeps it                     |
//! | a stale one, that may be answered, and a lease | gets it; a load behind | loads                    |
//! | ... and no lease                     | gets it                      | leaves the source alone      |
//! | one for the case of an error         | as below, with that to fall back on | as below              |
//! | a lease                              | loads                        | loads                        |
//! | that another instance loads          | looks again for a while, then loads | the same              |
//! | nothing: it is away, or owed         | loads                        | loads                        |
//!
//! A load under a lease fills the second level; one without keeps what it brings for this instance alone.

use std::{future::poll_fn, hash::Hash, pin::pin, sync::Arc, time::Duration};

use seawall_core::Nanos;

use super::{
    level::{Held, Level},
    shared::{Outcome, Shared, Since},
    timer::Timer,
};
use crate::{
    Entry, Store,
    flight::Leader,
    freshness::{Lifetime, Verdict},
    l2::{Ask, Look, Record},
};

/// Between two looks at what another instance loads, at first; each is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// By what right something is loaded.
pub(super) struct Right<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(super) lease: Option<Held<K, V>>,
    /// The second level could not be asked: what is loaded is not kept for long.
    pub(super) doubtful: bool,
}

impl<K, V> Right<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// For this instance alone: there is no second level.
    pub(super) const OWN: Self = Self { lease: None, doubtful: false };
}

/// What asking the second level gave.
pub(super) enum Asked<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// The answer, as of when it was looked for.
    Record {
        record: Record<V>,
        since: Since,
        /// Somebody loads it anew: nobody else need ask for a while.
        rests: bool,
        /// This instance is to do that, behind the answer.
        lease: Option<Held<K, V>>,
    },
    Load(Right<K, V>),
}

/// What one look gave.
pub(super) enum Looked<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    Over(Asked<K, V>),
    /// Another instance loads it.
    Busy,
}

/// What a load is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    /// Callers wait for it.
    Callers,
    /// The one who asks for many, and loads many.
    Batch,
    /// Nobody: what was fresh until then is loaded anew, or, if it still is, before it is not.
    Later(Nanos, Ask),
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Asks for the key of `leader`, and waits for what another instance loads, for a while.
    ///
    /// # Panics
    ///
    /// Where the store does; those who follow know by then.
    pub(super) async fn ask(
        &self,
        level: &Arc<Level<K, V>>,
        leader: &mut Leader<K, Outcome<V, E>>,
        wants: For,
    ) -> Asked<K, V> {
        let key = leader.key().clone();
        let mut waits = Waits::new(level);
        loop {
            let since = self.since();
            let ask = match wants {
                For::Later(_, ask) => ask,
                For::Callers | For::Batch => Ask::Value,
            };
            let look = async {
                match level.is_owed(&key) {
                    true => None,
                    false => level.look(std::slice::from_ref(&key), ask).await.ok(),
                }
            };
            let mut look = pin!(look);
            let looked = poll_fn(|cx| match leader.poll_load(look.as_mut(), cx) {
                Ok(polled) => polled,
                Err(panic) => self.panicked(panic),
            });
            let Some(look) = looked.await.and_then(|mut looks| looks.pop()) else {
                return Asked::Load(self.without(level, &key));
            };
            match self.judge_look(level, leader, look, since, wants) {
                Looked::Over(asked) => return asked,
                Looked::Busy if waits.again().await => {}
                Looked::Busy => return Asked::Load(Right { lease: None, doubtful: false }),
            }
        }
    }

    /// It could not be asked.
    pub(super) fn without(&self, level: &Level<K, V>, key: &K) -> Right<K, V> {
        level.stats.bypassed.add(u64::from(level.is_owed(key)));
        Right { lease: None, doubtful: true }
    }

    /// What one look means.
    pub(super) fn judge_look(
        &self,
        level: &Arc<Level<K, V>>,
        leader: &Leader<K, Outcome<V, E>>,
        look: Look<V>,
        since: Since,
        wants: For,
    ) -> Looked<K, V> {
        let key = leader.key();
        let held = |lease| Held::new(level, key, lease);
        let (record, lease) = match look {
            Look::Lease(lease) => {
                level.stats.misses.add(1);
                return Looked::load(Some(held(lease)));
            }
            Look::Busy => {
                level.stats.busy.add(1);
                return Looked::Busy;
            }
            Look::Hit(record) => (record, None),
            Look::Stale(record, lease) => (record, lease.map(held)),
        };
        if level.owes_any(&record.tags) {
            level.stats.bypassed.add(1);
            return Looked::Over(Asked::Load(Right { lease, doubtful: true }));
        }
        let life = Lifetime::of_record(&record.life, since.at);
        let verdict = life.judge(self.clock.now(), 0.0, || 1.0);
        let renewed = match wants {
            // Further than the clocks of two looks at one record can be apart.
            For::Later(seen, _) => life.fresh_until > seen + level.bounds.timeout,
            For::Callers | For::Batch => true,
        };
        match (verdict, lease) {
            (Verdict::Fresh, _) if renewed => {
                level.stats.hits.add(1);
                Looked::Over(Asked::Record { record, since, rests: false, lease: None })
            }
            (Verdict::Fresh, Some(lease)) => Looked::load(Some(lease)),
            // Another instance renews it.
            (Verdict::Fresh, None) => {
                Looked::Over(Asked::Record { record, since, rests: true, lease: None })
            }
            (Verdict::Stale, lease) if record.value.is_some() => {
                level.stats.stale.add(1);
                match (wants, lease) {
                    (For::Later(..) | For::Batch, Some(lease)) => {
                        self.keep_spare(leader, record, since);
                        Looked::load(Some(lease))
                    }
                    (_, lease) => Looked::Over(Asked::Record { record, since, rests: true, lease }),
                }
            }
            (verdict, lease) => {
                if verdict == Verdict::StaleIfError && record.value.is_some() {
                    self.keep_spare(leader, record, since);
                }
                match lease {
                    Some(lease) => Looked::load(Some(lease)),
                    None => Looked::Busy,
                }
            }
        }
    }
}

impl<K, V> Looked<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    const fn load(lease: Option<Held<K, V>>) -> Self {
        Self::Over(Asked::Load(Right { lease, doubtful: false }))
    }
}

/// The pauses of one who waits for what another instance loads.
pub(super) struct Waits {
    pause: Duration,
    left: Duration,
}

impl Waits {
    pub(super) fn new<K, V>(level: &Level<K, V>) -> Self {
        Self { pause: FIRST_PAUSE, left: level.bounds.wait }
    }

    /// Pauses before another look; false, at once, where it has waited long enough.
    pub(super) async fn again(&mut self) -> bool {
        let pause = self.pause.min(self.left);
        if pause == Duration::ZERO {
            return false;
        }
        let mut timer = Timer::after(Some(pause));
        poll_fn(|cx| timer.poll(cx)).await;
        self.left -= pause;
        self.pause *= 2;
        true
    }
}
