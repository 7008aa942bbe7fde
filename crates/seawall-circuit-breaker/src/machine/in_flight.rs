//! Which calls have been in flight for too long, though none of them has come back.
//!
//! A dependency that hangs produces no outcomes, and a breaker that waits for outcomes never opens.
//! So calls are counted when they start, by the slice of time they start in, and leave the count of
//! that slice when they end; what is left in old slices hangs.
//!
//! ```text
//!           63        52 51                     20 19           0
//!  slot    +------------+-------------------------+--------------+
//!          | generation |         slice:32        |   count:20   |   calls that started in it
//!          +------------+-------------------------+--------------+
//!  ancient | generation |              count:52, signed          |   calls older than the ring
//!          +------------+----------------------------------------+
//! ```
//!
//! Slices are an eighth of the limit, and 16 of them make the ring. Who starts the first call of a
//! slice takes the slot from the slice that held it before, and moves what was left there to
//! `ancient`; a call that finds its slot taken when it ends leaves `ancient`. Between those two steps
//! `ancient` is off by what is on its way, which makes a judgement late and never wrong for good.
//!
//! # What it promises
//!
//! 1. Once nothing starts or ends, `overdue` is the number of calls in flight that started more than
//!    the limit and an eighth ago; it never counts one that started less than the limit ago.
//! 2. A call of an earlier generation changes nothing.
//!
//! # Synchronization
//!
//! The words carry no data but themselves, so Relaxed does, but for two edges. Each change of `ancient`
//! (Release) to `overdue` (Acquire): who sees moved calls there does not see them in their slot too. And
//! for 2, a swap that can write a tag is Release: see [`generation`](crate::window::generation).

use std::{
    cmp::Ordering::{Equal, Greater, Less},
    time::Duration,
};

use seawall_core::{
    Nanos,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::window::{generation::Generation, stamp};

const SLOTS: usize = 16;
const SLICES_A_LIMIT: u64 = 8;
const GENERATION_BITS: u32 = 12;
const GENERATION_SHIFT: u32 = 52;
const SLICE_BITS: u32 = 32;
const SLICE_SHIFT: u32 = 20;
const COUNT_MASK: u64 = (1 << SLICE_SHIFT) - 1;
const ANCIENT_MASK: u64 = (1 << GENERATION_SHIFT) - 1;

#[derive(Debug)]
pub(crate) struct InFlight {
    width: u64,
    slots: [AtomicU64; SLOTS],
    ancient: AtomicU64,
    /// The slice in which somebody last looked for overdue calls.
    looked: AtomicU64,
}

impl InFlight {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            width: (Nanos::from(limit).0 / SLICES_A_LIMIT).max(1),
            slots: std::array::from_fn(|_| AtomicU64::new(0)),
            ancient: AtomicU64::new(0),
            looked: AtomicU64::new(0),
        }
    }

    /// Counts a call that starts at `now`.
    #[inline]
    pub(crate) fn start(&self, generation: Generation<'_>, now: Nanos) {
        let own = Slot::empty(generation.number(), now.0 / self.width);
        let slot = self.slot(own.slice);
        let mut seen = slot.load(Relaxed);
        loop {
            let held = Slot::unpack(seen);
            let order = if own.generation == held.generation {
                stamp::compare(own.slice, held.slice, SLICE_BITS)
            } else if generation.is_over() {
                return;
            } else {
                Greater
            };
            let count = match order {
                // Full at a million calls; further ones are not watched.
                Equal => (held.count + 1).min(COUNT_MASK),
                Greater => 1,
                // Held up between reading the clock and here for as long as the ring reaches.
                Less => return self.change_ancient(generation, 1),
            };
            match slot.compare_exchange_weak(seen, Slot { count, ..own }.pack(), Release, Relaxed) {
                Ok(_) if own.generation == held.generation && own.slice != held.slice => {
                    return self.change_ancient(generation, held.count as i64);
                }
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Takes the call that started at `started` out of the count.
    #[inline(never)] // few circuits look: their calls need not be in the way of the others'
    pub(crate) fn end(&self, generation: Generation<'_>, started: Nanos) {
        let own = Slot::empty(generation.number(), started.0 / self.width);
        let slot = self.slot(own.slice);
        let mut seen = slot.load(Relaxed);
        loop {
            let held = Slot::unpack(seen);
            if own.generation != held.generation || own.slice != held.slice {
                return self.change_ancient(generation, -1);
            }
            let next = Slot { count: held.count.saturating_sub(1), ..held };
            match slot.compare_exchange_weak(seen, next.pack(), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// How many calls of `generation` are overdue at `now`.
    pub(crate) fn overdue(&self, generation: u32, now: Nanos) -> u64 {
        let generation = short(generation);
        let ancient = self.ancient.load(Acquire); // before the slots: no call is seen twice
        let mut overdue = match ancient >> GENERATION_SHIFT == generation {
            true => signed(ancient),
            false => 0,
        };
        // The slice that is exactly the limit old holds calls on both sides of it.
        let first_in_time = (now.0 / self.width).saturating_sub(SLICES_A_LIMIT);
        for slot in &self.slots {
            let held = Slot::unpack(slot.load(Relaxed));
            let age = stamp::compare(first_in_time, held.slice, SLICE_BITS);
            if held.generation == generation && age == Greater {
                overdue += held.count as i64;
            }
        }
        overdue.max(0) as u64
    }

    /// Whether the caller is the one who looks for overdue calls in the slice of `now`.
    #[inline]
    pub(crate) fn is_first_to_look(&self, now: Nanos) -> bool {
        let slice = now.0 / self.width;
        let looked = self.looked.load(Relaxed);
        looked < slice && self.looked.compare_exchange(looked, slice, Relaxed, Relaxed).is_ok()
    }

    fn slot(&self, slice: u64) -> &AtomicU64 {
        &self.slots[slice as usize % SLOTS]
    }

    #[cold]
    fn change_ancient(&self, generation: Generation<'_>, by: i64) {
        if by == 0 {
            return;
        }
        let own = short(generation.number());
        let mut seen = self.ancient.load(Relaxed);
        loop {
            let count = if seen >> GENERATION_SHIFT == own {
                signed(seen) + by
            } else if generation.is_over() {
                return;
            } else {
                by
            };
            let next = own << GENERATION_SHIFT | count as u64 & ANCIENT_MASK;
            match self.ancient.compare_exchange_weak(seen, next, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}

const fn short(generation: u32) -> u64 {
    generation as u64 & ((1 << GENERATION_BITS) - 1)
}

/// The count of `ancient`: it can be below nothing while a call's end overtakes its start's move.
const fn signed(ancient: u64) -> i64 {
    let above = u64::BITS - GENERATION_SHIFT;
    ((ancient << above) as i64) >> above
}

#[derive(Clone, Copy)]
struct Slot {
    generation: u64,
    slice: u64,
    count: u64,
}

impl Slot {
    const fn empty(generation: u32, slice: u64) -> Self {
        Self { generation: short(generation), slice: slice & ((1 << SLICE_BITS) - 1), count: 0 }
    }

    const fn unpack(word: u64) -> Self {
        Self {
            generation: word >> GENERATION_SHIFT,
            slice: word >> SLICE_SHIFT & ((1 << SLICE_BITS) - 1),
            count: word & COUNT_MASK,
        }
    }

    const fn pack(self) -> u64 {
        self.generation << GENERATION_SHIFT | self.slice << SLICE_SHIFT | self.count
    }
}
