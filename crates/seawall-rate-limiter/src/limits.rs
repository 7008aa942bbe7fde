//! Which limiter the calls of a service meet, and what each of them costs.

use std::{borrow::Borrow, fmt, hash::Hash, time::Duration};

use seawall_core::Rejection;

use crate::{RateLimiter, RateLimiters, Reservation};

/// Which quota the calls of a service meet: one for all, or one for each key.
pub trait Limits<Request> {
    /// Takes `cells` for `request` now.
    ///
    /// # Errors
    ///
    /// Where there are not as many.
    fn try_acquire(&self, request: &Request, cells: u32) -> Result<(), Rejection>;

    /// Takes `cells` for `request` now, and then there is nothing to wait for; or books them for a turn
    /// within `max_wait`.
    ///
    /// # Errors
    ///
    /// Where there is no such turn.
    fn now_or_later(
        &self,
        request: &Request,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Option<Reservation>, Rejection>;

    /// Books `cells` for `request`, for now or for a turn within `max_wait`.
    ///
    /// # Errors
    ///
    /// Where there is no such turn.
    fn reserve(
        &self,
        request: &Request,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Reservation, Rejection>;

    /// How long any call would have to wait, where none would be let in now.
    fn spent_for(&self) -> Option<Duration>;

    /// The refusal of a call of `cells`, of which even one was [found](Self::spent_for) to have to wait.
    fn refuse(&self, cells: u32, wait: Duration) -> Rejection;
}

/// All calls meet the same.
impl<Request> Limits<Request> for RateLimiter {
    #[inline]
    fn try_acquire(&self, _: &Request, cells: u32) -> Result<(), Rejection> {
        self.try_acquire_n(cells)
    }

    fn now_or_later(
        &self,
        _: &Request,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Option<Reservation>, Rejection> {
        self.now_or_later(cells, Some(max_wait))
    }

    fn reserve(
        &self,
        _: &Request,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Reservation, Rejection> {
        self.reserve(cells, max_wait)
    }

    #[inline]
    fn spent_for(&self) -> Option<Duration> {
        self.shared().spent_for()
    }

    fn refuse(&self, cells: u32, wait: Duration) -> Rejection {
        self.shared().refuse(cells, wait)
    }
}

/// Each call meets the quota of its request's key: made by
/// [`RateLimiterLayer::keyed`](crate::RateLimiterLayer::keyed).
pub struct ByKey<K: ToOwned + ?Sized, F> {
    limiters: RateLimiters<K>,
    key: F,
}

impl<K: ToOwned + ?Sized, F> ByKey<K, F> {
    pub(crate) const fn new(limiters: RateLimiters<K>, key: F) -> Self {
        Self { limiters, key }
    }
}

impl<Request, K, Q, F> Limits<Request> for ByKey<K, F>
where
    K: Hash + Eq + ToOwned<Owned: Hash + Eq> + ?Sized,
    Q: Borrow<K>,
    F: Fn(&Request) -> Q,
{
    #[inline]
    fn try_acquire(&self, request: &Request, cells: u32) -> Result<(), Rejection> {
        self.limiters.try_acquire_n((self.key)(request).borrow(), cells)
    }

    fn now_or_later(
        &self,
        request: &Request,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Option<Reservation>, Rejection> {
        self.limiters.now_or_later((self.key)(request).borrow(), cells, Some(max_wait))
    }

    fn reserve(
        &self,
        request: &Request,
        cells: u32,
        max_wait: Duration,
    ) -> Result<Reservation, Rejection> {
        self.limiters.reserve((self.key)(request).borrow(), cells, max_wait)
    }

    /// Nobody knows before there is a request.
    #[inline]
    fn spent_for(&self) -> Option<Duration> {
        None
    }

    fn refuse(&self, _: u32, wait: Duration) -> Rejection {
        self.limiters.refuse(wait)
    }
}

impl<K: ToOwned + ?Sized, F: Clone> Clone for ByKey<K, F> {
    fn clone(&self) -> Self {
        Self::new(self.limiters.clone(), self.key.clone())
    }
}

impl<K: ToOwned + ?Sized, F> fmt::Debug for ByKey<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey").field("limiters", &self.limiters).finish_non_exhaustive()
    }
}

/// How many cells a request takes. Closures implement it.
///
/// A request that takes none is let in at any time, but by a layer that never waits: while nothing is left,
/// that does not ask the inner service, and refuses.
pub trait Costs<Request> {
    /// What `request` costs.
    fn cost(&self, request: &Request) -> u32;
}

impl<Request, F: Fn(&Request) -> u32> Costs<Request> for F {
    #[inline]
    fn cost(&self, request: &Request) -> u32 {
        self(request)
    }
}

/// The default: one cell for every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OneCell;

impl<Request> Costs<Request> for OneCell {
    #[inline]
    fn cost(&self, _: &Request) -> u32 {
        1
    }
}
