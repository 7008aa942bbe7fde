//! Gradient2: let calls take up to half as long again as without load.
//!
//! ```text
//!   gradient = tolerance * no_load / latency,      from 0.5 to 1
//!   room     = queue, or sqrt(limit) if that is more, where the gradient is above 0.9; else 0
//!   limit'   = limit + smoothing * (limit * gradient + room - limit)
//!
//!   dropped: limit * backoff
//! ```
//!
//! It comes to rest where the gradient is 0.9: at a latency of `tolerance / 0.9` times that without
//! load, whatever the limit. So its queue is a share of the limit (two thirds), where that of
//! [Vegas](super::vegas) is a number of calls: it takes bursts better, and costs latency.
//!
//! Source: Netflix/concurrency-limits 78a74b9, `Gradient2Limit`, with its defaults (tolerance 1.5,
//! queue 4, smoothing 0.2, from 20 to 200, first 20). Mind the 20: a dependency with fewer workers is
//! overloaded by it.
//!
//! # Repairs
//!
//! 1. Drops count: a window of which 5 % were dropped takes a tenth of the limit, as in the source's
//!    older `GradientLimit`. In the source they count for nothing, so that it never learns of a
//!    dependency that hangs.
//! 2. `queue` is added only where the gradient says that there is room. In the source it is added
//!    always, and outweighs a gradient of 0.8 up to a limit of 20, one of 0.95 up to 80 (#134).
//! 3. The latency without load is [`no_load`](super::no_load)'s. In the source it is an average over
//!    600 windows, which follows a long overload up; the limit then doubles about every 600 windows.
//! 4. The room is at least the root of the limit, as in `GradientLimit`. With 4 it grows by less than
//!    one a window (#35).
//! 5. A limit less than half of which was used at any time in the window does not grow. In the source
//!    the last call's word counts, and it doesn't shrink either.

use std::time::Duration;

use seawall_core::ConfigError;

use super::{LimitAlgorithm, Sample, check_backoff, check_number, no_load::NoLoad};

/// Compares the latency with that without load, and scales the limit by their ratio.
///
/// # Examples
///
/// How do I let calls take twice as long as without load?
///
/// ```
/// # use seawall_bulkhead::adaptive::{Adaptive, Gradient2};
/// let adaptive = Adaptive::from(Gradient2 { tolerance: 2.0, ..Gradient2::default() });
/// # assert!(adaptive.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Gradient2 {
    /// How many times as long as without load a call may take before the limit shrinks: from 1.
    pub tolerance: f64,
    /// By how many calls the limit should grow while there is room.
    pub queue: f64,
    /// The share of the way that one window goes: above 0, at most 1.
    pub smoothing: f64,
    /// What a dropped window leaves of the limit: at least 0.5, and below 1.
    pub backoff: f64,
}

impl Default for Gradient2 {
    fn default() -> Self {
        Self { tolerance: 1.5, queue: 4.0, smoothing: 0.2, backoff: 0.9 }
    }
}

impl Gradient2 {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_number("adaptive.tolerance", self.tolerance, 1.0, 1e6)?;
        check_number("adaptive.queue", self.queue, 0.0, 1e6)?;
        check_number("adaptive.smoothing", self.smoothing, 0.001, 1.0)?;
        check_backoff(self.backoff)
    }
}

/// The algorithm at work.
#[derive(Debug)]
pub(crate) struct Gradient2Limit {
    rules: Gradient2,
    no_load: NoLoad,
}

impl Gradient2Limit {
    pub(crate) fn new(rules: Gradient2) -> Self {
        Self { rules, no_load: NoLoad::default() }
    }
}

impl LimitAlgorithm for Gradient2Limit {
    fn update(&mut self, sample: &Sample) -> f64 {
        let limit = sample.limit;
        if sample.is_dropped() {
            return limit * self.rules.backoff;
        }
        if sample.latency.is_zero() {
            return limit;
        }
        let ratio = self.no_load.learn(sample) / sample.latency.as_secs_f64();
        let gradient = (self.rules.tolerance * ratio).clamp(0.5, 1.0);
        let room = if gradient > 0.9 { self.rules.queue.max(limit.sqrt()) } else { 0.0 };
        let next = limit + self.rules.smoothing * (limit * gradient + room - limit);
        if sample.is_used() { next } else { next.min(limit) }
    }

    fn no_load(&self) -> Option<Duration> {
        Some(Duration::from_secs_f64(self.no_load.latency()))
    }
}
