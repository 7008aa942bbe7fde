//! When a whole call must be done, however many layers and attempts it goes through.

use std::{fmt, future::Future, time::Duration};

use crate::{
    Clock, Nanos,
    context::{Context, Scope, has_deadline, with_current},
};

/// A moment on a clock after which nobody waits for the answer any more.
#[derive(Clone)]
pub struct Deadline {
    clock: Clock,
    at: Nanos,
}

impl Deadline {
    /// `time` from now, by the default clock.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self::after_on(Clock::default(), time)
    }

    /// `time` from now, by `clock`.
    #[must_use]
    pub fn after_on(clock: Clock, time: Duration) -> Self {
        let at = clock.now() + time;
        Self { clock, at }
    }

    /// How much time is left; nothing once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.at.since(self.clock.now())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.clock.now() >= self.at
    }

    /// The one of the two that leaves less time now; they may be by different clocks.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        let others_is_sooner = match self.clock.shares_line_with(&other.clock) {
            true => other.at < self.at,
            false => other.remaining() < self.remaining(),
        };
        if others_is_sooner { other } else { self }
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deadline(in {:?})", self.remaining())
    }
}

/// Runs `future` with `time` to do it in: no wait of the family inside passes that deadline.
///
/// The time counts from this call. Nothing is cancelled when it is over; that is for a timeout
/// layer to do.
///
/// # Examples
///
/// ```
/// # use seawall_core::deadline;
/// # use std::time::Duration;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// deadline::scope(Duration::from_secs(2), async {
///     // A scope further in can only shorten it.
///     deadline::scope(Duration::from_secs(60), async {
///         assert!(deadline::remaining().unwrap() <= Duration::from_secs(2));
///     })
///     .await;
/// })
/// .await;
/// assert_eq!(deadline::remaining(), None);
/// # });
/// ```
pub fn scope<F: Future>(time: Duration, future: F) -> Scope<F> {
    Context::new().with_deadline(Deadline::after(time)).scope(future)
}

/// How much time the present call has left; `None` where it has no deadline.
#[inline]
#[must_use]
pub fn remaining() -> Option<Duration> {
    if has_deadline() { remaining_of_current() } else { None }
}

#[inline(never)]
fn remaining_of_current() -> Option<Duration> {
    with_current(|context| context.deadline().map(Deadline::remaining))
}
