//! A value that is exchanged now and then, and seen by many: each keeps what it saw, and asks one word whether
//! there is another.
//!
//! ```text
//!   who looks   ── has it a value of this version? ── yes ─▶ that one: one load, and no lock
//!                        │ no: another one came
//!                        ▼
//!                   the newest, by a lock
//! ```
//!
//! A handle keeps it weakly: while it is idle, a value that was exchanged is dropped all the same.
//!
//! # What it promises
//!
//! 1. Who looks after an exchange has returned sees that value, or a later one.
//! 2. A look is a load and a comparison, but for the first one after an exchange.
//!
//! # Synchronization
//!
//! The value is handed over by the lock. The version carries nothing: who is to see an exchange, as it happened
//! before, cannot read an older version than that one's, and whoever reads an older one has raced with it. Relaxed.

use std::sync::{Arc, Weak};

use seawall_core::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Where the newest is.
#[derive(Debug)]
pub(crate) struct Published<T> {
    version: AtomicU64,
    newest: Mutex<Weak<T>>,
}

impl<T> Published<T> {
    /// Nothing has come yet, as version 0.
    pub(crate) fn new() -> Self {
        Self { version: AtomicU64::new(0), newest: Mutex::new(Weak::new()) }
    }

    /// Whether there is no newer one.
    #[inline]
    pub(crate) fn is_newest(&self, version: u64) -> bool {
        self.version.load(Relaxed) == version
    }

    /// Another value, of the version that is given. One at a time, in the order of the versions.
    pub(crate) fn exchange(&self, value: &Arc<T>, version: u64) {
        let mut newest = self.newest.lock();
        *newest = Arc::downgrade(value);
        self.version.store(version, Relaxed); // under the lock: who finds it newer finds the value there
    }

    /// The newest; `None` when nobody has it any more.
    #[cold]
    pub(crate) fn newest(&self) -> Option<Arc<T>> {
        self.newest.lock().upgrade()
    }
}
