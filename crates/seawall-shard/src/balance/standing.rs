//! Whether a peer takes part: in, out for a time, or down until somebody says otherwise.
//!
//! # How it decides
//!
//! One word, in which the failures in a row stand beside what they lead to:
//!
//! ```text
//!  63   62            56 55          42 41                              0
//! +----+----------------+--------------+---------------------------------+
//! |down|    ejections   |   failures   |              since              |
//! +----+----------------+--------------+---------------------------------+
//! ```
//!
//! `since` is the moment from which the peer is in: while it lies ahead, the peer is out, and from then on it
//! is taken up slowly. So a peer comes back without anybody doing anything.
//!
//! | state \ event | success | failure | `eject(until)` | an interval that it was in | `set_down` | `set_up` |
//! |---|---|---|---|---|---|---|
//! | in (`since <= now`) | failures = 0 | failures + 1 | since = until, ejections + 1, failures = 0 | ejections - 1 | down | unchanged |
//! | out (`now < since`) | unchanged | unchanged | unchanged | unchanged | down | since = now, failures = 0 |
//! | down | unchanged | unchanged | unchanged | unchanged | unchanged | up, since = now, failures = 0 |
//!
//! # What it promises
//!
//! 1. A call that began before `since` changes nothing: it belongs to an earlier stay.
//! 2. Of failures at the same time none is lost, and each sees a number of its own.
//! 3. Of two that eject a peer at the same time, one does.
//!
//! # Synchronization
//!
//! The word carries no data but itself: Relaxed. What ejects also stores the [outlook](super::outlook) of the
//! whole, and that is the edge by which a pick sees the word.

use seawall_core::{
    Nanos, Ratio,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

const SINCE: u64 = (1 << 42) - 1;
const MOST_FAILURES: u64 = (1 << 14) - 1;
const MOST_EJECTIONS: u64 = (1 << 7) - 1;

/// What who comes back is given at first: enough that it is asked at all.
const LEAST_SHARE: Ratio = Ratio::from_parts_per_million(100_000);

/// A moment in units of 2^20 ns, about a millisecond; 42 bits of them are 146 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Before all: a peer that is in since then was never out.
    pub(crate) const ALWAYS: Self = Self(0);
    /// After all.
    pub(crate) const NEVER: Self = Self(SINCE);

    /// The last moment that is not after `now`.
    #[inline]
    pub(crate) const fn of(now: Nanos) -> Self {
        let units = now.0 >> 20;
        Self(if units < SINCE { units } else { SINCE })
    }

    /// The first moment that is not before `now`.
    pub(crate) const fn from(now: Nanos) -> Self {
        Self::of(Nanos(now.0.saturating_add((1 << 20) - 1)))
    }

    /// How many units of it a time has, rounded up.
    pub(crate) const fn span(nanos: u64) -> u64 {
        nanos.div_ceil(1 << 20)
    }

    /// How many whole units a time has, and one at least.
    pub(crate) const fn whole(nanos: u64) -> u64 {
        if nanos >> 20 == 0 { 1 } else { nanos >> 20 }
    }

    pub(crate) const fn plus(self, span: u64) -> Self {
        let units = self.0.saturating_add(span);
        Self(if units < SINCE { units } else { SINCE })
    }

    /// How many units after `earlier` this is.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) const fn from_units(units: u64) -> Self {
        Self(units & SINCE)
    }

    pub(crate) const fn units(self) -> u64 {
        self.0
    }
}

#[derive(Debug)]
pub(crate) struct Standing(AtomicU64);

/// What a standing was at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) down: bool,
    /// How often it was ejected lately.
    pub(crate) ejections: u32,
    /// How many calls failed in a row.
    pub(crate) failures: u32,
    /// From when on it is in.
    pub(crate) since: Moment,
}

impl Stand {
    #[inline]
    const fn unpack(word: u64) -> Self {
        Self {
            down: word >> 63 == 1,
            ejections: (word >> 56 & MOST_EJECTIONS) as u32,
            failures: (word >> 42 & MOST_FAILURES) as u32,
            since: Moment(word & SINCE),
        }
    }

    #[inline]
    const fn pack(self) -> u64 {
        (self.down as u64) << 63
            | (self.ejections as u64) << 56
            | (self.failures as u64) << 42
            | self.since.0
    }

