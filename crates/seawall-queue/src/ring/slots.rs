//! The slots: a bounded queue for any number of threads at both ends, which never waits.
//!
//! After Dmitry Vyukov's bounded MPMC queue. Each slot has a stamp that says whose turn it is; a position
//! is claimed by one compare-and-swap on `head` or `tail`, and who has claimed it has the slot alone until
//! he sets the stamp.
//!
//! | the stamp of a slot, at position p | means                  | who may act        | sets it to      |
//! |------------------------------------|------------------------|--------------------|-----------------|
//! | p                                  | free, for p            | who moves `tail`   | p + 1: filled   |
//! | p + 1                              | filled                 | who moves `head`   | p + a lap: free |
//!
//! Between the claim and the stamp, the slot is a **gap**: it is not there yet (or not free yet), and what
//! lies behind it cannot be reached. A gap is some instructions long, unless its thread is put aside there;
//! nobody waits for it here. Who would take it is told [`Empty`](Out::Empty) or [`Full`](In::Full), and
//! learns of the end of the gap as of any other change.
//!
//! Shutting sets a bit of the tail, where every `push` must see it: the compare-and-swap of a `push` that
//! began before fails. So when the bit is set, the tail stands still, and a head that reaches it is at the
//! end for good.
//!
//! # Synchronization
//!
//! The stamp carries the value: filled (Release) to taken (Acquire), freed (Release) to filled again
//! (Acquire). `head` and `tail` only hand out turns, for which Relaxed is enough: of two claims of one
//! position, one fails.
//!
//! # Speed
//!
//! `push` and `pop` are inlined wherever they are called, always: a call would pass what goes in and comes
//! out through memory, and the compare-and-swap that follows waits until memory has it. That is a quarter
//! of what an item takes from a `send` to a `recv`.
//!
//! # Safety
//!
//! All unsafe code of this crate is here. It rests on one rule: **the value of a slot is touched only by
//! who claimed its position, between the claim and the stamp.** A claim succeeds once for a position; the
//! next claim of the same slot is that of the next stamp. (A thread that is put aside between its look at
//! a stamp and its claim, for as long as it takes the laps to wrap around, could be fooled: 2^62 items
//! through a ring of one, for a 64-bit word.)

#![expect(unsafe_code, reason = "a slot's value is one thread's alone without a lock")]

use std::mem::MaybeUninit;

use seawall_core::{
    CachePadded, ConfigError,
    sync::{
        atomic::{
            AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
        cell::UnsafeCell,
    },
};

use super::{patience::outrun, turns::Turns};

pub(crate) struct Slots<T> {
    /// The position that is taken next.
    head: CachePadded<AtomicUsize>,
    /// The position that is filled next, and whether none is any more.
    tail: CachePadded<AtomicUsize>,
    slots: Box<[Slot<T>]>,
    turns: Turns,
}

struct Slot<T> {
    stamp: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: values go through from one thread to another, hence `T: Send`; no two threads see the same one
// (the rule of this page), hence no `T: Sync`.
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Slots<T> {}

/// Why a value did not go in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum In<T> {
    Full(T),
    Shut(T),
}

/// Why no value came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Out {
    Empty,
    /// Shut, and all that ever went in is taken: no value will come any more.
    Over,
}

impl<T> Slots<T> {
    /// So many slots, 1 to [`Turns::MOST`], all of them free.
    pub(crate) fn new(capacity: usize) -> Result<Self, ConfigError> {
        Self::from_lap(capacity, 0)
    }

    /// As [`new`](Self::new), with some laps behind it.
    pub(crate) fn from_lap(capacity: usize, laps: usize) -> Result<Self, ConfigError> {
        let wrong = |rule: String| Err(ConfigError::new("capacity", capacity, rule));
        if !(1..=Turns::MOST).contains(&capacity) {
            return wrong(format!("a number from 1 to {}", Turns::MOST));
        }
        let turns = Turns::new(capacity);
        let start = turns.lap().wrapping_mul(laps);
        let mut slots = Vec::new();
        if slots.try_reserve_exact(capacity).is_err() {
            return wrong("as much as there is memory for".to_owned());
        }
        slots.extend((0..capacity).map(|index| Slot {
            stamp: AtomicUsize::new(start + index),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }));
        Ok(Self {
            head: CachePadded::new(AtomicUsize::new(start)),
            tail: CachePadded::new(AtomicUsize::new(start)),
            slots: slots.into_boxed_slice(),
            turns,
        })
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.turns.capacity()
    }

    #[inline]
    fn slot(&self, position: usize) -> &Slot<T> {
        &self.slots[self.turns.index(position)]
    }

    /// Puts `value` at the end.
    ///
    /// Lock-free: fails to claim only where another `push` did.
    #[inline(always)]
    pub(crate) fn push(&self, value: T) -> Result<(), In<T>> {
        let mut tail = self.tail.load(Relaxed);
        let mut lost = 0;
        loop {
            if tail & self.turns.shut() != 0 {
                return Err(In::Shut(value));
            }
            let slot = self.slot(tail);
            let stamp = slot.stamp.load(Acquire); // pairs with `free`: the value before is out
            if stamp == tail {
                let next = self.turns.after(tail, 1);
                match self.tail.compare_exchange_weak(tail, next, Relaxed, Relaxed) {
                    Ok(_) => {
                        // SAFETY: `tail` is claimed, and its stamp is not set yet.
                        slot.value.with_mut(|place| unsafe { (*place).write(value) });
                        slot.stamp.store(tail + 1, Release); // to `pop`: see the value
                        return Ok(());
                    }
                    Err(_) => {
                        outrun(&mut lost);
                        tail = self.tail.load(Relaxed);
                    }
                }
            } else if is_before(stamp, tail) {
                return Err(In::Full(value)); // a lap behind: filled, or a gap
            } else {
                tail = self.tail.load(Relaxed); // somebody has filled it meanwhile
            }
        }
    }

