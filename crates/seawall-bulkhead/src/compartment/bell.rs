//! What an idle thread sleeps on: a condition variable, loom's in models.

#[cfg(not(seawall_loom))]
use parking_lot::{Condvar, MutexGuard};

#[cfg(seawall_loom)]
use loom::sync::{Condvar, MutexGuard};

/// Rung under no lock, after what it tells was done under the lock that a sleeper gives up.
#[derive(Debug, Default)]
pub(crate) struct Bell(Condvar);

impl Bell {
    /// Sleeps until it is rung, or without a reason: look again.
    #[cfg(not(seawall_loom))]
    pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(&mut guard);
        guard
    }

    #[cfg(seawall_loom)]
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect("a model that panicked is over")
    }

    /// Wakes one sleeper, if there is one.
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }

    pub(crate) fn ring_all(&self) {
        self.0.notify_all();
    }
}
