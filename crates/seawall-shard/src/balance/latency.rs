//! How long a peer takes to answer: an estimate that rises at once and forgets slowly.
//!
//! # How it decides
//!
//! Peak-EWMA, as Finagle has it: an answer that took longer than the estimate takes its place at once, one
//! that was faster draws it down by the share that `tau` forgets meanwhile. So one slow answer is enough to
//! send the next calls elsewhere, and it takes many fast ones to come back.
//!
//! | answer \ time since the last | same tick | `t` ticks later |
//! |---|---|---|
//! | `rtt >= estimate` | estimate = rtt | estimate = rtt |
//! | `rtt < estimate` | unchanged | rtt + (estimate - rtt) * e^(-t / tau) |
//!
//! Both halves are in one word, so that no reader sees the estimate of one answer with the time of another:
//!
//! ```text
//!  63                      37 36        32 31                            0
//! +--------------------------+------------+-------------------------------+
//! |   27 significant bits    |   shift    |      tick of the answer       |
//! +--------------------------+------------+-------------------------------+
//!  the estimate in nanoseconds, to 2^58     4 096 ticks are half of it gone
//! ```
//!
//! *A reading never writes.* Who reads passes the time in, and gets what is left of the estimate by then:
//! a peer that nobody asks is given another chance. Each call in flight slows that forgetting (twice as slow
//! from the first, four times from the second, eight times from the fourth), or a peer that hangs would look
//! the better the longer it does: its calls never come back to say otherwise.
//!
//! With a `tau` of 10 s a tick is 1.7 ms: at most one answer in that time writes, but for peaks. Ticks wrap after
//! 84 days, and who was not asked for so long is forgotten a second time.
//!
//! # What it promises
//!
//! 1. Of answers at the same time the longest stands, in whatever order they come: no peak is lost.
//! 2. An estimate is never below the shortest answer that it was made of, and off by less than 0.03% from
//!    the formula in real numbers with the time in whole ticks.
//!
//! # Synchronization
//!
//! The word carries no data but itself: Relaxed throughout.

use std::time::Duration;

use seawall_core::{
    Nanos,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// How many ticks it takes until half is forgotten.
const HALF: u32 = 4096;
/// How many bits of an estimate are kept.
const SIGNIFICANT: u32 = 27;
/// The longest time that can be told.
const LONGEST: u64 = ((1 << SIGNIFICANT) - 1) << 31;

/// How fast estimates are forgotten: turns moments into ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decay {
    /// Ticks in a nanosecond, in 64 bits after the point.
    per_nano: u64,
}

impl Decay {
    /// Forgets all but a share of 1/e in `tau`, which is not under a millisecond.
    pub(crate) fn new(tau: Duration) -> Self {
        let half = Nanos::from(tau).0 as f64 * std::f64::consts::LN_2;
        Self { per_nano: (f64::from(HALF) / half * 2_f64.powi(64)) as u64 }
    }

    #[inline]
    pub(crate) fn tick(self, now: Nanos) -> Tick {
        Tick(((u128::from(now.0) * u128::from(self.per_nano)) >> 64) as u32)
    }
}

/// A moment of a [`Decay`]; it wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick(pub(crate) u32);

impl Tick {
    /// How many ticks after `earlier` this is; none where another thread was a little ahead.
    #[inline]
    const fn since(self, earlier: Self) -> u32 {
        let age = self.0.wrapping_sub(earlier.0);
        if age > u32::MAX - HALF { 0 } else { age }
    }
}

#[derive(Debug)]
pub(crate) struct Latency(AtomicU64);

impl Latency {
    pub(crate) fn new(estimate: u64, tick: Tick) -> Self {
        Self(AtomicU64::new(Word::new(estimate, tick).0))
    }

    /// What is left of the estimate, in nanoseconds, with so many calls in flight.
    #[inline]
    pub(crate) fn read(&self, tick: Tick, in_flight: u32) -> u64 {
        let word = Word(self.0.load(Relaxed));
        let age = tick.since(word.tick()) as u64 >> (u32::BITS - in_flight.leading_zeros());
        let kept = (u64::from(word.bits()) * retained(age as u32)) >> 31;
        kept << word.shift()
    }

    /// Takes an answer in that took `rtt` nanoseconds.
    #[inline]
    pub(crate) fn record(&self, rtt: u64, tick: Tick) {
        let rtt = rtt.min(LONGEST);
        let mut seen = self.0.load(Relaxed);
        loop {
            let next = Word(seen).after(rtt, tick).0;
            if next == seen {
                return; // most answers of a busy peer: another one has spoken for this tick
            }
            // A swap and no store: between the two another's peak can have come in.
            match self.0.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    #[inline]
    const fn new(nanos: u64, tick: Tick) -> Self {
        let nanos = if nanos < LONGEST { nanos } else { LONGEST };
        let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(SIGNIFICANT);
        Self((nanos >> shift) << 37 | (shift as u64) << 32 | tick.0 as u64)
    }

    #[inline]
    const fn bits(self) -> u32 {
        (self.0 >> 37) as u32
    }

    #[inline]
    const fn shift(self) -> u32 {
        (self.0 >> 32) as u32 & 31
    }

    #[inline]
    const fn tick(self) -> Tick {
        Tick(self.0 as u32)
    }

    #[inline]
    fn after(self, rtt: u64, tick: Tick) -> Self {
        let estimate = u64::from(self.bits()) << self.shift();
        let age = tick.since(self.tick());
        if rtt >= estimate {
            // The later of the two moments: a slow thread does not set the time back.
            return Self::new(rtt, if age == 0 { self.tick() } else { tick });
        }
        if age == 0 {
            return self;
        }
        let over = (u128::from(estimate - rtt) * u128::from(retained(age))) >> 31;
        Self::new(rtt + over as u64, tick)
    }
}

/// What is left after so many ticks, in 31 bits after the point: a product of two powers that are looked up.
#[inline]
const fn retained(ticks: u32) -> u64 {
    let (halvings, coarse, fine) = (ticks / HALF, ticks / 64 % 64, ticks % 64);
    if halvings > 31 {
        return 0;
    }
    (COARSE[coarse as usize] as u64 * FINE[fine as usize] as u64) >> 31 >> halvings
}

/// The powers of 2^(-1/64) and of 2^(-1/4096), in 31 bits after the point.
static COARSE: [u32; 64] = powers(0x7e9f_0606_7a43_60ba);
static FINE: [u32; 64] = powers(0x7ffa_748d_ff8d_c61f);

/// `root` has 63 bits after the point.
const fn powers(root: u64) -> [u32; 64] {
    let mut powers = [0; 64];
    let mut power = 1 << 63;
    let mut at = 0;
    while at < powers.len() {
        powers[at] = ((power + (1 << 31)) >> 32) as u32; // rounded to the nearest
        power = ((power as u128 * root as u128) >> 63) as u64;
        at += 1;
    }
    powers
}
