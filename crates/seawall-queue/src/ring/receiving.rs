//! The futures of `recv` and `recv_many`.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    courtesy::gives_way,
    line::Ticket,
    shared::{End, Shared},
    slots::Out,
};

/// Waits for a value; from [`Receiver::recv`](super::Receiver::recv).
///
/// It takes a value only where it gives it back in the same step: dropped before, it has taken none.
#[must_use = "a future receives nothing unless it is polled"]
pub struct Receiving<'a, T> {
    waits: Waits<'a, T>,
}

/// Waits for values; from [`Receiver::recv_many`](super::Receiver::recv_many).
///
/// It takes values only where it is ready in the same step: dropped before, it has taken none.
#[must_use = "a future receives nothing unless it is polled"]
pub struct ReceivingMany<'a, T> {
    waits: Waits<'a, T>,
    values: &'a mut Vec<T>,
    limit: usize,
}

/// A place among the receivers, and the seat.
struct Waits<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
}

impl<T> Waits<'_, T> {
    /// The part of `poll` that is for those who wait.
    #[cold]
    fn wait<R>(
        &mut self,
        cx: &Context<'_>,
        mut attempt: impl FnMut() -> Result<R, Out>,
    ) -> Poll<Option<R>> {
        let Self { shared, ticket } = self;
        shared.wait(End::Receiver, ticket, cx, || received(attempt()))
    }
}

impl<T> Drop for Waits<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.shared.leave(End::Receiver, &mut self.ticket);
    }
}

/// What there is to say, if there is something: values, or that none will come.
#[inline]
fn received<R>(taken: Result<R, Out>) -> Option<Option<R>> {
    match taken {
        Ok(values) => Some(Some(values)),
        Err(Out::Over) => Some(None),
        Err(Out::Empty) => None,
    }
}

impl<'a, T> Receiving<'a, T> {
    #[inline]
    pub(super) const fn new(shared: &'a Shared<T>) -> Self {
        Self { waits: Waits { shared, ticket: None } }
    }
}

impl<'a, T> ReceivingMany<'a, T> {
    #[inline]
    pub(super) const fn new(shared: &'a Shared<T>, values: &'a mut Vec<T>, limit: usize) -> Self {
        Self { waits: Waits { shared, ticket: None }, values, limit }
    }
}

impl<T> Future for Receiving<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if gives_way(cx) {
            return Poll::Pending;
        }
        let waits = &mut self.waits;
        let shared = waits.shared;
        if waits.ticket.is_none()
            && let Some(received) = received(shared.pop())
        {
            return Poll::Ready(received);
        }
        waits.wait(cx, || shared.pop())
    }
}

impl<T> Future for ReceivingMany<'_, T> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let Self { waits, values, limit } = &mut *self;
        if *limit == 0 {
            return Poll::Ready(0);
        }
        if gives_way(cx) {
            return Poll::Pending;
        }
        let shared = waits.shared;
        if waits.ticket.is_none()
            && let Some(received) = received(shared.pop_many(values, *limit))
        {
            return Poll::Ready(received.unwrap_or(0));
        }
        waits.wait(cx, || shared.pop_many(values, *limit)).map(|count| count.unwrap_or(0))
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
