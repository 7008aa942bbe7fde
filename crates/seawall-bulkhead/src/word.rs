//! The bulkhead's word: how many may be in flight, how many are, and how many wait.
//!
//! ```text
//!  63         48 47             24 23              0
//! +-------------+-----------------+-----------------+
//! |   waiting   |      limit      |    in flight    |
//! +-------------+-----------------+-----------------+
//! ```
//!
//! What must change together stands together: whoever finds no room becomes one who waits in the same
//! swap, so that whoever makes room afterwards sees him.

/// The largest limit, and the largest weight of all calls in flight.
pub(crate) const MOST: u32 = (1 << 24) - 1;

/// The most that can wait.
pub(crate) const MOST_WAITING: u32 = (1 << 16) - 1;

const LIMIT: u32 = 24;
const WAITING: u32 = 48;
const FIELD: u64 = MOST as u64;

/// The unpacked sight of one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    /// The word of an empty bulkhead.
    pub(crate) const fn new(limit: u32) -> Self {
        Self((limit as u64) << LIMIT)
    }

    pub(crate) const fn in_flight(self) -> u32 {
        (self.0 & FIELD) as u32
    }

    pub(crate) const fn limit(self) -> u32 {
        ((self.0 >> LIMIT) & FIELD) as u32
    }

    pub(crate) const fn waiting(self) -> u32 {
        (self.0 >> WAITING) as u32
    }

    /// How much more may be in flight; nothing while the limit shrinks below what is.
    pub(crate) const fn room(self) -> u32 {
        self.limit().saturating_sub(self.in_flight())
    }

    /// With a call of `weight` in flight, for which there is [`room`](Self::room).
    pub(crate) const fn entered(self, weight: u32) -> Self {
        Self(self.0 + weight as u64)
    }

    /// What is to be subtracted when a call of `weight` leaves.
    pub(crate) const fn leaving(weight: u32) -> u64 {
        weight as u64
    }

    /// With one more who waits, where there are fewer than [`MOST_WAITING`].
    pub(crate) const fn joined(self) -> Self {
        Self(self.0 + (1 << WAITING))
    }

    /// With one less who waits.
    pub(crate) const fn unjoined(self) -> Self {
        Self(self.0 - Self::gone())
    }

    /// What is to be subtracted when one who waits goes.
    pub(crate) const fn gone() -> u64 {
        1 << WAITING
    }

    pub(crate) const fn with_limit(self, limit: u32) -> Self {
        Self((self.0 & !(FIELD << LIMIT)) | ((limit as u64) << LIMIT))
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} in flight, {} waiting", self.in_flight(), self.limit(), self.waiting())
    }
}
