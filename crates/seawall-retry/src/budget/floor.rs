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
//! no later than n intervals after it. Where the rate changes, what is booked stays booked.

use std::time::Duration;

use seawall_core::{
    ConfigError, Nanos,
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        unmodelled::AtomicU32 as Unmodelled,
    },
};

/// The most retries a second that can be free.
const MOST_FREE: u32 = 1_000;

#[derive(Debug)]
pub(crate) struct Floor {
    booked_to: AtomicU64,
    /// 0 where none is free.
    per_second: Unmodelled,
}

impl Floor {
    /// Lets `per_second` through.
    pub(crate) fn new(per_second: u32) -> Result<Self, ConfigError> {
        check(per_second)?;
        Ok(Self { booked_to: AtomicU64::new(0), per_second: Unmodelled::new(per_second) })
    }

    /// Whether one is let through; `now` is asked for where any is free.
    // Relaxed: the moment carries nothing but itself, and so does the rate.
    pub(crate) fn take(&self, now: impl FnOnce() -> Nanos) -> bool {
        let per_second = self.per_second();
        if per_second == 0 {
            return false;
        }
        let now = now();
        // Rounded up: never more than the rate.
        let interval = Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(per_second)));
        let most_ahead = interval * per_second;
        let mut seen = self.booked_to.load(Relaxed);
        loop {
            let next = Nanos(seen).max(now) + interval;
            if next.since(now) > most_ahead {
                return false;
            }
            match self.booked_to.compare_exchange_weak(seen, next.0, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(later) => seen = later,
            }
        }
    }

    pub(crate) fn per_second(&self) -> u32 {
        self.per_second.load(Relaxed)
    }

    pub(crate) fn set_per_second(&self, per_second: u32) -> Result<(), ConfigError> {
        check(per_second)?;
        self.per_second.store(per_second, Relaxed);
        Ok(())
    }
}

fn check(per_second: u32) -> Result<(), ConfigError> {
    if per_second > MOST_FREE {
        let rule = format!("at most {MOST_FREE}");
        return Err(ConfigError::new("floor_per_second", per_second, rule));
    }
    Ok(())
}
