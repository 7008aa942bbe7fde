//! The future of `send`.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    SendError, Sender,
    courtesy::{gives_way, rested},
    line::Ticket,
    shared::End,
    slots::In,
};

/// Waits for room and sends; from [`Sender::send`].
///
/// It holds the value until there is room: dropped before, it has sent nothing.
#[must_use = "a future sends nothing unless it is polled"]
pub struct Sending<'a, T> {
    sender: &'a Sender<T>,
    /// `None` once it is done.
    value: Option<T>,
    ticket: Option<Ticket>,
}

/// No part of it is pinned.
impl<T> Unpin for Sending<'_, T> {}

impl<'a, T> Sending<'a, T> {
    pub(super) const fn new(sender: &'a Sender<T>, value: T) -> Self {
        Self { sender, value: Some(value), ticket: None }
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if gives_way(cx) {
            return Poll::Pending;
        }
        let Self { sender, value, ticket } = &mut *self;
        let shared = &*sender.shared;
        let sent = shared.poll(End::Sender, ticket, cx, || {
            match shared.push(value.take().expect("it is not polled after it was ready")) {
                Ok(()) => Some(Ok(())),
                Err(In::Shut(value)) => Some(Err(SendError(value))),
                Err(In::Full(again)) => {
                    *value = Some(again);
                    None
                }
            }
        });
        if sent.is_pending() {
            rested();
        }
        sent
    }
}

impl<T> Drop for Sending<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.sender.shared.leave(End::Sender, &mut self.ticket);
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("done", &self.value.is_none())
            .field("waits", &self.ticket.is_some())
            .finish_non_exhaustive()
    }
}
