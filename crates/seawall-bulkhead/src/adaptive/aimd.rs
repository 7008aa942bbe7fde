//! Additive increase, multiplicative decrease: grow by one until something breaks.
//!
//! ```text
//!   dropped, or latency > timeout      limit * backoff
//!   otherwise, where half is used      limit + 1
//! ```
//!
//! Source: Netflix/concurrency-limits 78a74b9, `AIMDLimit`, with its defaults (backoff 0.9, time-out
//! 5 s, from 20 to 200, first 20). It knows no latency but the time-out: until something is dropped it
//! grows, however long the queue. It is right where the dependency itself refuses what is too much.
//!
//! # Repairs
//!
//! 1. A window counts as dropped when 5 % of its calls were: in the source one call in a window of
//!    thousands takes away a tenth of the limit.
//! 2. Half is used when it was so at some time in the window: in the source it is the last call's
//!    word, so that a lull at its end stops the growth.

use std::time::Duration;

use seawall_core::ConfigError;

use super::{LimitAlgorithm, Sample, check_backoff};

/// Grows by one while all goes well, and shrinks by a share when calls are dropped.
///
/// # Examples
///
/// ```
/// # use seawall_bulkhead::adaptive::{Adaptive, Aimd};
/// let adaptive = Adaptive::from(Aimd { backoff: 0.7, ..Aimd::default() });
/// # assert!(adaptive.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Aimd {
    /// What a dropped window leaves of the limit: at least 0.5, and below 1.
    pub backoff: f64,
    /// A window whose calls take longer than this on average counts as dropped.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub timeout: Duration,
}

impl Default for Aimd {
    fn default() -> Self {
        Self { backoff: 0.9, timeout: Duration::from_secs(5) }
    }
}

impl Aimd {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_backoff(self.backoff)?;
        match self.timeout {
            Duration::ZERO => Err(ConfigError::new("adaptive.timeout", "0s", "above 0")),
            _ => Ok(()),
        }
    }
}

impl LimitAlgorithm for Aimd {
    fn update(&mut self, sample: &Sample) -> f64 {
        if sample.is_dropped() || sample.latency > self.timeout {
            sample.limit * self.backoff
        } else if sample.is_used() {
            sample.limit + 1.0
        } else {
            sample.limit
        }
    }
}
