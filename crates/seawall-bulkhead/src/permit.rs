//! One call's place, until it is given back.

use std::{borrow::Borrow, fmt};

use seawall_core::{Nanos, Outcome};

use crate::Bulkhead;

/// A place in a bulkhead: dropping it gives it back.
///
/// Where the limit is [adaptive](crate::Adaptive), how long it was held is a sample of the latency: as
/// of a call that succeeded, unless [`record`](Self::record) says otherwise or the thread unwinds.
///
/// It borrows the bulkhead, or owns a handle of it ([`Bulkhead::try_acquire_owned`]).
#[must_use = "a permit that is dropped gives its place back"]
pub struct Permit<B: Borrow<Bulkhead> = Bulkhead> {
    bulkhead: B,
    weight: u32,
    /// When the call began, where it is timed; zero where it is not.
    started: Nanos,
    end: End,
}

impl<B: Borrow<Bulkhead>> Permit<B> {
    #[inline]
    pub(crate) const fn new(bulkhead: B, weight: u32, started: Nanos) -> Self {
        Self { bulkhead, weight, started, end: End::Told(Outcome::Success) }
    }

    /// How many places it is.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// Gives the place back after a call that went well.
    #[inline]
    pub fn success(self) {
        self.record(Outcome::Success);
    }

    /// Gives the place back after a call that was refused, timed out or failed for the load: an
    /// adaptive limit shrinks where too many do.
    #[inline]
    pub fn failure(self) {
        self.record(Outcome::Failure);
    }

    /// Gives the place back after a call that went as `outcome` says; [`Outcome::Ignored`] is no
    /// sample.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.end = End::Told(outcome);
    }

    /// What it is to tell when it is dropped.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) const fn tells(&mut self, outcome: Outcome) {
        self.end = End::Told(outcome);
    }

    /// Its places are another's from now on: it gives back none, and tells nothing.
    #[cfg(feature = "tower")]
    pub(crate) fn hand_on(mut self) {
        (self.weight, self.started) = (0, Nanos::ZERO);
        self.end = End::Told(Outcome::Ignored);
    }

    /// From now on, a permit that is dropped tells of a call that was given up.
    #[inline]
    pub(crate) fn of_call(mut self) -> Self {
        self.end = End::GivenUp;
        self
    }
}

/// What a permit tells when it is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Told(Outcome),
    /// Nobody waited for the call to end.
    GivenUp,
}

impl<B: Borrow<Bulkhead>> Drop for Permit<B> {
    #[inline]
    fn drop(&mut self) {
        self.bulkhead.borrow().leave(self.weight, self.started, self.end);
    }
}

impl<B: Borrow<Bulkhead>> fmt::Debug for Permit<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("weight", &self.weight).finish_non_exhaustive()
    }
}
