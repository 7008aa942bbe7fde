//! How long calls take when nothing queues: what every estimate of a queue is measured against.
//!
//! The source takes the shortest latency ever seen (Vegas) or a long average (Gradient2). The first
//! never learns that a dependency became slower, unless it lets go of what it knows now and then, and
//! then it takes the queue of the moment for the ground (Netflix/concurrency-limits #165). The second
//! follows a long overload upwards, and the limit follows it to its maximum (#134). So here:
//!
//! | what was seen | what it does to the estimate |
//! |---|---|
//! | the first 500 calls | it is their mean |
//! | shorter than chance explains: by three standard errors | taken at once |
//! | shorter | an average over about 500 calls |
//! | longer, while less than half of the limit was used | the same: the limit makes no queue there |
//! | longer, and it does not move with the limit | closer by a tenth |
//! | longer otherwise | nothing: it is the queue |
//!
//! The last but one is the experiment that every shrinking limit makes anyway. Where calls queue, the
//! latency is proportional to how many there are (Little's law, with a throughput that stays as it
//! is): a limit that is lower by a tenth makes calls shorter by a tenth. Where they don't, it changes
//! nothing. So the slope of the one over the other, both as logarithms, tells a queue (1) from a
//! dependency that became slower (0), with no need to hold traffic back to find out.
//!
//! What it cannot see: an overload that is there from the first call, above a limit that is far too
//! high. It is taken for the ground until load falls. So a limit should begin low; it grows fast.
//!
//! Chance is that of an exponential distribution, whose standard deviation is its mean.

use super::Sample;

/// As many calls make the mean as good as it gets, and as slow to change.
const KNOWN: f64 = 500.0;

/// Standard errors beyond which nothing is taken for chance.
const BEYOND_CHANCE: f64 = 3.0;

/// How far a window moves the estimate towards a latency that is longer, but no queue.
const RISE: f64 = 0.1;

/// The estimate.
#[derive(Debug, Default)]
pub(crate) struct NoLoad {
    /// In seconds; 0 before the first window.
    latency: f64,
    /// How many calls the estimate is the mean of, up to [`KNOWN`].
    known: f64,
    slope: Slope,
}

impl NoLoad {
    /// Learns from a window with a latency, and returns the estimate in seconds: above 0.
    pub(crate) fn learn(&mut self, sample: &Sample) -> f64 {
        let seen = sample.latency.as_secs_f64();
        if sample.is_full() {
            self.slope.add(f64::from(sample.in_flight.max(1)).ln(), seen.ln());
        }
        let timed = sample.timed.max(1) as f64;
        let share = timed / (self.known + timed);
        let is_learning = self.known < KNOWN;
        self.known = (self.known + timed).min(KNOWN);

        let weight = if seen < self.latency * (1.0 - BEYOND_CHANCE / timed.sqrt()) {
            1.0
        } else if is_learning || seen < self.latency || !sample.is_used() {
            share
        } else if sample.is_full() && self.slope.is_flat() {
            RISE
        } else {
            0.0
        };
        self.latency += weight * (seen - self.latency);
        self.latency
    }

    /// The estimate in seconds; 0 before the first window.
    pub(super) const fn latency(&self) -> f64 {
        self.latency
    }
}

/// The weight of the last window in the sums: about a dozen windows count.
const WEIGHT: f64 = 0.15;
const WINDOWS: f64 = (2.0 - WEIGHT) / WEIGHT;

/// The variance below which the number of calls did not move enough to tell: a standard deviation of 5 %.
const STILL: f64 = 0.0025;

/// A latency that jumps by this share, and no limit with it, is another dependency than before.
const JUMP: f64 = 0.3;

/// Half-way, and a bit: from here on latency moves with the limit.
const FLAT: f64 = 0.6;

/// The line through the last windows: x is the logarithm of how many calls were in flight, y that of
/// the latency. Sums are weighted by age.
#[derive(Debug, Default)]
struct Slope {
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Slope {
    fn add(&mut self, x: f64, y: f64) {
        let (dx, dy) = (x - self.x, y - self.y);
        // A jump says nothing about a slope, but would be most of it: begin anew.
        if dy.abs() > JUMP && (dy - dx).abs() > JUMP {
            *self = Self { x, y, ..Self::default() };
            return;
        }
        self.x += WEIGHT * dx;
        self.y += WEIGHT * dy;
        let age = |sum: f64, product: f64| (1.0 - WEIGHT) * (sum + WEIGHT * product);
        self.xx = age(self.xx, dx * dx);
        self.xy = age(self.xy, dx * dy);
        self.yy = age(self.yy, dy * dy);
    }

    /// Whether latency surely does not move with the limit: two standard errors below [`FLAT`].
    fn is_flat(&self) -> bool {
        if self.xx < STILL {
            return false;
        }
        let slope = self.xy / self.xx;
        let rest = (self.yy - slope * self.xy).max(0.0);
        slope + 2.0 * (rest / (self.xx * WINDOWS)).sqrt() < FLAT
    }
}
