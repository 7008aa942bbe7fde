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
    pub(super) async fn take(&self) -> Taken<'_> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                let many = waiting.len().min(MAX_BATCH);
                if many > 0 {
                    let settlements = waiting.drain(..many).collect();
                    return Taken { outbox: self, settlements };
                }
            }
            self.came.notified().await;
        }
    }
}

/// Some of it, on its way to the storage. Dropped before it was [heard](Self::heard), it is back at its place:
/// whoever works next says it.
pub(super) struct Taken<'a> {
    outbox: &'a Outbox,
    settlements: Vec<Settlement>,
}

impl Taken<'_> {
    pub(super) fn settlements(&self) -> &[Settlement] {
        &self.settlements
    }

    /// The storage has answered.
    pub(super) fn heard(mut self) -> Vec<Settlement> {
        std::mem::take(&mut self.settlements)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.settlements.is_empty() {
            self.outbox.waiting.lock().splice(0..0, self.settlements.drain(..));
            self.outbox.came.notify_one();
        }
    }
}
