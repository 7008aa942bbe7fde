//! How well an instance hears of the others, and what it may trust of what it has kept for itself.
//!
//! # How it decides
//!
//! Time is cut into stretches, which are counted: in the odd ones the instance is deaf, in the even ones it
//! hears everything. An entry has the number of the stretch in which its load began.
//!
//! ```text
//!    0: no second level        1: deaf          2: hears              3: deaf         4: hears
//! ─────────────────────── ... ──────────┬────────────────────┬──────────┬──────────┬───────────────
//!                                  Listening                Deaf      grace    Listening
//!  an entry of stretch 2                     as it is         as it is   ends       is nothing
//!  an entry of stretch 3                                      fresh for the gutter  is nothing
//!                                                             time at most
//! ```
//!
//! # What it promises
//!
//! 1. An entry of a stretch in which the instance heard everything is as it is in that stretch. From when it is
//!    deaf, it is fresh for the gutter time at most; once it hears again, it is nothing: it may have missed
//!    that the entry was invalidated.
//! 2. An entry of a deaf stretch is fresh for the gutter time at most, and nothing after it.
//! 3. A fresh hit pays one load of a word that seldom changes, and a comparison.
//!
//! # Synchronization
//!
//! The stretch (Release) to who finds it changed (Acquire): it sees the grace that was set before. Whoever
//! reads an old number reads before the change: the hit overlaps with it.

use std::{hash::Hash, time::Duration};

use seawall_core::{
    Nanos,
    sync::{
        Mutex,
        unmodelled::{
            AtomicU32, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use super::{Turn, shared::Shared};
use crate::{Entry, Store, freshness::Lifetime, l2::Heard};

/// Which stretch it is, and until when the one before may be trusted.
#[derive(Debug)]
pub(crate) struct Hearing {
    stretch: AtomicU32,
    grace: AtomicU64,
    /// Held while the two are changed.
    changes: Mutex<()>,
}

impl Hearing {
    /// `Deaf` at first, where there is somebody to hear.
    pub(crate) fn new(has_others: bool) -> Self {
        Self {
            stretch: AtomicU32::new(u32::from(has_others)),
            grace: AtomicU64::new(0),
            changes: Mutex::new(()),
        }
    }

    /// Read before a load or a look begins.
    pub(crate) fn stretch(&self) -> u32 {
        self.stretch.load(Acquire)
    }

    pub(crate) fn is_deaf(&self) -> bool {
        is_deaf(self.stretch())
    }

    /// Whether an entry of `stretch` is as it is.
    #[inline]
    pub(crate) fn is_now(&self, stretch: u32) -> bool {
        self.stretch.load(Relaxed) == stretch // found equal, there is nothing to see behind it
    }

    /// The life of an entry that is not [of now](Self::is_now), if it may be trusted.
    pub(crate) fn trust(&self, life: &Lifetime) -> Option<Lifetime> {
        let now = self.stretch();
        let grace = Nanos(self.grace.load(Relaxed));
        let is_of_the_last = is_deaf(now) && life.stretch == now.wrapping_sub(1) && now > 1;
        is_of_the_last.then(|| life.ending(grace))
    }

    /// Things may be missed from here on; what there is may be trusted for `gutter`. Whether that is news.
    pub(crate) fn deafens(&self, now: Nanos, gutter: Duration) -> bool {
        let _alone = self.changes.lock();
        let stretch = self.stretch.load(Relaxed);
        if is_deaf(stretch) {
            return false;
        }
        self.grace.store((now + gutter).0, Relaxed);
        self.stretch.store(stretch.wrapping_add(1), Release);
        true
    }

    /// Everything is heard from here on; what there is may be trusted no more.
    pub(crate) fn listens(&self) {
        let _alone = self.changes.lock();
        let stretch = self.stretch.load(Relaxed);
        let next = if is_deaf(stretch) { 1 } else { 2 };
        self.stretch.store(stretch.wrapping_add(next), Release);
    }
}

pub(crate) const fn is_deaf(stretch: u32) -> bool {
    stretch % 2 == 1
}

impl<K, V, E, S> Shared<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// The second level tells what others do.
    pub(super) fn hears(&self, heard: Heard<K>) {
        let Some(level) = &self.level else { return };
        level.stats.heard.add(1);
        match heard {
            Heard::Key(key) => _ = self.end_here(&key),
            Heard::Tag(tag) => self.tags.invalidate(tag),
            Heard::All => self.clear_here(),
            Heard::Deaf => {
                if self.hearing.deafens(self.clock.now(), level.bounds.gutter) {
                    level.stats.gaps.add(1);
                    self.tell(Turn::Deaf);
                }
            }
            Heard::Listening => {
                // In this order: a flight that begins in between is of the new stretch, and is poisoned too.
                self.hearing.listens();
                self.flights.poison_all();
                self.tell(Turn::Listening);
            }
        }
    }
}
