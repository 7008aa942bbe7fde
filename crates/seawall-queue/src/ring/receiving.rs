//! The futures of `recv` and `recv_many`.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    Receiver,
    courtesy::{gives_way, rested},
    line::Ticket,
    shared::End,
    slots::Out,
};

/// Waits for a value; from [`Receiver::recv`].
///
/// It takes a value only where it gives it back in the same step: dropped before, it has taken none.
#[must_use = "a future receives nothing unless it is polled"]
pub struct Receiving<'a, T> {
    waits: Waits<'a, T>,
}

/// Waits for values; from [`Receiver::recv_many`].
///
/// It takes values only where it is ready in the same step: dropped before, it has taken none.
#[must_use = "a future receives nothing unless it is polled"]
pub struct ReceivingMany<'a, T> {
    waits: Waits<'a, T>,
    values: &'a mut Vec<T>,
    limit: usize,
}

/// A receiver, and its seat.
struct Waits<'a, T> {
    receiver: &'a Receiver<T>,
    ticket: Option<Ticket>,
}

impl<T> Waits<'_, T> {
    #[inline]
    fn poll<R>(
        &mut self,
        cx: &Context<'_>,
        mut attempt: impl FnMut() -> Result<R, Out>,
    ) -> Poll<Option<R>> {
        if gives_way(cx) {
            return Poll::Pending;
        }
        let shared = &*self.receiver.shared;
        let received = shared.poll(End::Receiver, &mut self.ticket, cx, || match attempt() {
            Ok(received) => Some(Some(received)),
            Err(Out::Over) => Some(None),
            Err(Out::Empty) => None,
        });
        if received.is_pending() {
            rested();
        }
        received
    }
}

impl<T> Drop for Waits<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.shared.leave(End::Receiver, &mut self.ticket);
    }
}

impl<'a, T> Receiving<'a, T> {
    pub(super) const fn new(receiver: &'a Receiver<T>) -> Self {
        Self { waits: Waits { receiver, ticket: None } }
    }
}

impl<'a, T> ReceivingMany<'a, T> {
    pub(super) const fn new(
        receiver: &'a Receiver<T>,
        values: &'a mut Vec<T>,
        limit: usize,
    ) -> Self {
        Self { waits: Waits { receiver, ticket: None }, values, limit }
    }
}

impl<T> Future for Receiving<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let waits = &mut self.waits;
        let shared = &*waits.receiver.shared;
        waits.poll(cx, || shared.pop())
    }
}

impl<T> Future for ReceivingMany<'_, T> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let Self { waits, values, limit } = &mut *self;
        if *limit == 0 {
            return Poll::Ready(0);
        }
        let shared = &*waits.receiver.shared;
        waits.poll(cx, || shared.pop_many(values, *limit)).map(|count| count.unwrap_or(0))
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("waits", &self.waits.ticket.is_some())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ReceivingMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivingMany")
            .field("limit", &self.limit)
            .field("waits", &self.waits.ticket.is_some())
            .finish_non_exhaustive()
    }
}