    /// Whether it takes calls.
    #[inline]
    pub(crate) fn is_in(self, now: Moment) -> bool {
        !self.down && self.since <= now
    }

    /// When it is taken up wholly, if that takes `ramp` units; who was never out is at once.
    #[inline]
    pub(crate) fn full(self, ramp: u64) -> Moment {
        if self.since == Moment::ALWAYS { self.since } else { self.since.plus(ramp) }
    }

    /// How much of its weight it is given: nothing while it is out, and after that a share that grows evenly to
    /// the whole in `ramp` units, and is a tenth at least.
    pub(crate) fn share(self, now: Moment, ramp: u64) -> Ratio {
        if !self.is_in(now) {
            return Ratio::ZERO;
        }
        if now >= self.full(ramp) {
            return Ratio::ONE;
        }
        Ratio::of(now.since(self.since), ramp).max(LEAST_SHARE)
    }
}

impl Standing {
    pub(crate) fn new(since: Moment) -> Self {
        let stand = Stand { down: false, ejections: 0, failures: 0, since };
        Self(AtomicU64::new(stand.pack()))
    }

    #[inline]
    pub(crate) fn read(&self) -> Stand {
        Stand::unpack(self.0.load(Relaxed))
    }

    /// A call went well that began at `began`.
    #[inline]
    pub(crate) fn success(&self, began: Moment) {
        let stand = self.read();
        if stand.failures > 0 {
            // Only a peer that failed before is written to: a healthy one is read and no more.
            self.change(|stand| {
                (stand.is_in(began) && stand.failures > 0).then_some(Stand { failures: 0, ..stand })
            });
        }
    }

    /// A call failed that began at `began`; returns how many did in a row, or 0 where it is an old one.
    #[cold]
    pub(crate) fn failure(&self, began: Moment) -> u32 {
        let counted = |stand: Stand| Stand {
            failures: (stand.failures + 1).min(MOST_FAILURES as u32),
            ..stand
        };
        let before = self.change(|stand| stand.is_in(began).then(|| counted(stand)));
        before.map_or(0, |before| counted(before).failures)
    }

    /// Puts it out until `until` where it is in; whether it was.
    pub(crate) fn eject(&self, now: Moment, until: Moment) -> bool {
        let out = |stand: Stand| Stand {
            down: false,
            ejections: (stand.ejections + 1).min(MOST_EJECTIONS as u32),
            failures: 0,
            since: until,
        };
        self.change(|stand| stand.is_in(now).then(|| out(stand))).is_some()
    }

    /// It stays though it failed: counts its failures anew.
    pub(crate) fn spare(&self) {
        self.change(|stand| (stand.failures > 0).then_some(Stand { failures: 0, ..stand }));
    }

    /// Forgives an ejection for each whole interval of so many units that it was in since `last`.
    pub(crate) fn forgive(&self, last: Moment, now: Moment, interval: u64) {
        self.change(|stand| {
            let passed = now.since(stand.since.max(last)) / interval;
            let ejections = u64::from(stand.ejections).saturating_sub(passed) as u32;
            let earned = stand.is_in(now) && ejections < stand.ejections;
            earned.then_some(Stand { ejections, ..stand })
        });
    }

    /// Down until it is set up; whether it was not.
    pub(crate) fn set_down(&self) -> bool {
        self.change(|stand| (!stand.down).then_some(Stand { down: true, ..stand })).is_some()
    }

    /// In from `now` on, whatever it was out for; whether it was down or out.
    pub(crate) fn set_up(&self, now: Moment) -> bool {
        let back = |stand: Stand| Stand { down: false, failures: 0, since: now, ..stand };
        self.change(|stand| (!stand.is_in(now)).then(|| back(stand))).is_some()
    }

    /// Makes the step that `next` says, if any; what it was before.
    fn change(&self, next: impl Fn(Stand) -> Option<Stand>) -> Option<Stand> {
        let mut seen = self.0.load(Relaxed);
        loop {
            let stand = Stand::unpack(seen);
            let word = next(stand)?.pack();
            match self.0.compare_exchange_weak(seen, word, Relaxed, Relaxed) {
                Ok(_) => return Some(stand),
                Err(now) => seen = now,
            }
        }
    }
}
