//! The calls of the last stretch of time, in buckets that empty themselves.
//!
//! # How it counts
//!
//! Time is cut into slices of `over / buckets`; slice `s` is counted in bucket `s % buckets` of a
//! row, and each core has its own row, so that cores do not take words from each other.
//!
//! ```text
//!           63        52 51          36 35          18 17           0
//!  bucket  +------------+--------------+--------------+--------------+
//!          |  epoch:12  |   slice:16   |   calls:18   |   failed:18  |
//!          +------------+--------------+--------------+--------------+
//!           63        52 51          44 43                          0
//!  hand    +------------+--------------+-----------------------------+
//!          |  idle:12   |   bucket:8   |          slice:44           |   the slice that is counted in
//!          +------------+--------------+-----------------------------+
//! ```
//!
//! The tag (epoch and slice) changes with the counts in one compare-and-swap. A recorder that finds
//!
//! | the bucket's tag | does |
//! |---|---|
//! | its own | adds its call |
//! | an earlier one | overwrites it with its own tag and one call |
//! | that of a later slice | leaves: its slice has left the window |
//! | that of another generation | as with an earlier one, unless its own is [over](super::generation) |
//!
//! A reader sums the buckets whose tag is exactly that of a slice in the window. So nothing is ever
//! cleared: a slice that nobody counted in, and all slices of an earlier generation, just do not match.
//!
//! The epoch is the circuit's generation plus the `idle` count of the hand, which goes up when the
//! window was idle for so long that a slice's 16 bits could be taken for another's. Both only go up.
//!
//! A bucket that is about to overflow is halved, calls and failures alike: the rate stays, and the
//! total is still more than any minimum asks for.
//!
//! # What it promises
//!
//! 1. Once all recorders are done, the totals are those of the slices in the window.
//! 2. A call of an earlier generation, or of a slice that has left, changes nothing.
//! 3. Of two recorders of failed calls that then read the totals, at least one sees both.
//!
//! # Synchronization
//!
//! The words carry no data but themselves, so Relaxed does for 1. For 2, a swap that can write a tag is
//! Release: see [`generation`](super::generation). Promise 3 is between different
//! words (each recorder writes its row and reads the other's), which no release or acquire orders: a
//! failed call has a SeqCst fence between its record and the reading of the totals. What it reads ends
//! with the hand as it stands then, since the other's slice may be the one after its own.

use std::{
    cmp::Ordering::{Equal, Greater, Less},
    time::Duration,
};

use seawall_core::{
    CachePadded, Nanos,
    sync::{
        Stat,
        atomic::{
            AtomicU64,
            Ordering::{Relaxed, Release, SeqCst},
            fence,
        },
    },
};

use super::{Call, Totals, generation::Generation, stamp};
use crate::outside::Outside;

const SLICE_BITS: u32 = 16;
const TAG_BITS: u32 = 28;
const TAG_SHIFT: u32 = 36;
const COUNT_BITS: u32 = 18;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const HAND_BUCKET_SHIFT: u32 = 44;
const HAND_IDLE_SHIFT: u32 = 52;
const HAND_SLICE_MASK: u64 = (1 << HAND_BUCKET_SHIFT) - 1;

#[derive(Debug)]
pub(crate) struct TimeWindow {
    hand: CachePadded<AtomicU64>,
    width: u64,
    buckets: u64,
    calls: Rows,
    slow: Option<Rows>,
}

impl TimeWindow {
    /// `lanes` rows, a power of two; `slow` says whether slow calls are counted too.
    pub(crate) fn new(over: Duration, buckets: u32, lanes: usize, slow: bool) -> Self {
        Self {
            hand: CachePadded::new(AtomicU64::new(0)),
            width: Nanos::from(over).0 / u64::from(buckets),
            buckets: buckets.into(),
            calls: Rows::new(buckets, lanes),
            slow: slow.then(|| Rows::new(buckets, lanes)),
        }
    }

    /// Whether a reading that is a tick of the kernel late would be noticed.
    pub(crate) const fn wants_exact_time(&self) -> bool {
        self.width < 100_000_000
    }

    /// The present moment, as exactly as it matters here.
    #[inline]
    pub(crate) fn now(&self, outside: &impl Outside) -> Nanos {
        if self.wants_exact_time() { outside.now() } else { outside.now_coarse() }
    }

