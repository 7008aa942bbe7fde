//! Vegas: keep a short queue, as TCP Vegas does.
//!
//! By Little's law, of the calls in flight only `limit * no_load / latency` are worked on. The others
//! queue:
//!
//! ```text
//!   queue = limit * (1 - no_load / latency)
//!
//!          0      step          alpha                beta
//!  queue   |--------|--------------|-------------------|----------------------->
//!  limit     + beta      + step          as it is          - (queue - beta) / 2
//!
//!   dropped: limit * backoff           step = log10(limit), rounded down, at least 1
//! ```
//!
//! `alpha` and `beta` are given for a limit below 100, and are multiplied by `step`.
//!
//! Source: Netflix/concurrency-limits 78a74b9, `VegasLimit`, with its defaults (alpha 3, beta 6, from
//! 1 to 1000, first 20); Brakmo and Peterson, "TCP Vegas: End to End Congestion Avoidance on a Global
//! Internet", 1995.
//!
//! # Repairs
//!
//! 1. A window counts as dropped when 5 % of its calls were. In the source one is enough.
//! 2. It falls as fast as it rises. In the source it rises by `beta`, 6, and falls by `step`, 1: an
//!    overload that took a second to build takes six to leave. Here half of what is too much goes at
//!    once, or `step` if that is more; and a dropped window takes a tenth.
//! 3. `step` is at least 5 % of the limit, `alpha` 10 % and `beta` 20 %. The mean of a few hundred
//!    calls is no more exact than that, so in the source a limit of some hundreds takes noise for a
//!    queue and stays where it is. It also makes a limit that is far too low grow by a fifth a window,
//!    where the source creeps (#35).
//! 4. The latency without load is [`no_load`](super::no_load)'s. The source takes the minimum, and now
//!    and then, under whatever load there is, the present latency instead (#165).
//! 5. A limit less than half of which was used at any time in the window does not grow. In the source
//!    the last call's word counts.

use std::time::Duration;

use seawall_core::ConfigError;

use super::{LimitAlgorithm, Sample, check_backoff, check_number, no_load::NoLoad};

/// Estimates from the latency how many calls queue, and keeps that between two bounds.
///
/// # Examples
///
/// How do I allow for a longer queue, because traffic comes in bursts?
///
/// ```
/// # use seawall_bulkhead::adaptive::{Adaptive, Vegas};
/// let adaptive = Adaptive::from(Vegas { alpha: 6.0, beta: 12.0, ..Vegas::default() });
/// # assert!(adaptive.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Vegas {
    /// With fewer calls in the queue than this the limit grows: from 1.
    pub alpha: f64,
    /// With more calls in the queue than this the limit shrinks: from `alpha`.
    pub beta: f64,
    /// What a dropped window leaves of the limit: at least 0.5, and below 1.
    pub backoff: f64,
}

impl Default for Vegas {
    fn default() -> Self {
        Self { alpha: 3.0, beta: 6.0, backoff: 0.9 }
    }
}

impl Vegas {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_number("adaptive.alpha", self.alpha, 1.0, 1e6)?;
        check_number("adaptive.beta", self.beta, self.alpha, 1e6)?;
        check_backoff(self.backoff)
    }
}

/// The algorithm at work.
#[derive(Debug)]
pub(crate) struct VegasLimit {
    rules: Vegas,
    no_load: NoLoad,
}

impl VegasLimit {
    pub(crate) fn new(rules: Vegas) -> Self {
        Self { rules, no_load: NoLoad::default() }
    }
}

impl LimitAlgorithm for VegasLimit {
    fn update(&mut self, sample: &Sample) -> f64 {
        let limit = sample.limit;
        if sample.is_dropped() {
            return limit * self.rules.backoff;
        }
        if sample.latency.is_zero() {
            return limit;
        }
        let no_load = self.no_load.learn(sample);
        let queue = limit * (1.0 - no_load / sample.latency.as_secs_f64());

        let magnitude = limit.log10().floor().max(1.0);
        let step = magnitude.max(0.05 * limit);
        let alpha = (self.rules.alpha * magnitude).max(0.1 * limit);
        let beta = (self.rules.beta * magnitude).max(0.2 * limit);
        if queue > beta {
            limit - ((queue - beta) / 2.0).max(step)
        } else if queue >= alpha || !sample.is_used() {
            limit
        } else if queue > step {
            limit + step
        } else {
            limit + beta
        }
    }

    fn no_load(&self) -> Option<Duration> {
        Some(Duration::from_secs_f64(self.no_load.latency()))
    }
}
