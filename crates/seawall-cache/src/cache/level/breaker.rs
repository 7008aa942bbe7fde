//! When to leave the second level alone.
//!
//! | state    | a call                        | it ends well | it fails                              |
//! |----------|-------------------------------|--------------|---------------------------------------|
//! | closed   | goes                          | closed       | the fifth in a row opens it           |
//! | open     | is skipped                    | closed       | open                                  |
//! | half-open, a pause later | one goes, the others are skipped for another pause | closed | open |
//!
//! It is a small one: a crate of a pattern depends on no other. A store that has one of its own, as a
//! connection to Redis does, makes the calls that are refused there fail at once.

use std::time::Duration;

use seawall_core::{
    Nanos,
    sync::unmodelled::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

const FAILURES: u32 = 5;

/// Relaxed all over: it is a counsel, and carries nothing but itself.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: AtomicU32,
    /// Zero while it is closed.
    open_until: AtomicU64,
    pause: Duration,
}

impl Breaker {
    pub(super) const fn new(pause: Duration) -> Self {
        Self { failures: AtomicU32::new(0), open_until: AtomicU64::new(0), pause }
    }

    /// Whether a call may go.
    pub(super) fn admits(&self, now: Nanos) -> bool {
        let until = self.open_until.load(Relaxed);
        until == 0
            || now.0 >= until
                && (self.open_until)
                    .compare_exchange(until, (now + self.pause).0, Relaxed, Relaxed)
                    .is_ok()
    }

    pub(super) fn is_open(&self) -> bool {
        self.open_until.load(Relaxed) != 0
    }

    /// A call went well: whether that closed it.
    pub(super) fn succeeds(&self) -> bool {
        if self.failures.load(Relaxed) == 0 {
            return false; // so it is, nearly always: nothing is written
        }
        self.failures.store(0, Relaxed);
        self.open_until.swap(0, Relaxed) != 0
    }

    /// A call failed: whether that opened it.
    pub(super) fn fails(&self, now: Nanos) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        failures >= FAILURES && self.open_until.swap((now + self.pause).0, Relaxed) == 0
    }
}
