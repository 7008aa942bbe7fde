//! How runs ended, until the storage has heard it.

use seawall_core::sync::Mutex;
use tokio::sync::Notify;

use crate::storage::{MAX_BATCH, Settlement};

/// Bounded by the worker's places: who is in it has one.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<Vec<Settlement>>,
    came: Notify,
}

impl Outbox {
    pub(super) fn put(&self, settlement: Settlement) {
        self.waiting.lock().push(settlement);
        self.came.notify_one();
    }

    /// What is there, as soon as there is something.
    pub(super) async fn take(&self) -> Vec<Settlement> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                let many = waiting.len().min(MAX_BATCH);
                if many > 0 {
                    return waiting.drain(..many).collect();
                }
            }
            self.came.notified().await;
        }
    }

    /// What the storage did not take.
    pub(super) fn put_back(&self, settlements: Vec<Settlement>) {
        self.waiting.lock().splice(0..0, settlements);
        self.came.notify_one();
    }
}
