//! A line of those who wait at one end of a ring, and the one rule by which they are called.
//!
//! A **seat** is a waker with a ticket. Who is called leaves his seat and is counted in `called` until he
//! answers: by polling again, or by going away.
//!
//! ```text
//!             sit                call                   answer
//!  (polled) ------> seated -----------------> called -----------> (takes what is there, or sits
//!                     |                          |                 down again, with the same ticket)
//!                     | leave                    | leave
//!                     v                          v
//!                   (gone)            (gone; the call is handed on: the rule)
//! ```
//!
//! **The rule**: *while somebody sits and there is something for one more than are called, the first is
//! called.* It is applied wherever one of its two sides may have changed for the worse: after something
//! came (`notify`), and after somebody who was called went without it (`leave`). So nobody needs to know
//! whose wake a thing was, and one thing wakes one task.
//!
//! # Why no wake-up is lost
//!
//! Who comes with a thing and who sits down do these in turn, and each looks for the other after it:
//!
//! ```text
//!   comes:  publishes the thing          sits:  takes a seat, raises the flag
//!           fence                               fence
//!           looks at the flag                   looks for a thing
//! ```
//!
//! The fences are SeqCst: one of them is first, and the other one's thread sees what was done before it.
//! So whoever is second sees the first. Without anybody who waits that is one fence and one load a thing.
//!
//! # Locks
//!
//! Under the line's lock nobody is woken and no waker is dropped or cloned: that is other people's code.

use std::{collections::VecDeque, num::NonZeroU64, task::Waker};

use seawall_core::{
    CachePadded,
    sync::{
        Mutex,
        atomic::{
            AtomicBool,
            Ordering::{Relaxed, SeqCst},
            fence,
        },
    },
};

/// Who waits at one end.
pub(crate) struct Line {
    /// Whether anybody sits; changed under the lock.
    waits: CachePadded<AtomicBool>,
    seats: Mutex<Seats>,
}

struct Seats {
    /// In the order of their tickets.
    line: VecDeque<(Ticket, Waker)>,
    called: usize,
    next: Ticket,
}

/// Names a seat; lower is earlier. Not zero, so that a future that has none is no larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(NonZeroU64);

impl Ticket {
    const FIRST: Self = Self(NonZeroU64::MIN);

    const fn next(self) -> Self {
        Self(self.0.saturating_add(1)) // 2^64 of them are not reached
    }
}

impl Seats {
    fn find(&self, ticket: Ticket) -> Result<usize, usize> {
        self.line.binary_search_by_key(&ticket, |seat| seat.0)
    }
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            waits: CachePadded::new(AtomicBool::new(false)),
            seats: Mutex::new(Seats { line: VecDeque::new(), called: 0, next: Ticket::FIRST }),
        }
    }

    /// Takes a seat, or the same one again; the caller looks for a thing once more after it.
    ///
    /// Who was called and found nothing (somebody was faster) sits where he sat before.
    pub(crate) fn sit(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let waker = waker.clone();
        let mut seats = self.seats.lock();
        let mine = *ticket.get_or_insert(seats.next);
        let before = match seats.find(mine) {
            Ok(seat) => Some(std::mem::replace(&mut seats.line[seat].1, waker)),
            Err(seat) => {
                if mine == seats.next {
                    seats.next = mine.next();
                } else {
                    seats.called -= 1; // he answers
                }
                seats.line.insert(seat, (mine, waker));
                None
            }
        };
        self.waits.store(true, Relaxed); // ordered by the fence, and by the lock
        drop(seats);
        drop(before);
        fence(SeqCst); // the other side's is in `notify`: see the page
    }

    /// Leaves for good, with a thing (`served`) or without. Says whether a call is to be handed on.
    ///
    /// Who was not called and took a thing nonetheless owes nobody anything; if he was called meanwhile,
    /// that was for another one.
    pub(crate) fn leave(&self, ticket: Ticket) -> bool {
        let mut seats = self.seats.lock();
        let (left, was_called) = match seats.find(ticket) {
            Ok(seat) => (seats.line.remove(seat), false),
            Err(_) => {
                seats.called -= 1;
                (None, true)
            }
        };
        if seats.line.is_empty() {
            self.waits.store(false, Relaxed);
        }
        drop(seats);
        drop(left);
        was_called
    }

    /// After something came: calls by the rule, where `has(n)` says whether there is something for one
    /// more than `n`.
    #[inline]
    pub(crate) fn notify(&self, has: impl Fn(usize) -> bool) {
        fence(SeqCst); // the other side's is in `sit`: see the page
        if self.somebody_waits() {
            self.call(has);
        }
    }

    /// Whether somebody sits, for who has passed a fence.
    #[inline]
    pub(crate) fn somebody_waits(&self) -> bool {
        self.waits.load(Relaxed)
    }

    /// Calls by the rule.
    #[cold]
    pub(crate) fn call(&self, has: impl Fn(usize) -> bool) {
        while let Some(waker) = self.next(&has) {
            waker.wake();
            if !self.somebody_waits() {
                return; // who sits down from now on looks for himself
            }
        }
    }

    fn next(&self, has: impl Fn(usize) -> bool) -> Option<Waker> {
        let mut seats = self.seats.lock();
        if seats.line.is_empty() || !has(seats.called) {
            return None;
        }
        let (_, waker) = seats.line.pop_front()?;
        seats.called += 1;
        if seats.line.is_empty() {
            self.waits.store(false, Relaxed);
        }
        Some(waker)
    }
}
