//! How runs ended, until the storage has heard it.

use seawall_core::sync::Mutex;
use tokio::sync::Notify;

use super::runs::Ties;
use crate::{
    job::Verdict,
    storage::{MAX_BATCH, Settlement},
};

/// Bounded by the worker's places: who is in it has one.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<Vec<End>>,
    came: Notify,
}

/// How the run in a seat ended.
pub(super) struct End {
    pub(super) seat: usize,
    pub(super) settlement: Settlement,
}

impl Outbox {
    pub(super) fn put(&self, ties: &Ties, verdict: Verdict) {
        let settlement = Settlement { lease: ties.lease, verdict };
        self.waiting.lock().push(End { seat: ties.seat, settlement });
        self.came.notify_one();
    }

    /// What is there, as soon as there is something.
    pub(super) async fn take(&self) -> Taken<'_> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                let many = waiting.len().min(MAX_BATCH);
                if many > 0 {
                    let ends = waiting.drain(..many).collect();
                    return Taken { outbox: self, ends };
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
    ends: Vec<End>,
}

impl Taken<'_> {
    pub(super) fn settlements(&self) -> Vec<Settlement> {
        self.ends.iter().map(|end| end.settlement.clone()).collect()
    }

    /// The storage has answered.
    pub(super) fn heard(mut self) -> Vec<End> {
        std::mem::take(&mut self.ends)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.ends.is_empty() {
            self.outbox.waiting.lock().splice(0..0, self.ends.drain(..));
            self.outbox.came.notify_one();
        }
    }
}
