//! One of the equals: what it is called, what it carries, and how it does.

use std::ops::Deref;

use seawall_core::{
    CachePadded, Name,
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        unmodelled,
    },
};

use super::{latency::Latency, load::Load, standing::Standing};

pub(crate) struct Peer<V> {
    pub(crate) name: Name,
    /// Its share of the calls, relative to the others'; at least 1. The list that draws by it follows when it
    /// changes; a pick that sees only one of the two chooses a little worse: Relaxed, and outside loom's view.
    weight: unmodelled::AtomicU32,
    pub(crate) value: V,
    /// Apart from the name, which pickers of other peers read, and from other peers.
    live: CachePadded<Live>,
}

/// What calls change.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) load: Load,
    pub(crate) standing: Standing,
    pub(crate) tally: Tally,
}

impl<V> Peer<V> {
    pub(crate) fn new(
        name: Name,
        weight: u32,
        value: V,
        latency: Latency,
        standing: Standing,
    ) -> Self {
        let live = Live { load: Load::new(latency), standing, tally: Tally::new() };
        let weight = unmodelled::AtomicU32::new(weight);
        Self { name, weight, value, live: CachePadded::new(live) }
    }

    #[inline]
    pub(crate) fn weight(&self) -> u32 {
        self.weight.load(Relaxed)
    }

    /// One thread at a time, which then makes another list.
    pub(crate) fn set_weight(&self, weight: u32) {
        self.weight.store(weight, Relaxed);
    }
}

impl<V> Deref for Peer<V> {
    type Target = Live;

    #[inline]
    fn deref(&self) -> &Live {
        &self.live
    }
}

/// How many calls went well and how many did not since it was last taken: `failures:32 | successes:32`.
///
/// One word, so that who takes it takes both of the same calls, and each call is taken once. It carries
/// nothing but itself: Relaxed.
#[derive(Debug)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn add(&self, success: bool) {
        self.0.fetch_add(if success { 1 } else { 1 << 32 }, Relaxed);
    }

    /// Successes and failures; none are left.
    pub(crate) fn take(&self) -> (u32, u32) {
        let word = self.0.swap(0, Relaxed);
        (word as u32, (word >> 32) as u32)
    }
}
