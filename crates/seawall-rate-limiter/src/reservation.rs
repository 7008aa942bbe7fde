//! A turn that was booked: used when it comes, or given back.

use std::{fmt, time::Duration};

use seawall_core::{Nanos, Rejection, park};

use crate::{RateLimiter, keyed::KeyedTurn, machine::Booking};

/// Cells that were booked, and when they may be used: made by [`RateLimiter::reserve`].
///
/// Dropping it gives the cells back: to the quota, where nobody has booked after it; else its turn goes
/// to whoever books next. What is used is [committed](Self::commit), or [waited](Self::wait) for.
///
/// # Examples
///
/// How do I decide for myself whether the wait is worth it?
///
/// ```
/// # use seawall_rate_limiter::{Quota, RateLimiter};
/// # use std::time::Duration;
/// let limiter = RateLimiter::builder("api").quota(Quota::per_second(10)?.burst(1)?).build()?;
/// limiter.reserve(1, Duration::ZERO)?.commit();
///
/// let booked = limiter.reserve(1, Duration::from_secs(1))?;
/// assert!(booked.ready_in() <= Duration::from_millis(100));
/// drop(booked); // not worth it: whoever comes next has this turn
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it gives the cells back"]
pub struct Reservation {
    of: Of,
    cells: u32,
    /// Until it is used.
    booking: Option<Booking>,
}

/// Whose turn it is.
enum Of {
    Limiter(RateLimiter),
    Key(KeyedTurn),
}

impl Reservation {
    pub(crate) const fn new(limiter: RateLimiter, cells: u32, booking: Booking) -> Self {
        Self { of: Of::Limiter(limiter), cells, booking: Some(booking) }
    }

    pub(crate) const fn of_key(turn: KeyedTurn, cells: u32, booking: Booking) -> Self {
        Self { of: Of::Key(turn), cells, booking: Some(booking) }
    }

    /// How many cells were booked.
    #[must_use]
    pub const fn cells(&self) -> u32 {
        self.cells
    }

    /// When they may be used, on the limiter's clock.
    #[must_use]
    pub fn ready_at(&self) -> Nanos {
        self.booking.as_ref().map_or(Nanos::ZERO, Booking::at)
    }

    /// How long it is until they may be used; zero where they may be now.
    #[must_use]
    pub fn ready_in(&self) -> Duration {
        let now = match &self.of {
            Of::Limiter(limiter) => limiter.now(),
            Of::Key(turn) => turn.now(),
        };
        self.ready_at().since(now)
    }

    /// Uses the cells: they do not come back. For who waits by himself until they are
    /// [ready](Self::ready_at).
    pub fn commit(mut self) {
        self.booking = None;
    }

    /// Waits until the cells may be used, and uses them.
    ///
    /// # Panics
    ///
    /// The future panics where it has to wait outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the cells back.
    #[cfg(feature = "tokio")]
    pub async fn wait(self) {
        let wait = self.ready_in();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.commit();
    }

    /// Parks the thread until the cells may be used, and uses them.
    pub fn wait_blocking(self) {
        let wait = self.ready_in();
        if !wait.is_zero() {
            park(wait);
        }
        self.commit();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(booking) = self.booking.take() {
            match &self.of {
                Of::Limiter(limiter) => limiter.shared().give_back(self.cells, booking),
                Of::Key(turn) => turn.give_back(self.cells, booking),
            }
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("cells", &self.cells)
            .field("ready_at", &self.ready_at())
            .finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// Books `cells` for the first turn that is free, at most `max_wait` from now.
    ///
    /// # Errors
    ///
    /// [`Reason::RateLimited`] where the turn would come later ([`Bound::Wait`]; the time to come back is
    /// the whole wait) or never ([`Bound::Weight`]), [`Reason::DeadlineExceeded`] where the call's own
    /// time is over first. Nothing is booked then.
    ///
    /// [`Reason::RateLimited`]: seawall_core::Reason::RateLimited
    /// [`Reason::DeadlineExceeded`]: seawall_core::Reason::DeadlineExceeded
    /// [`Bound::Wait`]: seawall_core::Bound::Wait
    /// [`Bound::Weight`]: seawall_core::Bound::Weight
    pub fn reserve(&self, cells: u32, max_wait: Duration) -> Result<Reservation, Rejection> {
        let booking = self.shared().book(cells, Some(max_wait))?;
        Ok(Reservation::new(self.clone(), cells, booking))
    }

    /// Takes a cell, and waits for it where there is none.
    ///
    /// The turn is booked at once and slept for once: who comes first is served first, and a thousand
    /// who wait are woken a thousand times in all.
    ///
    /// # Errors
    ///
    /// At once where the wait would be too long: [`Reason::RateLimited`] with [`Bound::Wait`] where it is
    /// longer than [`max_wait`](crate::RateLimiterBuilder::max_wait), [`Reason::DeadlineExceeded`] where
    /// the call's own time would be over first.
    ///
    /// [`Reason::RateLimited`]: seawall_core::Reason::RateLimited
    /// [`Reason::DeadlineExceeded`]: seawall_core::Reason::DeadlineExceeded
    /// [`Bound::Wait`]: seawall_core::Bound::Wait
    ///
    /// # Panics
    ///
    /// The future panics where it has to wait outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the turn back: to the quota where nobody has booked after it, else to
    /// whoever books next.
    #[cfg(feature = "tokio")]
    pub async fn acquire(&self) -> Result<(), Rejection> {
        self.acquire_n(1).await
    }

    /// Takes `cells`, and waits for them where there are not as many.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire); [`Bound::Weight`] where they are more than the burst.
    ///
    /// [`Bound::Weight`]: seawall_core::Bound::Weight
    ///
    /// # Panics
    ///
    /// Those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    #[cfg(feature = "tokio")]
    pub async fn acquire_n(&self, cells: u32) -> Result<(), Rejection> {
        // By the booking, which is small: a call that need not wait has no reservation to carry about.
        if let Some(booking) = self.shared().now_or_later(cells, None)? {
            Reservation::new(self.clone(), cells, booking).wait().await;
        }
        Ok(())
    }

    /// Takes a cell, and parks the thread where there is none; as [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire).
    pub fn acquire_blocking(&self) -> Result<(), Rejection> {
        if let Some(later) = self.now_or_later(1, None)? {
            later.wait_blocking();
        }
        Ok(())
    }

    /// Takes `cells` now, or books them: nothing is given back, and nothing cloned, where nobody waits.
    #[inline]
    pub(crate) fn now_or_later(
        &self,
        cells: u32,
        max_wait: Option<Duration>,
    ) -> Result<Option<Reservation>, Rejection> {
        let booking = self.shared().now_or_later(cells, max_wait)?;
        Ok(booking.map(|booking| Reservation::new(self.clone(), cells, booking)))
    }
}
