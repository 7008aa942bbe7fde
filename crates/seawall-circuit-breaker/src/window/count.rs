//! The last `n` calls, exactly, at the price of one compare-and-swap a successful call.
//!
//! # How it counts
//!
//! ```text
//!              63           48 47                17 16                 0
//!  cursor     +---------------+--------------------+--------------------+
//!             |  generation   |        lap         |        index       |   next place in the ring
//!             +---------------+--------------------+--------------------+
//!  rings      |  generation   |             48 places, one bit each     |   1 = that call was bad
//!             +---------------+-------------+---------------------------+
//!  bad        |  generation   |   slow:24   |        failed:24          |   how many bits are set
//!             +---------------+-------------+---------------------------+
//! ```
//!
//! A recorder takes the next place by moving the cursor, then makes the bit of that place say how its
//! call went. Where the bit says so already (all well, now and `n` calls ago) nothing is written.
//! Who changes a bit also changes the count of set bits, by exactly that bit: so the count costs the
//! same whatever `n` is, and once recorders are done it is what the ring holds.
//!
//! A word of another generation is empty, whatever it holds: its first writer overwrites it, unless the
//! writer's own generation is [over](super::generation); then it leaves.
//!
//! # What it promises
//!
//! 1. Once all recorders are done, the totals are those of the last `n` calls of the generation.
//! 2. A call of an earlier generation changes nothing.
//! 3. Of two recorders of bad calls, the one that counts last sees both.
//!
//! While recorders run, a total can be off by the number of those that stand between their steps. A
//! recorder that sleeps there for a whole lap of the ring writes its bit over that of a later call.
//!
//! # Synchronization
//!
//! Each word carries no data but itself, so Relaxed does for 1. For 2, a swap that can write a tag is
//! Release: see [`generation`](super::generation). Promise 3 is the other edge: the swap of `bad`
//! (AcqRel) to the next swap of `bad`; whoever counts after me sees my place in the cursor.

use seawall_core::{
    CachePadded,
    sync::{
        Stat,
        atomic::{
            AtomicU64,
            Ordering::{AcqRel, Relaxed, Release},
        },
    },
};

use super::{Call, Totals, generation::Generation};

const GENERATION_BITS: u32 = 16;
const GENERATION_SHIFT: u32 = 48;
const INDEX_BITS: u32 = 17;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
const LAP_MAX: u64 = (1 << (GENERATION_SHIFT - INDEX_BITS)) - 1;
const PLACES: usize = GENERATION_SHIFT as usize;
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

#[derive(Debug)]
pub(crate) struct CountWindow {
    cursor: CachePadded<AtomicU64>,
    calls: u64,
    failed: Ring,
    slow: Option<Ring>,
    bad: AtomicU64,
    /// Calls that are no longer in the cursor: those of earlier generations.
    retired: Stat,
}

impl CountWindow {
    pub(crate) fn new(calls: u32, watches_slow: bool) -> Self {
        Self {
            cursor: CachePadded::new(AtomicU64::new(0)),
            calls: calls.into(),
            failed: Ring::new(calls),
            slow: watches_slow.then(|| Ring::new(calls)),
            bad: AtomicU64::new(0),
            retired: Stat::new(0),
        }
    }

    pub(crate) fn record(&self, generation: Generation<'_>, call: Call) {
        if !call.is_bad() {
            return self.record_well(generation);
        }
        if let Some(index) = self.take_place(generation) {
            self.write(index, generation, call);
        }
    }

