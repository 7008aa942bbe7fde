//! Sweeping in the background, for whoever spawns it.
//!
//! Not at inserts: an insert would pay for what most caches need not, and where nobody inserts, which is
//! when memory could be given back, nothing would be swept. And not in a task of our own: nobody would know
//! of it.

use std::{hash::Hash, sync::Weak, time::Duration};

use super::shared::Shared;
use crate::{Entry, Store};

/// So often it looks, if not more seldom.
const TICK: Duration = Duration::from_millis(100);

/// At most so many steps without giving way to other tasks.
const STEPS: u64 = 64;

/// Goes round the store once in `round`, as long as there is a handle of the cache.
pub(super) async fn every<K, V, E, S>(cache: Weak<Shared<K, V, E, S>>, round: Duration)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    let ticks = u64::try_from(round.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1);
    let pause = round.max(Duration::from_millis(1)) / u32::try_from(ticks).unwrap_or(u32::MAX);
    let (mut cursor, mut tick) = (0, 0_u64);
    loop {
        tokio::time::sleep(pause).await;
        tick = tick % ticks + 1;
        loop {
            // Held for a few steps only: a cache that is dropped meanwhile is dropped by then.
            let Some(shared) = cache.upgrade() else { return };
            let steps = shared.store.steps_round();
            // Up to here of the round, so that no rounding leaves a part of the store out.
            let until = u64::try_from(u128::from(steps) * u128::from(tick) / u128::from(ticks));
            let left = until.unwrap_or(u64::MAX).saturating_sub(cursor);
            for _ in 0..left.min(STEPS) {
                shared.sweep(&mut cursor);
            }
            drop(shared);
            if left <= STEPS {
                break;
            }
            tokio::task::yield_now().await;
        }
        if tick == ticks {
            cursor = 0;
        }
    }
}
