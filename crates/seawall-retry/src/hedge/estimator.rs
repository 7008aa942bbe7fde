//! The estimator: how long most calls take, as of the last half minute, without a lock on their way.
//!
//! # How it counts
//!
//! A window is three parts of ten seconds each. A part is a histogram of nanoseconds whose buckets grow
//! with what they hold: eight in each octave, so that a bucket is at most an eighth as wide as the
//! shortest time in it.
//!
//! ```text
//!             +-----------+-----------+-----------+
//!  parts      |  closed   |  closed   |  present  |      496 counts each
//!             +-----------+-----------+-----------+
//!  present    which of them is counted in
//!  due        when the delay is worked out next, or TURNING
//!  part_ends  when the next part begins               read and set by who turns, and nobody else
//!  delay      what the last turn found; 0 before
//! ```
//!
//! | event | what happens |
//! |---|---|
//! | a sample, before `due` | one count goes up |
//! | a sample, at `due` | it counts; who swaps `due` for [`TURNING`] sums up the window and sets `delay` |
//! | such a turn, at `part_ends` | the oldest part is emptied, and then is the present one |
//!
//! A part whose time is over goes on where it has fewer than a third of the samples that a delay takes:
//! where there is little traffic the window is longer, and what was learned is not forgotten overnight.
//!
//! # What it promises
//!
//! 1. One caller at a time turns, and a part lasts for its time.
//! 2. A sample is in the window until its part is emptied, two parts later: none is lost at a boundary.
//!    (But for one whose thread sleeps for all that time in the middle of counting it.)
//! 3. The delay differs from the true quantile of the samples by at most an eighth of it.
//! 4. There is no delay before there were [`LEAST_SAMPLES`].
//!
//! # Synchronization
//!
//! A count carries nothing but itself. Turns follow each other by `due`: its swap (Acquire) sees all
//! that the last turn did before it set `due` (Release). There is one edge more, for 2: who reads which
//! part is present (Acquire) sees that it was emptied before (Release).

use std::time::Duration;

