//! Which of several copies of a counter a thread should write to.

use std::cell::Cell;

use crate::sync::unmodelled::{AtomicUsize, Ordering::Relaxed};

thread_local! {
    static LANE: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A small number for the calling thread, the same for its whole life.
///
/// Threads get 0, 1, 2 … in the order in which they ask, so that `lane() % lanes` spreads them
/// evenly. State machines take the lane as an argument, as they take the time.
#[doc(hidden)]
#[inline]
#[must_use]
pub fn lane() -> usize {
    let lane = LANE.get();
    if lane == usize::MAX { assign() } else { lane }
}

#[cold]
fn assign() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let lane = NEXT.fetch_add(1, Relaxed) % usize::MAX; // never the mark for "none yet"
    LANE.set(lane);
    lane
}

/// How many lanes are worth having on this machine: a power of two, at most 8.
#[doc(hidden)]
#[must_use]
pub fn lanes() -> usize {
    std::thread::available_parallelism().map_or(1, |cpus| cpus.get().next_power_of_two().min(8))
}
