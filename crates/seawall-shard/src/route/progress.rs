//! How far a node has come, as it was reported: what it has applied, and how old what it serves is.
//!
//! # How it decides
//!
//! Two words, which nobody needs to have been true at one moment: a read asks for the one, the other, or each.
//!
//! ```text
//!   applied   the highest position that was reported; 0: unknown
//!
//!   lag  63                                1   0
//!       +------------------------------------+---+
//!       |  as of: what it serves is so old   | b |     0: unknown        b: left out by its lag
//!       +------------------------------------+---+
//! ```
//!
//! A report says "behind by so much, now". What is kept is the moment as of which the node's data are, so that a
//! node gets older while nobody reports: one whose reports stop drops out by itself.
//!
//! | the node was \ a report of | at most `rejoin` | in between | more than `max` |
//! |---|---|---|---|
//! | in | in | in | out |
//! | out, or older than `max` when the report came | in | out | out |
//! | unknown | in | out | out |
//!
//! Two thresholds, so that a lag that swings about one of them moves nobody in and out.
//!
//! # What it promises
//!
//! 1. What was applied stays applied: reports may come late, and in any order.
//! 2. A node that was not heard of is behind every token but the first, and older than every bound.
//!
//! # Synchronization
//!
//! Each word carries nothing but itself: Relaxed throughout. Outside of loom's view: no decision is made of both.

use std::time::Duration;

use seawall_core::{
    Nanos,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};

use crate::route::Token;

/// So far before a clock's origin a moment can lie: a lag may be longer than the clock is old. 73 years.
const BEFORE: u64 = 1 << 61;

/// The thresholds of a node's lag: out above the first, in again at or below the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    pub(crate) max: Duration,
    pub(crate) rejoin: Duration,
}

/// What is known of one node.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    applied: AtomicU64,
    lag: AtomicU64,
}

/// What the lag's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lag(u64);

impl Lag {
    const UNKNOWN: Self = Self(0);

    fn new(lag: Duration, now: Nanos, is_out: bool) -> Self {
        let as_of = (now.0.min(BEFORE) + BEFORE).saturating_sub(Nanos::from(lag).0).max(1);
        Self(as_of << 1 | u64::from(is_out))
    }

    /// How old what the node serves is; `None` where that is unknown.
    fn age(self, now: Nanos) -> Option<Duration> {
        let as_of = self.0 >> 1;
        (as_of > 0)
            .then(|| Duration::from_nanos((now.0.min(BEFORE) + BEFORE).saturating_sub(as_of)))
    }

    const fn is_out(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether it is left out, by its thresholds.
    fn is_left_out(self, now: Nanos, thresholds: Option<Thresholds>) -> bool {
        let is_older = |age| thresholds.is_some_and(|thresholds| age > thresholds.max);
        self.age(now).is_none_or(|age| self.is_out() || is_older(age))
    }

    /// What becomes of it by a report.
    fn after(self, lag: Duration, now: Nanos, thresholds: Option<Thresholds>) -> Self {
        let is_out = thresholds.is_some_and(|thresholds| {
            let was_out = self.is_left_out(now, Some(thresholds));
            lag > if was_out { thresholds.rejoin } else { thresholds.max }
        });
        Self::new(lag, now, is_out)
    }
}

impl Progress {
    /// Whether it has applied what the token asks for.
    #[inline]
    pub(crate) fn has(&self, token: Token) -> bool {
        self.applied.load(Relaxed) >= token.position()
    }

    /// Whether it is in by its thresholds, and what it serves is at most so old.
    #[inline]
    pub(crate) fn is_within(
        &self,
        most: Duration,
        now: Nanos,
        thresholds: Option<Thresholds>,
    ) -> bool {
        let lag = Lag(self.lag.load(Relaxed));
        !lag.is_left_out(now, thresholds) && lag.age(now).is_some_and(|age| age <= most)
    }

    /// Whether it is left out by its lag, or by nobody knowing it.
    pub(crate) fn is_left_out(&self, now: Nanos, thresholds: Option<Thresholds>) -> bool {
        Lag(self.lag.load(Relaxed)).is_left_out(now, thresholds)
    }

    /// It has applied all up to there; whether that was not known.
    pub(crate) fn applied(&self, token: Token) -> bool {
        self.applied.fetch_max(token.position(), Relaxed) < token.position()
    }

    /// It is behind by so much; whether it was left out by that moment, and is from now on.
    pub(crate) fn lags(
        &self,
        lag: Duration,
        now: Nanos,
        thresholds: Option<Thresholds>,
    ) -> (bool, bool) {
        let next = |word| Some(Lag(word).after(lag, now, thresholds).0);
        let before = self.lag.fetch_update(Relaxed, Relaxed, next).expect("there is always a next");
        let left_out = |lag: Lag| lag.is_left_out(now, thresholds);
        (left_out(Lag(before)), left_out(Lag(before).after(lag, now, thresholds)))
    }

    /// Nothing is known of it any more.
    pub(crate) fn forget(&self) {
        self.applied.store(0, Relaxed);
        self.lag.store(Lag::UNKNOWN.0, Relaxed);
    }
}
