//! The floor: a few retries a second that nobody has to pay for, so that a client with little traffic
//! can retry at all.
//!
//! A rate in one word (the generic cell rate algorithm): each retry that is let through books the next
//! interval, and the word is the end of the last one that is booked. Asked only when the bucket is
//! empty, so that the clock stays off the path of success.
//!
//! # What it promises
//!
//! With n a second, n at once where nobody came for a second, and at most n + n * w in any window w: no
//! two book the same interval, and what is booked in the window begins no earlier than it does and ends
//! no later than n intervals after it.

use std::time::Duration;

use seawall_core::{
    Nanos,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

#[derive(Debug)]
pub(crate) struct Floor {
    booked_to: AtomicU64,
    /// Between two retries at the rate.
    interval: Duration,
    per_second: u32,
}

impl Floor {
    /// Lets `per_second` through: at least one.
    pub(crate) fn new(per_second: u32) -> Self {
        // Rounded up: never more than the rate.
        let nanos = 1_000_000_000_u64.div_ceil(u64::from(per_second));
        Self { booked_to: AtomicU64::new(0), interval: Duration::from_nanos(nanos), per_second }
    }

    // Relaxed: the moment carries nothing but itself.
    pub(crate) fn take(&self, now: Nanos) -> bool {
        let most_ahead = self.interval * self.per_second;
        let mut seen = self.booked_to.load(Relaxed);
        loop {
            let next = Nanos(seen).max(now) + self.interval;
            if next.since(now) > most_ahead {
                return false;
            }
            match self.booked_to.compare_exchange_weak(seen, next.0, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(later) => seen = later,
            }
        }
    }

    pub(crate) const fn per_second(&self) -> u32 {
        self.per_second
    }
}
