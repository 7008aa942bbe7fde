//! A moment, as a count of nanoseconds: what state machines are told instead of asking a clock.

use std::time::Duration;

/// A moment: nanoseconds since the origin of the [`Clock`](crate::Clock) that told it.
///
/// Moments of two clocks have nothing to do with each other. One `u64` reaches for 584 years, and
/// all arithmetic stops at its ends instead of wrapping.
///
/// # Examples
///
/// How long ago was it?
///
/// ```
/// # use seawall_core::Nanos;
/// # use std::time::Duration;
/// let earlier = Nanos::from_millis(40);
/// let now = earlier + Duration::from_millis(2);
/// assert_eq!(now.since(earlier), Duration::from_millis(2));
/// assert_eq!(earlier.since(now), Duration::ZERO); // never negative
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);
    /// The last moment that can be told.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The moment `secs` seconds after the origin.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// How long after `earlier` this is; zero where it is not after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// How long after the origin this is.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl From<Duration> for Nanos {
    /// The moment that lies `duration` after the origin, or [`Nanos::MAX`] where it is too long.
    #[inline]
    fn from(duration: Duration) -> Self {
        // Not `as_nanos`: its 128-bit product costs more than reading a coarse clock.
        Self(
            duration
                .as_secs()
                .saturating_mul(1_000_000_000)
                .saturating_add(u64::from(duration.subsec_nanos())),
        )
    }
}

impl std::ops::Add<Duration> for Nanos {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(Self::from(rhs).0))
    }
}

impl std::ops::Sub<Duration> for Nanos {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(Self::from(rhs).0))
    }
}