    /// As `record`, for a call that went well.
    ///
    /// Nearly always one went well at the same place a lap ago, and there is nothing to write.
    #[inline]
    pub(crate) fn record_well(&self, generation: Generation<'_>) {
        let own = short(generation.number());
        let mut seen = self.cursor.load(Relaxed);
        // The index is the lowest field: but for the end of a lap, the next word is one more.
        while seen >> GENERATION_SHIFT == own && (seen & INDEX_MASK) + 1 < self.calls {
            match self.cursor.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
                Ok(_) => {
                    let index = (seen & INDEX_MASK) as usize;
                    let says_well = |ring: &Ring| ring.says_well(index, own);
                    if !says_well(&self.failed) || !self.slow.as_ref().is_none_or(says_well) {
                        self.write(index, generation, Call::WELL);
                    }
                    return;
                }
                Err(now) => seen = now,
            }
        }
        self.record_well_otherwise(generation);
    }

    #[cold]
    fn record_well_otherwise(&self, generation: Generation<'_>) {
        if let Some(index) = self.take_place(generation) {
            self.write(index, generation, Call::WELL);
        }
    }

    /// Makes the place at `index` say how its call went.
    #[inline(never)]
    fn write(&self, index: usize, generation: Generation<'_>, call: Call) {
        let failed = self.failed.set(index, generation, call.failed);
        let slow = match &self.slow {
            Some(ring) => ring.set(index, generation, call.slow),
            None => 0,
        };
        if failed != 0 || slow != 0 {
            self.count(generation, failed, slow);
        }
    }

    /// Takes the next place in the ring; `None` where the generation is over.
    fn take_place(&self, generation: Generation<'_>) -> Option<usize> {
        let own = short(generation.number());
        let mut seen = self.cursor.load(Relaxed);
        loop {
            let cursor = Cursor::unpack(seen);
            let place = if cursor.generation == own {
                cursor
            } else if generation.is_over() {
                return None;
            } else {
                Cursor { generation: own, lap: 0, index: 0 }
            };
            let next = place.next(self.calls);
            match self.cursor.compare_exchange_weak(seen, next.pack(), Release, Relaxed) {
                Ok(_) => {
                    if next.generation != cursor.generation || next.lap < cursor.lap {
                        self.retire(cursor, next);
                    }
                    return Some(place.index as usize);
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Keeps the number of calls that leave the cursor: with a turn of the circuit, or at the end
    /// of what a lap can count.
    #[cold]
    fn retire(&self, before: Cursor, after: Cursor) {
        let gone = before.calls(self.calls) + 1 - after.calls(self.calls);
        self.retired.add(gone);
    }

    #[cold]
    fn count(&self, generation: Generation<'_>, failed: i64, slow: i64) {
        let own = short(generation.number());
        let mut seen = self.bad.load(Relaxed);
        loop {
            let bad = if seen >> GENERATION_SHIFT == own {
                Bad::unpack(seen)
            } else if generation.is_over() {
                return;
            } else {
                Bad::default()
            };
            let next = Bad { failed: bad.failed + failed, slow: bad.slow + slow }.pack(own);
            match self.bad.compare_exchange_weak(seen, next, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    pub(crate) fn totals(&self, generation: u32) -> Totals {
        let generation = short(generation);
        let cursor = Cursor::unpack(self.cursor.load(Relaxed));
        if cursor.generation != generation {
            return Totals::default();
        }
        let bad = match self.bad.load(Relaxed) {
            seen if seen >> GENERATION_SHIFT == generation => Bad::unpack(seen),
            _ => Bad::default(),
        };
        let calls = if cursor.lap > 0 { self.calls } else { cursor.index };
        // A bit can be taken back before it was counted, and counted before its place was seen.
        let within = |count: i64| (count.max(0) as u64).min(calls);
        Totals { calls, failed: within(bad.failed), slow: within(bad.slow) }
    }

    pub(crate) fn recorded(&self) -> u64 {
        let cursor = Cursor::unpack(self.cursor.load(Relaxed));
        self.retired.get() + cursor.calls(self.calls)
    }
}

/// The circuit's generation in the bits that there are here; it wraps after 65 536 turns.
const fn short(generation: u32) -> u64 {
    generation as u64 & ((1 << GENERATION_BITS) - 1)
}

#[derive(Clone, Copy)]
struct Cursor {
    generation: u64,
    lap: u64,
    index: u64,
}

impl Cursor {
    #[inline]
    const fn unpack(word: u64) -> Self {
        Self {
            generation: word >> GENERATION_SHIFT,
            lap: word >> INDEX_BITS & LAP_MAX,
            index: word & INDEX_MASK,
        }
    }

    #[inline]
    const fn pack(self) -> u64 {
        self.generation << GENERATION_SHIFT | self.lap << INDEX_BITS | self.index
    }

    #[inline]
    const fn next(self, calls: u64) -> Self {
        if self.index + 1 < calls {
            Self { index: self.index + 1, ..self }
        } else {
            // At its end the lap goes back to 1: "full", with the laps before it retired.
            let lap = if self.lap < LAP_MAX { self.lap + 1 } else { 1 };
            Self { lap, index: 0, ..self }
        }
    }

    /// How many calls of this generation the cursor has seen.
    #[inline]
    const fn calls(self, calls: u64) -> u64 {
        self.lap * calls + self.index
    }
}

/// How many bits are set: signed, since a bit that is taken back can be counted before it was.
#[derive(Clone, Copy, Default)]
struct Bad {
    failed: i64,
    slow: i64,
}

impl Bad {
    const fn unpack(word: u64) -> Self {
        const fn signed(field: u64) -> i64 {
            let above = i64::BITS - COUNT_BITS;
            ((field << above) as i64) >> above // the shift back carries the sign down
        }
        Self { failed: signed(word & COUNT_MASK), slow: signed(word >> COUNT_BITS & COUNT_MASK) }
    }

    const fn pack(self, generation: u64) -> u64 {
        let slow = self.slow as u64 & COUNT_MASK;
        let failed = self.failed as u64 & COUNT_MASK;
        generation << GENERATION_SHIFT | slow << COUNT_BITS | failed
    }
}

/// One bit for each place, 48 to a word, each word with its generation.
#[derive(Debug)]
struct Ring(Box<[AtomicU64]>);

impl Ring {
    fn new(calls: u32) -> Self {
        let words = (calls as usize).div_ceil(PLACES);
        Self((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether a call of `generation` that went well leaves the bit at `index` as it is: it is not
    /// set, or its word is of another generation, earlier (and so empty) or later.
    #[inline]
    fn says_well(&self, index: usize, generation: u64) -> bool {
        let word = self.0[index / PLACES].load(Relaxed);
        word >> GENERATION_SHIFT != generation || word & 1 << (index % PLACES) == 0
    }

    /// Makes the bit at `index` say `bad`; returns by how much that changed the number of set bits.
    fn set(&self, index: usize, generation: Generation<'_>, bad: bool) -> i64 {
        let own = short(generation.number());
        let word = &self.0[index / PLACES];
        let bit = 1 << (index % PLACES);
        let mut seen = word.load(Relaxed);
        loop {
            let next = if seen >> GENERATION_SHIFT == own {
                if (seen & bit != 0) == bad {
                    return 0;
                }
                seen ^ bit
            } else if !bad || generation.is_over() {
                return 0; // an empty word says "well" as it is
            } else {
                own << GENERATION_SHIFT | bit
            };
            match word.compare_exchange_weak(seen, next, Release, Relaxed) {
                Ok(_) => return if bad { 1 } else { -1 },
                Err(now) => seen = now,
            }
        }
    }
}
