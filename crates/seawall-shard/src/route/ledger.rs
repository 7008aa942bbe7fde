//! Calls in flight, of each node and of all: who has a place left.
//!
//! # How it decides
//!
//! A node of weight w, of W that all active nodes weigh, may have `max(1, ceil(c * total * w / W))` calls in
//! flight, `total` being all calls in flight and the one that asks (Mirrokni, Thorup and Zadimoghaddam,
//! "Consistent Hashing with Bounded Loads", SODA 2018: here by calls in flight, and with weights). There is no
//! division: `load < ceil(x)` is `load < x` for a whole `load`, and `load * W < c * total * w` is exact in 128
//! bits.
//!
//! ```text
//!   total          all calls in flight, and those that look for a place
//!
//!   a node  63                32 31                 0
//!          +--------------------+--------------------+
//!          |      changes       |     in flight      |
//!          +--------------------+--------------------+
//! ```
//!
//! | step | `total` | the node's word |
//! |---|---|---|
//! | `come` | + 1 | |
//! | `enter`, a place left | | changes + 1, in flight + 1: by one swap |
//! | `enter`, none left | | |
//! | `go`: no node had one | - 1 | |
//! | `leave` | - 1, after that | changes + 1, in flight - 1 |
//!
//! # What it promises
//!
//! 1. A node's load and the total that decide were true at one moment: the word did not change while the total
//!    was read. So no node takes more than its bound, and none refuses that had a place throughout.
//! 2. Who is refused has changed no node's word: a flood of refusals takes no place from others.
//! 3. Each call that entered leaves once, from the node that it entered: one that left the map and came back
//!    is another one, and starts from nothing.
//!
//! # Synchronization
//!
//! | edge | from | to | carries |
//! |---|---|---|---|
//! | a place taken | `enter` (Release) | `enter` (Acquire) | that the total counts whom the word counts |
//! | a place given back | `leave`, in the total (Release) | `enter` (Acquire) | that the word has changed |
//!
//! Without the first a caller could take a call for one of the node's and not for one of all; without the
//! second, the other way round. Either makes a bound that never was.

use std::sync::Arc;

use seawall_core::{
    CachePadded,
    sync::{
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
        unmodelled::AtomicU64 as Unmodelled,
    },
};

/// One more change, in the upper half of a word.
const CHANGE: u64 = 1 << 32;

/// All calls of a map, and what its bounds are.
#[derive(Debug)]
pub(crate) struct Ledger {
    total: CachePadded<AtomicU64>,
    /// How many times its share a node may have, in parts per million.
    factor: u64,
    /// What all active nodes weigh, in millionths. A setting: it may lie a change behind.
    weights: Unmodelled,
}

/// The calls of one node: a line of its own where it is kept, as everybody who routes there writes to it.
#[derive(Debug)]
pub(crate) struct Load {
    word: AtomicU64,
    ledger: Arc<Ledger>,
}

impl Ledger {
    pub(crate) fn new(factor: u64) -> Self {
        let total = CachePadded::new(AtomicU64::new(0));
        Self { total, factor, weights: Unmodelled::new(0) }
    }

    /// The factor that it was built with.
    pub(crate) fn factor(&self) -> f64 {
        self.factor as f64 / 1e6
    }

    /// So much do all active nodes weigh from now on.
    pub(crate) fn weigh(&self, weights: u64) {
        self.weights.store(weights * 1_000_000, Relaxed);
    }

    /// A call looks for a place.
    #[inline]
    pub(crate) fn come(&self) {
        self.total.fetch_add(1, Relaxed); // handed on with the word, by whoever enters
    }

    /// It has found none.
    #[inline]
    pub(crate) fn go(&self) {
        self.total.fetch_sub(1, Relaxed); // no word counted it
    }

    /// The calls in flight, and those that look for a place.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// What a node of that weight would have of them, if all had their shares; for looking at.
    pub(crate) fn share(&self, weight: u32) -> f64 {
        let weights = self.weights.load(Relaxed) as f64 / 1e6;
        self.total().max(1) as f64 * f64::from(weight) / weights
    }

    /// Whether a node of that weight takes one more than `load`, out of `total`.
    #[inline]
    fn admits(&self, load: u64, total: u64, weight: u32) -> bool {
        let weights = self.weights.load(Relaxed);
        let most = u128::from(self.factor * u64::from(weight)) * u128::from(total);
        load == 0 || u128::from(load) * u128::from(weights) < most
    }
}

impl Load {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Self { word: AtomicU64::new(0), ledger }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    #[cfg(seawall_loom)]
    pub(crate) fn shared_ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// The calls in flight.
    #[inline]
    pub(crate) fn in_flight(&self) -> u32 {
        self.word.load(Relaxed) as u32
    }

    /// Takes a place for a call that has [come](Ledger::come), if there is one; whether there was.
    ///
    /// Lock-free: looks again only where another call entered or left.
    #[inline]
    pub(crate) fn enter(&self, weight: u32) -> bool {
        let mut seen = self.word.load(Acquire); // pairs with `enter`: the total counts whom it counts
        loop {
            let load = seen as u32;
            let total = self.ledger.total.load(Acquire); // pairs with `leave`: whom it lacks, the word lacks
            if load == u32::MAX || !self.ledger.admits(load.into(), total, weight) {
                let again = self.word.load(Acquire);
                if again == seen {
                    return false; // the load stood still while the total was read
                }
                seen = again;
                continue;
            }
            let next = seen.wrapping_add(CHANGE + 1);
            match self.word.compare_exchange_weak(seen, next, Release, Acquire) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// Gives the place back.
    #[inline]
    pub(crate) fn leave(&self) {
        self.word.fetch_add(CHANGE - 1, Relaxed); // one more change, one call less
        self.ledger.total.fetch_sub(1, Release); // pairs with `enter`: who sees it sees the word changed
    }
}
