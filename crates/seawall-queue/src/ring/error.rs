//! What the ends say when they have to refuse.

use std::fmt;

use thiserror::Error;

/// The ring is closed: here is the value again.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("the ring is closed")]
pub struct SendError<T>(pub T);

/// A value was not taken, and why; here it is again.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum TrySendError<T> {
    /// There is no room now.
    #[error("the ring is full")]
    Full(T),
    /// There never will be.
    #[error("the ring is closed")]
    Closed(T),
}

/// There is no value, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// There is none now.
    #[error("the ring is empty")]
    Empty,
    /// There never will be: the ring is closed, and drained.
    #[error("the ring is closed and drained")]
    Closed,
}

impl<T> SendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }

    /// Whether there may be room later.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

// By hand: a value need not be `Debug`, and may be long.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}
