//! A wait on a thread, for what has no runtime.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Parks the thread for `wait`: nobody else has the lock, and these condition variables do not wake by
/// chance.
#[doc(hidden)]
#[cold]
pub fn park(wait: Duration) {
    let alone = Mutex::new(());
    Condvar::new().wait_for(&mut alone.lock(), wait);
}
