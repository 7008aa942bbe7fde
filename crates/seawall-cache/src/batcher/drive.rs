//! The load of a batch's flight: takes the batch's work out, polls it, and puts it back when it goes.

use std::{
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    batch::{Batch, Found, Work},
    handle::Shared,
};

/// Who polls a batch. Dropped, it leaves the work to the next.
pub(super) struct Drive<K: Hash + Eq + Clone, V, E> {
    shared: Arc<Shared<K, V, E>>,
    batch: Arc<Batch<K, V, E>>,
    work: Option<Work<K, V, E>>,
}

impl<K: Hash + Eq + Clone, V, E> Drive<K, V, E> {
    pub(super) const fn new(shared: Arc<Shared<K, V, E>>, batch: Arc<Batch<K, V, E>>) -> Self {
        Self { shared, batch, work: None }
    }

    fn poll_work(
        &self,
        work: &mut Work<K, V, E>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Found<K, V, E>, E>> {
        if let Work::Gathers { window, yielded } = work {
            if !self.batch.is_full(cx) {
                match window {
                    Some(timer) => ready!(timer.poll(cx)),
                    None if !*yielded => {
                        *yielded = true;
                        cx.waker().wake_by_ref(); // behind all that is ready to run now
                        return Poll::Pending;
                    }
                    None => {}
                }
            }
            *work = Work::Calls(self.shared.call(&self.batch));
        }
        let Work::Calls(call) = work else { unreachable!("it has gathered") };
        call.as_mut().poll(cx)
    }
}

impl<K: Hash + Eq + Clone, V, E> Future for Drive<K, V, E> {
    type Output = Result<Found<K, V, E>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // In a local for the time of the poll: what panics is not put back.
        let taken = self.work.take();
        let Some(mut work) = taken.or_else(|| self.batch.take_work(cx)) else {
            return Poll::Pending; // the former driver is on its way out
        };
        let polled = self.poll_work(&mut work, cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<K: Hash + Eq + Clone, V, E> Drop for Drive<K, V, E> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.batch.put_back(work);
        }
    }
}
