//! What both ends share: the slots, a line for each end, and who tells whom.
//!
//! | what happens          | who may be called                                            |
//! |-----------------------|--------------------------------------------------------------|
//! | a value went in       | a receiver                                                   |
//! | values came out       | as many senders; all receivers, if it was the end            |
//! | it was closed         | all senders; all receivers, if nothing is left               |
//! | a called one went     | the next of his line, if there still is something for it     |

use std::task::{Context, Poll};

use seawall_core::{
    CachePadded, ConfigError,
    sync::atomic::{
        AtomicUsize,
        Ordering::{AcqRel, Relaxed},
    },
};

use super::{
    courtesy::rested,
    line::{Line, Ticket},
    patience::Patience,
    slots::{In, Out, Slots},
};

pub(crate) struct Shared<T> {
    pub(crate) slots: Slots<T>,
    senders: Line,
    receivers: Line,
    /// Of each end.
    patience: [CachePadded<Patience>; 2],
    handles: Handles,
}

/// How many handles there are of each end.
struct Handles {
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

/// One of the two ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Sender,
    Receiver,
}

impl<T> Shared<T> {
    pub(crate) fn new(capacity: usize) -> Result<Self, ConfigError> {
        Ok(Self {
            slots: Slots::new(capacity)?,
            senders: Line::new(),
            receivers: Line::new(),
            patience: [const { CachePadded::new(Patience::new()) }; 2],
            handles: Handles { senders: AtomicUsize::new(1), receivers: AtomicUsize::new(1) },
        })
    }

    const fn line(&self, end: End) -> &Line {
        match end {
            End::Sender => &self.senders,
            End::Receiver => &self.receivers,
        }
    }

    /// Calls by the rule of the lines: see [`line`](super::line).
    fn call(&self, end: End) {
        match end {
            End::Sender => self.senders.call(|called| self.slots.has_for_sender(called)),
            End::Receiver => self.receivers.call(|called| self.slots.has_for_receiver(called)),
        }
    }

    #[inline(always)] // see `slots`
    pub(crate) fn push(&self, value: T) -> Result<(), In<T>> {
        self.slots.push(value)?;
        self.receivers.notify(|called| self.slots.has_for_receiver(called));
        Ok(())
    }

    #[inline(always)] // see `slots`
    pub(crate) fn pop(&self) -> Result<T, Out> {
        let value = self.slots.pop()?;
        self.popped();
        Ok(value)
    }

    pub(crate) fn pop_many(&self, values: &mut Vec<T>, limit: usize) -> Result<usize, Out> {
        let count = self.slots.pop_many(values, limit)?;
        self.popped();
        Ok(count)
    }

    #[inline(always)]
    fn popped(&self) {
        self.senders.notify(|called| self.slots.has_for_sender(called));
        // Nothing came for them, unless it was the last thing of all.
        if self.receivers.somebody_waits() && self.slots.is_shut() {
            self.call(End::Receiver);
        }
    }

    /// Says whether it was open until now.
    pub(crate) fn close(&self) -> bool {
        let is_new = self.slots.shut();
        if is_new {
            self.senders.notify(|called| self.slots.has_for_sender(called));
            // Where values are left, or on their way in: who takes the last one calls the others.
            self.receivers.notify(|called| self.slots.has_for_receiver(called));
        }
        is_new
    }

    /// Takes a seat where an attempt gives nothing: who holds none has just made one.
    ///
    /// `ticket` is `Some` while a seat is held, or a call: then [`leave`](Self::leave) must follow, if
    /// nothing is ready.
    pub(crate) fn wait<R>(
        &self,
        end: End,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        let mut done = match ticket {
            Some(_) => attempt(),
            None => self.patience[end as usize].look(&mut attempt),
        };
        if done.is_none() {
            self.line(end).sit(ticket, cx.waker());
            done = attempt(); // what came before we sat
        }
        match done {
            Some(done) => {
                self.leave(end, ticket);
                Poll::Ready(done)
            }
            None => {
                rested();
                Poll::Pending
            }
        }
    }

    /// Gives the seat back, if there is one; a call, to whom it is of use.
    #[inline]
    pub(crate) fn leave(&self, end: End, ticket: &mut Option<Ticket>) {
        if let Some(ticket) = ticket.take() {
            self.leave_seat(end, ticket);
        }
    }

    #[cold]
    fn leave_seat(&self, end: End, ticket: Ticket) {
        // A call after the thing was taken, or none was: it may have been for another one.
        if self.line(end).leave(ticket) && self.line(end).somebody_waits() {
            self.call(end);
        }
    }

    const fn handles(&self, end: End) -> &AtomicUsize {
        match end {
            End::Sender => &self.handles.senders,
            End::Receiver => &self.handles.receivers,
        }
    }

    pub(crate) fn cloned(&self, end: End) {
        self.handles(end).fetch_add(1, Relaxed); // who clones has one: it can't come to nothing meanwhile
    }

    /// Says whether it was the last one of its end.
    pub(crate) fn dropped(&self, end: End) -> bool {
        self.handles(end).fetch_sub(1, AcqRel) == 1 // the last one comes after what the others did
    }
}
