//! The end that values come out by.

use std::{fmt, hint, iter::FusedIterator, pin::pin, sync::Arc};

use seawall_core::Parker;

use super::{
    Receiving, ReceivingMany, SPINS, TryRecvError,
    shared::{End, Shared},
    slots::Out,
};

/// The end of a ring that values come out by.
///
/// Cloning is cheap and shares the ring: each value goes to one of the receivers. When the last one goes,
/// the ring is closed, senders get their values back, and what is in it is dropped.
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// Receives the first value, and waits for one where there is none.
    ///
    /// `None` means that there never will be one: the ring is closed, and drained.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has taken nothing. The value that it was called for goes to the next one
    /// who waits, or stays.
    #[inline]
    pub fn recv(&self) -> Receiving<'_, T> {
        Receiving::new(&self.shared)
    }

    /// Receives what is there, up to `limit` values, to the end of `values`; waits where nothing is there.
    ///
    /// Says how many; none means that the ring is closed and drained (or that `limit` is none). It does
    /// not wait for more than the first, nor reserve room for more than there is.
    ///
    /// # Cancel safety
    ///
    /// As that of [`recv`](Self::recv): it takes in the step in which it is ready.
    #[inline]
    pub fn recv_many<'a>(&'a self, values: &'a mut Vec<T>, limit: usize) -> ReceivingMany<'a, T> {
        ReceivingMany::new(&self.shared, values, limit)
    }

    /// Receives the first value, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: the ring is empty, or closed and drained. It is empty also as long as the sender
    /// of its first value is in the midst of putting it in, which is a matter of instructions.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.shared.pop().map_err(TryRecvError::from)
    }

    /// Receives what is there, up to `limit` values, to the end of `values`, and says how many.
    ///
    /// # Errors
    ///
    /// As those of [`try_recv`](Self::try_recv), where nothing is there.
    pub fn try_recv_many(&self, values: &mut Vec<T>, limit: usize) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        self.shared.pop_many(values, limit).map_err(TryRecvError::from)
    }

    /// As [`recv`](Self::recv), on a thread that may block: it spins for a moment, and sleeps then.
    #[must_use = "the value is out of the ring"]
    pub fn recv_blocking(&self) -> Option<T> {
        for _ in 0..SPINS {
            match self.try_recv() {
                Ok(value) => return Some(value),
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) => hint::spin_loop(),
            }
        }
        Parker::new().block_on(pin!(self.recv()))
    }

    /// Takes what is there now, without waiting, and without what comes later.
    ///
    /// After [`close`](Self::close), that is how a service ends: what nobody will work at is taken out, to
    /// be saved or counted.
    ///
    /// # Examples
    ///
    /// What was left when I stopped?
    ///
    /// ```
    /// let (jobs, work) = seawall_queue::ring::bounded(8)?;
    /// jobs.try_send("resize")?;
    /// jobs.try_send("upload")?;
    ///
    /// work.close();
    ///
    /// assert_eq!(work.drain().collect::<Vec<_>>(), ["resize", "upload"]);
    /// assert!(jobs.try_send("too late").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn drain(&self) -> Drain<'_, T> {
        Drain { receiver: self, left: self.len() }
    }

    /// Closes the ring, for all: nothing more goes in, and what is there can be received.
    ///
    /// Who waits to send gets his value back. Says whether it was open until now.
    #[expect(clippy::must_use_candidate, reason = "few ask who closed it")]
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Whether nothing goes in any more: it was closed, or one end is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.slots.is_shut()
    }

    /// How many values are in it; exact where nobody sends or receives meanwhile.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.slots.len()
    }

    /// Whether there is none in it; see [`len`](Self::len).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values it holds, to the last.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.slots.capacity()
    }
}

impl From<Out> for TryRecvError {
    fn from(none: Out) -> Self {
        match none {
            Out::Empty => Self::Empty,
            Out::Over => Self::Closed,
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.cloned(End::Receiver);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.shared.dropped(End::Receiver) {
            self.shared.close();
            // Nobody will take it: what holds memory, or a reply channel, is not to wait for the senders.
            self.drain().for_each(drop);
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// What was in a ring; from [`Receiver::drain`].
///
/// What it has not come to when it is dropped stays in the ring.
#[derive(Debug)]
pub struct Drain<'a, T> {
    receiver: &'a Receiver<T>,
    left: usize,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let next = self.receiver.try_recv().ok();
        if next.is_none() {
            self.left = 0; // others have taken the rest
        }
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<T> FusedIterator for Drain<'_, T> {}
