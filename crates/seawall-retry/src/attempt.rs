//! Which attempt it is, for whoever makes it.

use std::time::Duration;

/// One of the attempts of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) elapsed: Duration,
    pub(crate) is_last: bool,
}

impl Attempt {
    /// 1 for the first try, 2 for the first retry.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How long ago the call began, to a few milliseconds.
    ///
    /// Of a call without a deadline that is awaited, the time up to its first wait does not count: a clock
    /// is most of what it costs to do well at once.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        self.elapsed
    }

    /// Whether no other can follow: what it needs it can consume.
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.is_last
    }
}
