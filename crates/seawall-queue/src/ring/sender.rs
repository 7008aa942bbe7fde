//! The end that values go in by.

use std::{fmt, hint, pin::pin, sync::Arc};

use seawall_core::Parker;

use super::{
    SPINS, SendError, Sending, TrySendError,
    shared::{End, Shared},
    slots::In,
};

/// The end of a ring that values go in by.
///
/// Cloning is cheap and shares the ring. When the last sender goes, the ring is closed: receivers take
/// what is there, and then learn that nothing will come.
pub struct Sender<T> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Sends `value`, and waits for room where there is none.
    ///
    /// Who waits is called in the order of coming. A place that is free is anybody's: who comes at that
    /// moment may be faster than who was called, and the latter keeps his place in the line.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, where the ring is closed, also while it waits.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has sent nothing, and its value is dropped with it. The room that it was
    /// called for goes to the next one who waits.
    #[inline]
    pub fn send(&self, value: T) -> Sending<'_, T> {
        Sending::new(&self.shared, value)
    }

    /// Sends `value` where there is room.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the value: the ring is full, or closed. A ring is full also as long as the
    /// receiver of its oldest value is in the midst of taking it out, which is a matter of instructions.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.shared.push(value).map_err(|refused| match refused {
            In::Full(value) => TrySendError::Full(value),
            In::Shut(value) => TrySendError::Closed(value),
        })
    }

    /// As [`send`](Self::send), on a thread that may block: it spins for a moment, and sleeps then.
    ///
    /// # Errors
    ///
    /// As those of [`send`](Self::send).
    pub fn send_blocking(&self, mut value: T) -> Result<(), SendError<T>> {
        for _ in 0..SPINS {
            value = match self.try_send(value) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(value)) => return Err(SendError(value)),
                Err(TrySendError::Full(value)) => value,
            };
            hint::spin_loop();
        }
        Parker::new().block_on(pin!(self.send(value)))
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

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.cloned(End::Sender);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.dropped(End::Sender) {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}
