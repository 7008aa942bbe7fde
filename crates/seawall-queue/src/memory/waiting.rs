//! Those who wait for work or for room: woken one a thing, in line, and nobody in vain for long.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use seawall_core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::ring::{Line, Ticket};

/// A line, and how many things there are for those who stand in it.
pub(crate) struct Bell {
    line: Line,
    things: AtomicUsize,
}

impl Bell {
    pub(crate) fn new(things: usize) -> Self {
        Self { line: Line::new(), things: AtomicUsize::new(things) }
    }

    /// Says how many there are; by whoever holds the lock under which that was found out.
    pub(crate) fn set(&self, things: usize) {
        self.things.store(things, Relaxed); // ordered by the lock, and by the line's fence
    }

    /// How many there were a moment ago.
    pub(crate) fn things(&self) -> usize {
        self.things.load(Relaxed)
    }

    fn has(&self, called: usize) -> bool {
        self.things() > called
    }

    /// After there may be more than before: calls as many as there are things for.
    pub(crate) fn ring(&self) {
        self.line.notify(|called| self.has(called));
    }

    fn leave(&self, ticket: Ticket) {
        if self.line.leave(ticket) && self.line.somebody_waits() {
            self.line.call(|called| self.has(called));
        }
    }
}

/// Somebody's place in a line; given back when it is dropped, with what he was called for.
pub(crate) struct Seat<'a> {
    bell: &'a Bell,
    ticket: Option<Ticket>,
}

impl<'a> Seat<'a> {
    pub(crate) const fn new(bell: &'a Bell) -> Self {
        Self { bell, ticket: None }
    }

    /// Sits down, or again: whoever does looks once more after it.
    pub(crate) fn sit(&mut self, waker: &Waker) {
        self.bell.line.sit(&mut self.ticket, waker);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.bell.leave(ticket);
        }
    }
}

/// Ends when there is a thing.
///
/// It does not hand on what it was called for when it ends well: who waited goes and takes it.
pub(crate) struct Wait<'a>(pub(crate) Seat<'a>);

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let seat = &mut self.0;
        if !seat.bell.has(0) {
            seat.sit(cx.waker());
            if !seat.bell.has(0) {
                return Poll::Pending;
            }
        }
        if let Some(ticket) = seat.ticket.take() {
            seat.bell.line.leave(ticket);
        }
        Poll::Ready(())
    }
}
