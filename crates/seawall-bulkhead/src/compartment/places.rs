//! The word: how many jobs are in the compartment, and whether it takes any more.
//!
//! # How it decides
//!
//! ```text
//!  63       62                                            0
//! +--------+-----------------------------------------------+
//! | closed |                   admitted                    |
//! +--------+-----------------------------------------------+
//! ```
//!
//! A job is admitted until it has ended: while it waits and while it runs. There is room for as many
//! as may run and as may wait.
//!
//! | state \ event         | `admit`                | `give_back`                      | `close` |
//! |-----------------------|------------------------|----------------------------------|---------|
//! | open, admitted < room | admitted + 1           | admitted - 1                     | closed  |
//! | open, admitted = room | `BulkheadFull`         | admitted - 1                     | closed  |
//! | closed                | `ShuttingDown`         | admitted - 1; at 0 it is drained | -       |
//!
//! # What it promises
//!
//! 1. At no time are more jobs admitted than there is room for.
//! 2. Closed, it admits nothing any more.
//! 3. It is drained once: one `give_back`, or the `close` of an empty one, finds it so.
//! 4. Who sees it drained sees what was written before each `give_back`.
//!
//! # Synchronization
//!
//! The word carries nothing but itself for 1 to 3, so Relaxed does. 4 is the one edge: `give_back`
//! (Release) to [`is_drained`](Places::is_drained) (Acquire).

use seawall_core::{
    Reason,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

const CLOSED: u64 = 1 << 63;

#[derive(Debug)]
pub(crate) struct Places {
    word: AtomicU64,
    room: u64,
}

impl Places {
    pub(crate) fn new(room: u64) -> Self {
        debug_assert!(room < CLOSED, "the count must not reach the flag");
        Self { word: AtomicU64::new(0), room }
    }

    /// Takes a place, or says why there is none.
    ///
    /// Lock-free: fails to swap only where another call succeeded.
    pub(crate) fn admit(&self) -> Result<(), Reason> {
        let mut seen = self.word.load(Relaxed); // a stale value fails the swap, or refuses as of then
        loop {
            if seen & CLOSED != 0 {
                return Err(Reason::ShuttingDown);
            }
            if seen >= self.room {
                return Err(Reason::BulkheadFull); // writes nothing: a flood stays read-only
            }
            // Not an addition that is undone where it was too much: that would refuse others for it.
            match self.word.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => seen = now,
            }
        }
    }

    /// Gives a place back; true where that was the last one of a closed compartment.
    pub(crate) fn give_back(&self) -> bool {
        // Release: pairs with `is_drained`, for what the job wrote.
        self.word.fetch_sub(1, Release) == CLOSED + 1
    }

    /// Admits nothing from now on.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Relaxed);
    }

    /// Whether it is closed and all places are back.
    pub(crate) fn is_drained(&self) -> bool {
        // Acquire: pairs with each `give_back`, since all later writes of the word add to theirs.
        self.word.load(Acquire) == CLOSED
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Relaxed) & CLOSED != 0
    }
}
