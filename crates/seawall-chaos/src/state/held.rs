//! The calls that chaos holds: delayed or hung, and to be woken when it is disarmed.
//!
//! Only struck calls come here, so a lock and a tree are fast enough. Wakers are cloned, dropped and
//! woken outside the lock: they are other people's code.

use std::{
    collections::BTreeMap,
    mem,
    task::{Poll, Waker},
};

use seawall_core::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    /// Tickets are not given twice: one that was drained must not name another's place.
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Held {
    /// Ready where `is_over`, and on the list to be woken where not.
    pub(crate) fn poll(
        &self,
        ticket: &mut Option<u64>,
        waker: &Waker,
        is_over: impl Fn() -> bool,
    ) -> Poll<()> {
        if is_over() {
            return Poll::Ready(());
        }
        let waker = waker.clone();
        let _replaced;
        {
            let mut list = self.0.lock();
            // Once more: `wake_all` may have been between the look and the lock, and would not come
            // again. If it comes after this, it finds the waker.
            if is_over() {
                return Poll::Ready(());
            }
            let place = *ticket.get_or_insert(list.next);
            list.next = list.next.max(place + 1);
            _replaced = list.wakers.insert(place, waker);
        }
        Poll::Pending
    }

    /// Wakes everybody, after whatever makes it over for them.
    pub(crate) fn wake_all(&self) {
        let wakers = mem::take(&mut self.0.lock().wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    /// Gives a place on the list back.
    pub(crate) fn leave(&self, ticket: u64) {
        let gone = self.0.lock().wakers.remove(&ticket);
        drop(gone);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().wakers.len()
    }
}
