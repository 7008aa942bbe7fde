//! Turns that were booked and given back while others had booked after them.
//!
//! ```text
//!  booked       1    2    3    4    5                    2 is given back:
//!              ─┼────┼────┼────┼────┼──▶ time            3, 4 and 5 keep their turns,
//!                    ▲                                   who books next gets 2's and not 6
//!                   hole
//! ```
//!
//! To move those that booked later would break the promise made to them, and to let one more come after
//! the last would break the rate: a burst then passes at the turns that are left. So a hole is filled by
//! somebody who can wait for just that turn. One whose turn has come and gone is of no use to anybody.
//!
//! # What it promises
//!
//! 1. A hole is given once, and its turn is the one that was paid for.
//! 2. Who never waits never comes here: while there is no hole ahead, this is one word that is only read.
//! 3. Bounded: at [`MOST`] holes, what is given back beyond is lost, and counted.
//!
//! The word is a hint: it is written under the lock, and whoever misses a hole that was just added books a
//! turn of his own. Relaxed.

use seawall_core::{
    Nanos,
    sync::{
        Mutex,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::machine::Booking;

/// How many holes are kept: each is some 150 bytes.
const MOST: usize = 1_024;

#[derive(Debug)]
pub(crate) struct Holes {
    /// The latest turn among them, or 0.
    latest: AtomicU64,
    /// The earliest first.
    list: Mutex<Vec<Hole>>,
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    cells: u32,
    booking: Booking,
}

impl Hole {
    fn turn(&self) -> Nanos {
        self.booking.at()
    }
}

impl Holes {
    pub(crate) fn new() -> Self {
        Self { latest: AtomicU64::new(0), list: Mutex::new(Vec::new()) }
    }

    /// Whether one lies ahead.
    pub(crate) fn any_after(&self, now: Nanos) -> bool {
        self.latest.load(Relaxed) > now.0
    }

    /// Keeps a turn for another; false where there are too many.
    pub(crate) fn add(&self, now: Nanos, cells: u32, booking: Booking) -> bool {
        let mut list = self.list.lock();
        list.retain(|hole| hole.turn() > now);
        if list.len() >= MOST {
            return false;
        }
        let at = list.partition_point(|hole| hole.turn() <= booking.at());
        list.insert(at, Hole { cells, booking });
        self.note(&list);
        true
    }

    /// The earliest turn of at least `cells` within the time until `until`; what is left of it stays.
    pub(crate) fn fill(&self, now: Nanos, cells: u32, until: Nanos) -> Option<Booking> {
        let mut list = self.list.lock();
        list.retain(|hole| hole.turn() > now);
        let found =
            list.iter().position(|hole| hole.cells >= cells).filter(|&at| list[at].turn() <= until);
        let booking = found.map(|at| {
            list[at].cells -= cells;
            let booking = list[at].booking;
            list.retain(|hole| hole.cells > 0);
            booking
        });
        self.note(&list);
        booking
    }

    /// Closes those at the end of the line: `free` gives one back, and says whether it could.
    pub(crate) fn close(&self, now: Nanos, mut free: impl FnMut(u32, Booking) -> bool) {
        let mut list = self.list.lock();
        list.retain(|hole| hole.turn() > now);
        while let Some(last) = list.last() {
            if !free(last.cells, last.booking) {
                break;
            }
            list.pop();
        }
        self.note(&list);
    }

    fn note(&self, list: &[Hole]) {
        self.latest.store(list.last().map_or(0, |hole| hole.turn().0), Relaxed);
    }
}