use seawall_core::{
    CachePadded, Nanos, Ratio,
    sync::{
        atomic::{
            AtomicU32, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
        unmodelled::{AtomicU32 as Unmodelled, AtomicU64 as UnmodelledU64},
    },
};

/// With fewer samples than this a high quantile says little.
pub(crate) const LEAST_SAMPLES: u64 = 100;

const PARTS: usize = 3;
const PART: Duration = Duration::from_secs(10);
const REFRESH: Duration = Duration::from_secs(1);

/// No timer of tokio's is finer.
const LEAST_DELAY: u64 = 1_000_000;

/// The `due` while somebody turns: no time is after it.
const TURNING: u64 = u64::MAX;

/// Eight buckets for each octave of a `u64`: the first two of them are exact.
const ALL: usize = 62 * 8;
const SUB_BITS: u32 = 3;

pub(crate) struct Estimator<const BUCKETS: usize = ALL> {
    /// Read by each call, and set once a second.
    delay: UnmodelledU64,
    quantile: Unmodelled,
    turns: CachePadded<Turns>,
    parts: [Box<Part<BUCKETS>>; PARTS],
}

struct Turns {
    present: AtomicU32,
    due: AtomicU64,
    part_ends: AtomicU64,
}

struct Part<const BUCKETS: usize>([AtomicU32; BUCKETS]);

impl<const BUCKETS: usize> Estimator<BUCKETS> {
    pub(crate) fn new(quantile: Ratio, now: Nanos) -> Self {
        Self {
            delay: UnmodelledU64::new(0),
            quantile: Unmodelled::new(quantile.parts_per_million()),
            turns: CachePadded::new(Turns {
                present: AtomicU32::new(0),
                due: AtomicU64::new((now + REFRESH).0),
                part_ends: AtomicU64::new((now + PART).0),
            }),
            parts: std::array::from_fn(|_| Box::new(Part::empty())),
        }
    }

    /// What the last turn found; nothing where there were not enough samples yet.
    #[inline]
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self.delay.load(Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Asks for another quantile, from the next turn on.
    pub(crate) fn set_quantile(&self, quantile: Ratio) {
        self.quantile.store(quantile.parts_per_million(), Relaxed);
    }

    /// A call took so long.
    #[inline]
    pub(crate) fn record(&self, now: Nanos, took: Duration) {
        self.count(took, 1);
        let due = self.turns.due.load(Relaxed); // only a hint: the swap finds out
        if now.0 >= due {
            self.turn(due, now);
        }
    }

    /// A call was cut off after so long: how long it would have taken, nobody knows.
    ///
    /// Where that is longer than the delay, it stands for a call that is: left out, the delay would fall
    /// with each call that was hedged, and more would be hedged. Where it is less, it says nothing.
    pub(crate) fn record_cut_off(&self, now: Nanos, took: Duration) {
        if self.delay().is_some_and(|delay| took >= delay) {
            self.record(now, took);
        }
    }

    #[inline]
    pub(crate) fn count(&self, took: Duration, times: u32) {
        let bucket = bucket(Nanos::from(took).0).min(BUCKETS - 1);
        // Acquire: pairs with `turn`; a count must not come before the zero that the part was emptied with.
        let present = self.turns.present.load(Acquire);
        self.parts[present as usize].0[bucket].fetch_add(times, Relaxed);
    }

    #[cold]
    fn turn(&self, due: u64, now: Nanos) {
        // Acquire: pairs with the end of the last turn.
        if self.turns.due.compare_exchange(due, TURNING, Acquire, Relaxed).is_err() {
            return; // another does it
        }
        let (sums, samples) = self.sums();
        if samples >= LEAST_SAMPLES {
            let quantile = Ratio::from_parts_per_million(self.quantile.load(Relaxed));
            self.delay.store(find(&sums, samples, quantile).max(LEAST_DELAY), Relaxed);
        }
        if now.0 >= self.turns.part_ends.load(Relaxed) {
            self.begin_part(now);
        }
        self.turns.due.store((now + REFRESH).0, Release); // pairs with the swap of the next turn
    }

    fn begin_part(&self, now: Nanos) {
        let present = self.turns.present.load(Relaxed) as usize;
        if self.parts[present].samples() < LEAST_SAMPLES.div_ceil(PARTS as u64) {
            return;
        }
        let next = (present + 1) % PARTS;
        self.parts[next].clear();
        self.turns.present.store(next as u32, Release); // pairs with `count`: it is empty
        self.turns.part_ends.store((now + PART).0, Relaxed);
    }

    fn sums(&self) -> ([u64; BUCKETS], u64) {
        let sums = std::array::from_fn(|bucket| {
            self.parts.iter().map(|part| u64::from(part.0[bucket].load(Relaxed))).sum()
        });
        (sums, sums.iter().sum())
    }

    /// How many samples the window holds.
    #[cfg(test)]
    pub(crate) fn samples(&self) -> u64 {
        self.sums().1
    }

    /// Which part is counted in.
    #[cfg(all(test, seawall_loom))]
    pub(crate) fn present(&self) -> u32 {
        self.turns.present.load(Acquire)
    }
}

impl<const BUCKETS: usize> Part<BUCKETS> {
    fn empty() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::new(0)))
    }

    fn samples(&self) -> u64 {
        self.0.iter().map(|count| u64::from(count.load(Relaxed))).sum()
    }

    fn clear(&self) {
        self.0.iter().for_each(|count| count.store(0, Relaxed));
    }
}

/// The bucket of a time: below 8 the time itself, above the octave and its next three bits.
#[inline]
const fn bucket(nanos: u64) -> usize {
    if nanos < 1 << SUB_BITS {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - SUB_BITS;
    ((shift as usize) << SUB_BITS) + (nanos >> shift) as usize
}

/// The shortest time in a bucket, and how many there are.
const fn bounds(bucket: usize) -> (u64, u64) {
    if bucket < 2 << SUB_BITS {
        return (bucket as u64, 1);
    }
    let shift = (bucket >> SUB_BITS) - 1;
    let top = (bucket - (shift << SUB_BITS)) as u64;
    (top << shift, 1 << shift)
}

/// The time that `quantile` of the samples are not above: within a bucket they count as evenly spread.
fn find(sums: &[u64], samples: u64, quantile: Ratio) -> u64 {
    let mut rank = quantile.count_of(samples).min(samples) - 1;
    for (bucket, &count) in sums.iter().enumerate() {
        if rank < count {
            let (shortest, width) = bounds(bucket);
            let within = u128::from(width) * u128::from(2 * rank + 1) / u128::from(2 * count);
            return shortest.saturating_add(within as u64);
        }
        rank -= count;
    }
    unreachable!("a rank below the number of samples is in one of the buckets")
}

/// The quantile as an estimator finds it, of times in nanoseconds.
#[cfg(all(test, not(seawall_loom)))]
pub(crate) fn quantile_of(times: &[u64], quantile: Ratio) -> u64 {
    let mut sums = [0; ALL];
    times.iter().for_each(|&time| sums[bucket(time)] += 1);
    find(&sums, times.len() as u64, quantile)
}
