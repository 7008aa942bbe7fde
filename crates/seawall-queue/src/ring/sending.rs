//! The future of `send`.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    SendError,
    courtesy::gives_way,
    line::Ticket,
    shared::{End, Shared},
    slots::In,
};

/// Waits for room and sends; from [`Sender::send`](super::Sender::send).
///
/// It holds the value until there is room: dropped before, it has sent nothing.
#[must_use = "a future sends nothing unless it is polled"]
pub struct Sending<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
    /// `None` once it is done.
    value: Option<T>,
}

/// No part of it is pinned.
impl<T> Unpin for Sending<'_, T> {}

impl<'a, T> Sending<'a, T> {
    #[inline]
    pub(super) const fn new(shared: &'a Shared<T>, value: T) -> Self {
        Self { shared, ticket: None, value: Some(value) }
    }

    /// The part of `poll` that is for those who wait.
    #[cold]
    fn wait(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let Self { shared, ticket, value } = self;
        shared.wait(End::Sender, ticket, cx, || attempt(shared, value))
    }
}

/// Sends, if there is room.
#[inline(always)] // see `slots`
fn attempt<T>(shared: &Shared<T>, value: &mut Option<T>) -> Option<Result<(), SendError<T>>> {
    match shared.push(value.take().expect("it is not polled after it was ready")) {
        Ok(()) => Some(Ok(())),
        Err(In::Shut(value)) => Some(Err(SendError(value))),
        Err(In::Full(again)) => {
            *value = Some(again);
            None
        }
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if gives_way(cx) {
            return Poll::Pending;
        }
        let Self { shared, ticket, value } = &mut *self;
        if ticket.is_none()
            && let Some(sent) = attempt(shared, value)
        {
            return Poll::Ready(sent);
        }
        self.wait(cx)
    }
}

impl<T> Drop for Sending<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.shared.leave(End::Sender, &mut self.ticket);
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
