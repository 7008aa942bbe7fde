//! What a [`Clock`](super::Clock) reads.
//!
//! On Linux and Android the system's clock and the coarse one are two readings of one time line
//! (`CLOCK_MONOTONIC`, exact or as of the kernel's last tick), so that a handle may mix them.

use std::sync::Arc;

use super::ManualClock;
use crate::Nanos;

#[derive(Clone)]
pub(super) enum Source {
    System,
    Coarse,
    #[cfg(feature = "quanta")]
    Tsc {
        clock: quanta::Clock,
        /// In ticks of the counter.
        origin: u64,
    },
    #[cfg(feature = "tokio")]
    Tokio {
        origin: tokio::time::Instant,
    },
    Manual(ManualClock),
    Custom(Arc<dyn Fn() -> Nanos + Send + Sync>),
}

impl Source {
    #[cfg(feature = "quanta")]
    pub(super) fn tsc() -> Self {
        let clock = quanta::Clock::new();
        let origin = clock.raw();
        Self::Tsc { clock, origin }
    }

    #[cfg(feature = "tokio")]
    pub(super) fn tokio() -> Self {
        Self::Tokio { origin: tokio::time::Instant::from_std(instant::origin()) }
    }

    #[inline]
    pub(super) fn now(&self) -> Nanos {
        match self {
            Self::System => system::now(),
            Self::Coarse => system::coarse(),
            #[cfg(feature = "quanta")]
            Self::Tsc { clock, origin } => Nanos(clock.delta_as_nanos(*origin, clock.raw())),
            #[cfg(feature = "tokio")]
            Self::Tokio { origin } => {
                tokio::time::Instant::now().saturating_duration_since(*origin).into()
            }
            Self::Manual(hand) => hand.now(),
            Self::Custom(tell) => tell(),
        }
    }

    #[inline]
    pub(super) fn now_coarse(&self) -> Nanos {
        match self {
            Self::System => system::coarse(),
            other => other.now(),
        }
    }

    pub(super) fn shares_line_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::System | Self::Coarse, Self::System | Self::Coarse) => true,
            #[cfg(feature = "tokio")]
            (Self::Tokio { origin }, Self::Tokio { origin: others }) => origin == others,
            (Self::Custom(tell), Self::Custom(others)) => Arc::ptr_eq(tell, others),
            _ => false,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Coarse => "coarse",
            #[cfg(feature = "quanta")]
            Self::Tsc { .. } => "tsc",
            #[cfg(feature = "tokio")]
            Self::Tokio { .. } => "tokio",
            Self::Manual(_) => "manual",
            Self::Custom(_) => "custom",
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use rustix::time::{ClockId, Timespec, clock_gettime};

    use crate::Nanos;

    #[inline]
    pub(super) fn now() -> Nanos {
        nanos(clock_gettime(ClockId::Monotonic))
    }

    #[inline]
    pub(super) fn coarse() -> Nanos {
        nanos(clock_gettime(ClockId::MonotonicCoarse))
    }

    /// The kernel tells both parts as non-negative numbers, the second below 10^9.
    #[inline]
    fn nanos(time: Timespec) -> Nanos {
        Nanos(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use super::instant;
    use crate::Nanos;

    pub(super) fn now() -> Nanos {
        instant::since_origin().into()
    }

    pub(super) fn coarse() -> Nanos {
        now()
    }
}

/// Moments of the standard library, counted from one origin for the whole process.
#[cfg(any(feature = "tokio", not(any(target_os = "linux", target_os = "android"))))]
#[expect(
    clippy::disallowed_types,
    reason = "this is where the clocks of the house read the system's"
)]
mod instant {
    use std::{
        sync::LazyLock,
        time::{Duration, Instant},
    };

    /// It lies before the first reading, because a paused tokio runtime may have stopped its time
    /// before anybody asked for a clock, and what lies before the origin cannot be told.
    static ORIGIN: LazyLock<Instant> = LazyLock::new(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
    });

    #[cfg(feature = "tokio")]
    pub(super) fn origin() -> Instant {
        *ORIGIN
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn since_origin() -> Duration {
        Instant::now().saturating_duration_since(*ORIGIN)
    }
}
