//! Whether the queue is a buffer or a burden: controlled delay.
//!
//! A queue that empties now and then absorbs a burst. One whose *shortest* delay over a whole interval
//! stays above the target never empties: everybody in it waits for nothing but his place in it, and
//! the work that is done is late. That is an overload, and it lasts until an interval shows otherwise.
//!
//! ```text
//! delay of the oldest waiter
//!   |      /\      __/\__/\__      at each look; the least of each interval decides
//!   |  /\_/  \    /         \
//!   +--------------------------->  |  calm  |  calm  | overload | overload |
//! ```
//!
//! Source: Nichols and Jacobson, "Controlling Queue Delay" (2012), in the form for servers that
//! folly's `Codel` gives it: no spacing of drops by a square root; while the overload lasts, whoever
//! has waited for more than twice the target is let go. The defaults, 5 ms and 100 ms, are folly's.

use std::time::Duration;

use seawall_core::Nanos;

use crate::config::Codel;

/// The least delay of the present interval, and what the last one showed.
#[derive(Debug)]
pub(crate) struct Congestion {
    least: Duration,
    ends: Nanos,
    overloaded: bool,
}

impl Congestion {
    pub(crate) const fn new() -> Self {
        Self { least: Duration::ZERO, ends: Nanos::ZERO, overloaded: false }
    }

    /// The oldest waiter has waited for `delay`; nobody waits where it is zero.
    ///
    /// Whether that changed what [`overloaded`](Self::overloaded) says.
    pub(crate) fn look(&mut self, now: Nanos, delay: Duration, codel: Codel) -> bool {
        if now < self.ends {
            self.least = self.least.min(delay);
            return false;
        }
        // Whoever comes or goes looks. So if nobody looked for an interval, the oldest, if he has waited
        // for all of it, was the oldest throughout, and else there was nobody.
        let gap = now.since(self.ends) >= codel.interval;
        let least = if gap { delay.saturating_sub(codel.interval) } else { self.least };
        let overloaded = least > codel.target;
        (self.least, self.ends) = (delay, now + codel.interval);
        std::mem::replace(&mut self.overloaded, overloaded) != overloaded
    }

    /// Whether the queue never emptied in the last interval.
    pub(crate) const fn overloaded(&self) -> bool {
        self.overloaded
    }

    /// Whether one who has waited for `delay` is let go, though there may be a place for him.
    pub(crate) fn lets_go(&self, delay: Duration, codel: Codel) -> bool {
        self.overloaded && delay > codel.target.saturating_mul(2)
    }
}
