//! Where a slot is and whose turn it has: the arithmetic of positions.
//!
//! A position counts what ever went in (or out), written so that the slot's index can be read from it
//! without a division, whatever the capacity:
//!
//! ```text
//!  63                    k+1   k    k-1            0
//! +-------------------------+------+----------------+
//! |           lap           | shut |     index      |      2^k > capacity
//! +-------------------------+------+----------------+
//! ```
//!
//! The index runs from 0 to capacity - 1, and then the next lap begins. So a ring of five holds five,
//! and one of one holds one. Laps wrap around; what is compared is never half of them apart. `shut` is of
//! the tail alone: see [`slots`](super::slots).

/// The shape of a ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    capacity: usize,
    /// One more than the bits of an index can be.
    shut: usize,
}

impl Turns {
    /// The most that a ring can hold, so that two bits at least are left to count laps with.
    pub(super) const MOST: usize = usize::MAX >> 4;

    /// Of a ring with so many slots, 1 to [`MOST`](Self::MOST).
    pub(super) const fn new(capacity: usize) -> Self {
        Self { capacity, shut: (capacity + 1).next_power_of_two() }
    }

    #[inline]
    pub(super) const fn capacity(self) -> usize {
        self.capacity
    }

    /// The bit that says that nothing more goes in.
    #[inline]
    pub(super) const fn shut(self) -> usize {
        self.shut
    }

    /// What a lap adds to a position.
    #[inline]
    pub(super) const fn lap(self) -> usize {
        self.shut << 1
    }

    /// Which slot it is.
    #[inline]
    pub(super) const fn index(self, position: usize) -> usize {
        position & (self.shut - 1)
    }

    /// The position `n` further, for an `n` of one lap at most.
    #[inline]
    pub(super) const fn after(self, position: usize, n: usize) -> usize {
        let index = self.index(position) + n;
        if index < self.capacity {
            position + n
        } else {
            let lap = (position & !(self.lap() - 1)).wrapping_add(self.lap());
            lap + (index - self.capacity)
        }
    }

    /// How far it is from `head` to `tail`, which is a lap further at most.
    ///
    /// Where the two are not of one moment, still a number that a ring can hold.
    #[inline]
    pub(super) const fn distance(self, head: usize, tail: usize) -> usize {
        let same_lap = (head ^ tail) & !(self.lap() - 1) == 0;
        let (head, tail) = (self.index(head), self.index(tail));
        if same_lap {
            tail.saturating_sub(head)
        } else {
            let over = self.capacity - head + tail;
            if over < self.capacity { over } else { self.capacity }
        }
    }
}