    /// Takes the first value.
    ///
    /// Lock-free: fails to claim only where another `pop` did.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Result<T, Out> {
        let (head, slot, _) = self.claim(|_| 1)?;
        Ok(self.take(head, slot))
    }

    /// Takes the first values, `limit` at most, to `values`, and says how many.
    ///
    /// One claim for all of them. Where there is no memory for what is there, it panics with everything
    /// still in its place.
    pub(crate) fn pop_many(&self, values: &mut Vec<T>, limit: usize) -> Result<usize, Out> {
        let limit = limit.min(self.capacity());
        let (head, _, count) = self.claim(|head| {
            let count = self.filled(head, limit);
            values.reserve(count);
            count
        })?;
        for n in 0..count {
            let position = self.turns.after(head, n);
            values.push(self.take(position, self.slot(position)));
        }
        Ok(count)
    }

    /// Claims the first position, whose slot it gives too, and as many as `count` says that there are.
    #[inline(always)]
    fn claim(
        &self,
        mut count: impl FnMut(usize) -> usize,
    ) -> Result<(usize, &Slot<T>, usize), Out> {
        let mut head = self.head.load(Relaxed);
        let mut lost = 0;
        loop {
            let slot = self.slot(head);
            let stamp = slot.stamp.load(Acquire); // pairs with `push`: see the value
            if stamp == head + 1 {
                let count = count(head);
                let next = self.turns.after(head, count);
                match self.head.compare_exchange_weak(head, next, Relaxed, Relaxed) {
                    Ok(_) => return Ok((head, slot, count)),
                    Err(_) => {
                        outrun(&mut lost);
                        head = self.head.load(Relaxed);
                    }
                }
            } else if is_before(stamp, head + 1) {
                // Free, or a gap of this lap's `push` or of the last one's `pop`.
                // The bit and the place are one word: if the bit is seen, so is the last place. See above.
                let over = self.tail.load(Relaxed) == head | self.turns.shut();
                return Err(if over { Out::Over } else { Out::Empty });
            } else {
                head = self.head.load(Relaxed); // somebody has taken it meanwhile
            }
        }
    }

    /// How many are filled from `head` on without a gap, `limit` at most.
    fn filled(&self, head: usize, limit: usize) -> usize {
        let filled = |&n: &usize| {
            let position = self.turns.after(head, n);
            self.slot(position).stamp.load(Acquire) == position + 1 // pairs with `push`: see the value
        };
        (0..limit).take_while(filled).count()
    }

    /// Takes the value of a position that the caller has claimed, out of its slot.
    #[inline(always)]
    fn take(&self, head: usize, slot: &Slot<T>) -> T {
        // SAFETY: `head` is claimed, which was free to claim since the stamp said that it is filled (seen
        // with Acquire, for each position of a batch), and its stamp is not set yet.
        let value = slot.value.with_mut(|place| unsafe { (*place).assume_init_read() });
        slot.stamp.store(head.wrapping_add(self.turns.lap()), Release); // to `push`: the value is out
        value
    }

    /// Whether there is something for one who is the `n`th (from 0) to take: a value, or the end.
    pub(crate) fn has_for_receiver(&self, n: usize) -> bool {
        let mut head = self.head.load(Relaxed);
        loop {
            let position = self.turns.after(head, n.min(self.capacity()));
            // Acquire: who sees a slot taken sees the head that went past it.
            let filled = self.slot(position).stamp.load(Acquire) == position + 1;
            if (filled && n < self.capacity())
                || self.tail.load(Relaxed) == head | self.turns.shut()
            {
                return true;
            }
            let now = self.head.load(Relaxed);
            if now == head {
                return false;
            }
            head = now;
        }
    }

    /// Whether there is something for one who is the `n`th (from 0) to come with a value: a free slot, or
    /// that it is shut.
    pub(crate) fn has_for_sender(&self, n: usize) -> bool {
        let mut tail = self.tail.load(Relaxed);
        loop {
            if tail & self.turns.shut() != 0 {
                return true;
            }
            let position = self.turns.after(tail, n.min(self.capacity()));
            // Acquire: who sees a slot filled sees the tail that went past it.
            let free = self.slot(position).stamp.load(Acquire) == position;
            if free && n < self.capacity() {
                return true;
            }
            let now = self.tail.load(Relaxed);
            if now == tail {
                return false;
            }
            tail = now;
        }
    }

    /// From now on nothing goes in. Says whether it is new.
    pub(crate) fn shut(&self) -> bool {
        self.tail.fetch_or(self.turns.shut(), Relaxed) & self.turns.shut() == 0
    }

    #[inline]
    pub(crate) fn is_shut(&self) -> bool {
        self.tail.load(Relaxed) & self.turns.shut() != 0
    }

    /// How many there are: filled, or about to be.
    pub(crate) fn len(&self) -> usize {
        loop {
            let tail = self.tail.load(Acquire);
            let head = self.head.load(Acquire);
            // Of one moment, if the tail has not moved between the two.
            if self.tail.load(Relaxed) == tail {
                return self.turns.distance(head, tail & !self.turns.shut());
            }
        }
    }
}

/// Whether a stamp is of an earlier turn. Turns wrap around, and are never half of them apart.
#[inline]
const fn is_before(stamp: usize, turn: usize) -> bool {
    stamp.wrapping_sub(turn).cast_signed() < 0
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        while let Ok(value) = self.pop() {
            drop(value);
        }
    }
}
