//! What a node holds of a key, and whose turn it is to ask the server for more.

use std::sync::Arc;

use seawall_core::{
    deadline,
    sync::{
        Mutex,
        unmodelled::{AtomicU32, Ordering::Relaxed},
    },
};
use tokio::{sync::MutexGuard, time::timeout};

use super::{
    batch::Batch,
    shared::{Denied, Shared},
};
use crate::Error;

/// What a node holds of a key, and who asks the server for more of it.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) batch: Mutex<Batch>,
    /// Whoever asks the server holds it.
    asking: tokio::sync::Mutex<()>,
    pub(super) waiting: AtomicU32,
}

impl Held {
    pub(super) fn is_at_rest(held: &Arc<Self>) -> bool {
        Arc::strong_count(held) == 1 && held.batch.lock().is_spent()
    }
}

impl Shared {
    /// Waits until nobody else asks the server for this key: for no longer than a call may take.
    pub(super) async fn turn_to_ask<'a>(
        &self,
        held: &'a Held,
    ) -> Result<MutexGuard<'a, ()>, Denied> {
        if let Ok(turn) = held.asking.try_lock() {
            return Ok(turn);
        }
        let _waiting = Waiting::new(&held.waiting);
        let response = self.settings.connection.response_timeout();
        let left = deadline::remaining();
        let time = left.map_or(response, |left| left.min(response));
        timeout(time, held.asking.lock()).await.map_err(|_| match time < response {
            true => Denied::Late(self.late()),
            false => Denied::Away(Error::TimedOut { sent: false }),
        })
    }
}

/// Gives back what an order held, unless it was granted; also where the call is dropped.
pub(super) struct PutBack<'a> {
    batch: &'a Mutex<Batch>,
    held: u32,
}

impl<'a> PutBack<'a> {
    pub(super) const fn new(batch: &'a Mutex<Batch>, held: u32) -> Self {
        Self { batch, held }
    }

    /// It was used.
    pub(super) const fn nothing(&mut self) {
        self.held = 0;
    }
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        if self.held > 0 {
            self.batch.lock().not_granted(self.held);
        }
    }
}

/// One who waits, for as long as he does.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
