//! Where every handle of the family takes the time from.
//!
//! A [`Clock`] is a concrete type with an enum inside, so that no handle carries a type parameter
//! for it, and it is cheap to clone. Decisions are made from what it says alone: no wall clock, so a
//! clock that is set back changes nothing.
//!
//! | clock | a reading costs | granular to | when to take it |
//! |---|---|---|---|
//! | [`system`](Clock::system) | about 23 ns | 1 ns | the default: always right |
//! | [`coarse`](Clock::coarse) | about 4 ns | 1 to 10 ms | windows of seconds, many calls |
//! | [`tsc`](Clock::tsc) | about 10 ns | 1 ns | where the counter is known to be steady |
//! | [`manual`](Clock::manual) | about 1 ns | what you set | tests |
//! | [`tokio`](Clock::tokio) | as `system` | 1 ns | to follow a paused runtime |
//! | [`custom`](Clock::custom) | what it costs | what it is | simulators, other runtimes |
//!
//! (Costs: one core of an AMD EPYC at 2.6 GHz, Linux; the ratio is what carries over.)

mod manual;
mod source;

use std::{fmt, sync::Arc};

pub use self::manual::ManualClock;
use self::source::Source;
use crate::Nanos;

/// Tells the time to a handle: monotonic, cheap to clone, chosen when the handle is built.
///
/// Clones tell the same time.
///
/// # Examples
///
/// How do I set the time in a test?
///
/// ```
/// # use seawall_core::Clock;
/// # use std::time::Duration;
/// let (clock, hand) = Clock::manual();
/// let before = clock.now();
/// hand.advance(Duration::from_secs(30));
/// assert_eq!(clock.now().since(before), Duration::from_secs(30));
/// ```
#[derive(Clone)]
pub struct Clock(Source);

impl Clock {
    /// The system's monotonic clock: always right, about 23 ns a reading.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The monotonic clock as of the kernel's last tick: about 4 ns a reading, up to 10 ms late.
    ///
    /// Enough for windows of seconds. Where the system has no such clock (anything but Linux and
    /// Android) this is [`Clock::system`].
    #[must_use]
    pub fn coarse() -> Self {
        Self(Source::Coarse)
    }

    /// The processor's time-stamp counter: about 10 ns a reading.
    ///
    /// Take it only where you know the machines: on some processors and hypervisors the counters
    /// of two cores disagree, and a reading can lie before an earlier one.
    #[cfg(feature = "quanta")]
    #[must_use]
    pub fn tsc() -> Self {
        Self(Source::tsc())
    }

    /// The time that tokio tells, which stands still under `tokio::time::pause`.
    ///
    /// Works outside a runtime too, where it is the system's monotonic clock.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn tokio() -> Self {
        Self(Source::tokio())
    }

    /// A clock that stands still, and the hand that moves it.
    ///
    /// It starts one hour after its origin, so that a test can also ask about a time before.
    #[must_use]
    pub fn manual() -> (Self, ManualClock) {
        let hand = ManualClock::new();
        (Self(Source::Manual(hand.clone())), hand)
    }

    /// A clock of your own: `tell` is called for each reading.
    ///
    /// It must never go back. Readings are taken on hot paths, by many threads at once.
    #[must_use]
    pub fn custom(tell: impl Fn() -> Nanos + Send + Sync + 'static) -> Self {
        Self(Source::Custom(Arc::new(tell)))
    }

    /// The present moment.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.0.now()
    }

    /// Whether a moment on one clock is the same moment on the other, as far as is known without a
    /// reading.
    pub(crate) fn shares_line_with(&self, other: &Self) -> bool {
        self.0.shares_line_with(&other.0)
    }

    /// The present moment where ten milliseconds do not matter: the same time line as
    /// [`now`](Self::now), up to a tick of the kernel late, at the price of [`Clock::coarse`].
    ///
    /// A clock that has no cheaper reading tells [`now`](Self::now).
    #[inline]
    #[must_use]
    pub fn now_coarse(&self) -> Nanos {
        self.0.now_coarse()
    }
}

impl Default for Clock {
    /// [`Clock::system`]; with the feature `test-util`, [`Clock::tokio`], as tokio's own `Instant`
    /// does it.
    fn default() -> Self {
        #[cfg(feature = "test-util")]
        return Self::tokio();
        #[cfg(not(feature = "test-util"))]
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.0.kind()).finish()
    }
}