    #[inline]
    pub(crate) fn record(&self, generation: Generation<'_>, call: Call, now: Nanos, lane: usize) {
        self.add(generation, 1, call.failed.into(), now, lane);
        if call.slow
            && let Some(slow) = &self.slow
        {
            let hand = self.hand_at(now);
            slow.add(lane, hand, generation, 1, 0);
        }
        if call.is_bad() {
            fence(SeqCst); // promise 3
        }
    }

    /// Adds `calls` and `marked` to the slice of `now`.
    #[inline]
    pub(crate) fn add(
        &self,
        generation: Generation<'_>,
        calls: u64,
        marked: u64,
        now: Nanos,
        lane: usize,
    ) {
        let hand = self.hand_at(now);
        self.calls.add(lane, hand, generation, calls, marked);
    }

    pub(crate) fn totals(&self, generation: u32, now: Nanos) -> Totals {
        self.hand_at(now);
        let hand = Hand::unpack(self.hand.load(Relaxed)); // maybe ahead of `now`: see promise 3
        let (calls, failed) = self.calls.sum(hand, generation, self.buckets);
        let slow = match &self.slow {
            Some(rows) => rows.sum(hand, generation, self.buckets).0,
            None => 0,
        };
        Totals { calls, failed, slow: slow.min(calls) }
    }

    pub(crate) fn recorded(&self) -> u64 {
        self.calls.recorded()
    }

    /// The hand as it stands at `now`, moved on if the slice is a new one.
    #[inline]
    fn hand_at(&self, now: Nanos) -> Hand {
        let hand = Hand::unpack(self.hand.load(Relaxed));
        // A product instead of a quotient: a division here would cost more than the rest.
        if now.0.wrapping_sub(hand.slice * self.width) < self.width {
            hand
        } else {
            self.move_hand(now)
        }
    }

