//! How long those who waited did so, for snapshots.
//!
//! A bucket for each power of two of microseconds, so that a quantile is right to a factor of two, and
//! to nothing in memory. Counted under the lock of the lines, which whoever waited takes anyway.

use std::time::Duration;

/// How many waits ended how, and how long those took that ended in a place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    buckets: [u64; 32],
    sum: Duration,
    pub(crate) longest: Duration,
    pub(crate) served: u64,
    pub(crate) cancelled: u64,
}

impl Waits {
    pub(super) fn served(&mut self, wait: Duration) {
        let micros = wait.as_micros().max(1);
        let bucket = (micros.ilog2() as usize).min(self.buckets.len() - 1);
        self.buckets[bucket] += 1;
        self.served += 1;
        self.sum = self.sum.saturating_add(wait);
        self.longest = self.longest.max(wait);
    }

    pub(crate) fn sum(&self) -> Duration {
        self.sum
    }

    /// The wait that `percent` in a hundred did not exceed: the upper end of its bucket.
    pub(crate) fn quantile(&self, percent: u64) -> Duration {
        let mut left = (self.served * percent).div_ceil(100);
        for (bucket, &count) in self.buckets.iter().enumerate() {
            if count >= left && left > 0 {
                return Duration::from_micros(2 << bucket).min(self.longest);
            }
            left -= count.min(left);
        }
        self.longest
    }
}
