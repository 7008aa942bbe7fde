//! What a [`Clock`](super::Clock) reads.

#![expect(
    clippy::disallowed_types,
    reason = "this is where the clocks of the house read the system's"
)]

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use super::ManualClock;
use crate::Nanos;

/// Where system time counts from: one moment for the process, so that all such clocks agree.
///
/// It lies before the first reading, because a paused tokio runtime may have stopped its time before
/// anybody asked for a clock, and what lies before the origin cannot be told.
static ORIGIN: LazyLock<Instant> = LazyLock::new(|| {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
});

#[derive(Clone)]
pub(super) enum Source {
    System {
        origin: Instant,
    },
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Coarse,
    #[cfg(feature = "quanta")]
    Tsc {
        clock: quanta::Clock,
        origin: quanta::Instant,
    },
    #[cfg(feature = "tokio")]
    Tokio {
        origin: tokio::time::Instant,
    },
    Manual(ManualClock),
    Custom(Arc<dyn Fn() -> Nanos + Send + Sync>),
}

impl Source {
    pub(super) fn system() -> Self {
        Self::System { origin: *ORIGIN }
    }

    pub(super) fn coarse() -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return Self::Coarse;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Self::system()
    }

    #[cfg(feature = "quanta")]
    pub(super) fn tsc() -> Self {
        let clock = quanta::Clock::new();
        let origin = clock.now();
        Self::Tsc { clock, origin }
    }

    #[cfg(feature = "tokio")]
    pub(super) fn tokio() -> Self {
        Self::Tokio {
            origin: tokio::time::Instant::from_std(*ORIGIN),
        }
    }

    #[inline]
    pub(super) fn now(&self) -> Nanos {
        match self {
            Self::System { origin } => Instant::now().saturating_duration_since(*origin).into(),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Coarse => coarse_now(),
            #[cfg(feature = "quanta")]
            Self::Tsc { clock, origin } => clock.now().saturating_duration_since(*origin).into(),
            #[cfg(feature = "tokio")]
            Self::Tokio { origin } => tokio::time::Instant::now()
                .saturating_duration_since(*origin)
                .into(),
            Self::Manual(hand) => hand.now(),
            Self::Custom(tell) => tell(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::System { .. } => "system",
            #[cfg(any(target_os = "linux", target_os = "android"))]
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

/// Nanoseconds since the machine's start, as of the kernel's last tick.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn coarse_now() -> Nanos {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    // The kernel tells both parts as non-negative numbers, the second below 10^9.
    Nanos(time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs())
}