    #[cold]
    fn move_hand(&self, now: Nanos) -> Hand {
        let slice = (now.0 / self.width) & HAND_SLICE_MASK;
        let bucket = slice % self.buckets;
        let mut seen = self.hand.load(Relaxed);
        loop {
            let hand = Hand::unpack(seen);
            let Some(ahead) = slice.checked_sub(hand.slice).filter(|&ahead| ahead > 0) else {
                return Hand { slice, bucket, ..hand }; // a late recorder does not turn it back
            };
            // Half a turn of the tag's slice is where later and earlier would change places.
            let idle = hand.idle + u64::from(ahead >= 1 << (SLICE_BITS - 1));
            let next = Hand { idle, bucket, slice };
            match self.hand.compare_exchange_weak(seen, next.pack(), Relaxed, Relaxed) {
                Ok(_) => return next,
                Err(now) => seen = now,
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Hand {
    idle: u64,
    bucket: u64,
    slice: u64,
}

impl Hand {
    #[inline]
    const fn unpack(word: u64) -> Self {
        Self {
            idle: word >> HAND_IDLE_SHIFT,
            bucket: word >> HAND_BUCKET_SHIFT & 0xFF,
            slice: word & HAND_SLICE_MASK,
        }
    }

    const fn pack(self) -> u64 {
        self.idle << HAND_IDLE_SHIFT | self.bucket << HAND_BUCKET_SHIFT | self.slice
    }

    /// What a bucket of this slice is marked with in `generation`.
    #[inline]
    const fn tag(self, generation: u32) -> u64 {
        Self::tag_of(self.idle, self.slice, generation)
    }

    #[inline]
    const fn tag_of(idle: u64, slice: u64, generation: u32) -> u64 {
        let epoch = (generation as u64).wrapping_add(idle);
        let mask = (1 << TAG_BITS) - 1;
        (epoch << SLICE_BITS | slice & ((1 << SLICE_BITS) - 1)) & mask
    }
}

const LINE: usize = 16;

/// A row of buckets for each lane, none on the cache line of another lane.
#[derive(Debug)]
struct Rows {
    lines: Box<[CachePadded<[AtomicU64; LINE]>]>,
    lines_a_row: usize,
    lanes: usize,
    /// Calls that were in a bucket when it was overwritten or halved.
    retired: Stat,
}

impl Rows {
    fn new(buckets: u32, lanes: usize) -> Self {
        debug_assert!(lanes.is_power_of_two(), "a lane is found with a mask");
        let lines_a_row = (buckets as usize).div_ceil(LINE);
        let line = || CachePadded::new(std::array::from_fn(|_| AtomicU64::new(0)));
        Self {
            lines: (0..lines_a_row * lanes).map(|_| line()).collect(),
            lines_a_row,
            lanes,
            retired: Stat::new(0),
        }
    }

    #[inline]
    fn bucket(&self, row: usize, bucket: u64) -> &AtomicU64 {
        let bucket = bucket as usize;
        &self.lines[row * self.lines_a_row + bucket / LINE][bucket % LINE]
    }

    #[inline]
    fn add(&self, lane: usize, hand: Hand, generation: Generation<'_>, calls: u64, marked: u64) {
        let tag = hand.tag(generation.number());
        let bucket = self.bucket(lane & (self.lanes - 1), hand.bucket);
        let mut seen = bucket.load(Relaxed);
        // In its own slice a call only adds to the counts: the next word is so much more.
        while seen >> TAG_SHIFT == tag && !Counts::unpack(seen).is_full() {
            let next = seen + (calls << COUNT_BITS | marked);
            match bucket.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
        self.add_otherwise(bucket, tag, generation, calls, marked);
    }

    /// As `add`, where the bucket is of another slice, or full.
    #[cold]
    fn add_otherwise(
        &self,
        bucket: &AtomicU64,
        tag: u64,
        generation: Generation<'_>,
        calls: u64,
        marked: u64,
    ) {
        let mut seen = bucket.load(Relaxed);
        loop {
            let counts = Counts::unpack(seen);
            let order = if tag >> SLICE_BITS == counts.tag >> SLICE_BITS {
                stamp::compare(tag, counts.tag, SLICE_BITS)
            } else if generation.is_over() {
                return;
            } else {
                Greater
            };
            let (next, gone) = match order {
                Equal if !counts.is_full() => {
                    (Counts { tag, calls: counts.calls + calls, marked: counts.marked + marked }, 0)
                }
                Equal => {
                    let half = Counts {
                        tag,
                        calls: counts.calls / 2 + calls,
                        marked: counts.marked / 2 + marked,
                    };
                    (half, counts.calls.div_ceil(2))
                }
                Greater => (Counts { tag, calls, marked }, counts.calls),
                Less => return,
            };
            match bucket.compare_exchange_weak(seen, next.pack(), Release, Relaxed) {
                Ok(_) => {
                    if gone > 0 {
                        self.retired.add(gone);
                    }
                    return;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Calls and marked calls of the slices in the window that ends with the hand's.
    fn sum(&self, hand: Hand, generation: u32, buckets: u64) -> (u64, u64) {
        let mut total = (0, 0);
        for row in 0..self.lanes {
            let mut bucket = hand.bucket;
            for age in 0..buckets.min(hand.slice + 1) {
                let tag = Hand::tag_of(hand.idle, hand.slice - age, generation);
                let counts = Counts::unpack(self.bucket(row, bucket).load(Relaxed));
                if counts.tag == tag {
                    total.0 += counts.calls;
                    total.1 += counts.marked;
                }
                bucket = bucket.checked_sub(1).unwrap_or(buckets - 1);
            }
        }
        total
    }

    fn recorded(&self) -> u64 {
        let held = self.lines.iter().flat_map(|line| line.iter());
        let held: u64 = held.map(|bucket| Counts::unpack(bucket.load(Relaxed)).calls).sum();
        self.retired.get() + held
    }
}

#[derive(Clone, Copy)]
struct Counts {
    tag: u64,
    calls: u64,
    marked: u64,
}

impl Counts {
    #[inline]
    const fn unpack(word: u64) -> Self {
        Self {
            tag: word >> TAG_SHIFT,
            calls: word >> COUNT_BITS & COUNT_MASK,
            marked: word & COUNT_MASK,
        }
    }

    #[inline]
    const fn is_full(self) -> bool {
        self.calls == COUNT_MASK || self.marked == COUNT_MASK
    }

    #[inline]
    const fn pack(self) -> u64 {
        self.tag << TAG_SHIFT | self.calls << COUNT_BITS | self.marked
    }
}
