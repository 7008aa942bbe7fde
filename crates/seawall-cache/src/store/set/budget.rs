//! How much a store may hold, and how much it does.
//!
//! Weight is reserved before its entry can be seen, and given back after its entry is gone. So what can
//! be seen never weighs more than the limit, however many write at once.
//!
//! A store that is full replaces one entry by another: what the old one weighed is handed on, and where
//! both weigh the same nothing is written here, so that writers do not meet at this line.

use seawall_core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    /// Reserved: at least what is held.
    weight: AtomicU64,
    entries: AtomicUsize,
}

// Relaxed: sums of themselves. That an entry is there is known by its slot.
impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, weight: AtomicU64::new(0), entries: AtomicUsize::new(0) }
    }

    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight.load(Relaxed)
    }

    pub(super) fn entries(&self) -> usize {
        self.entries.load(Relaxed)
    }

    /// Reserves `new`, for which `old` is given: whether there is room. If not, nothing has changed.
    pub(super) fn exchange(&self, old: u32, new: u32) -> bool {
        if new <= old {
            if new < old {
                self.weight.fetch_sub(u64::from(old - new), Relaxed);
            }
            return true;
        }
        let more = u64::from(new - old);
        let add = |held: u64| held.checked_add(more).filter(|sum| *sum <= self.limit);
        self.weight.fetch_update(Relaxed, Relaxed, add).is_ok()
    }

    /// An entry, whose weight is reserved, is there.
    pub(super) fn entered(&self) {
        self.entries.fetch_add(1, Relaxed);
    }

    /// An entry is gone, and its weight with it.
    pub(super) fn left(&self, weight: u32) {
        self.entries.fetch_sub(1, Relaxed);
        self.weight.fetch_sub(u64::from(weight), Relaxed);
    }
}
