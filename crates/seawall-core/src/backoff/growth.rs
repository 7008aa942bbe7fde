//! How delays grow, before cap and jitter.

use std::{fmt, sync::Arc, time::Duration};

use crate::{ConfigError, Nanos};

#[derive(Clone)]
pub(super) enum Growth {
    Constant { base: Duration },
    Linear { base: Duration },
    Exponential { base: Duration, factor: f64 },
    Fibonacci { base: Duration },
    Custom(Arc<dyn Fn(u32) -> Duration + Send + Sync>),
}

impl Growth {
    pub(super) fn custom(delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(delay))
    }

    /// Nanoseconds after `attempt` attempts; stops at the end of a `u64`.
    pub(super) fn delay(&self, attempt: u32) -> u64 {
        match *self {
            Self::Constant { base } => Nanos::from(base).0,
            Self::Linear { base } => {
                Nanos::from(base).0.saturating_mul(u64::from(attempt).saturating_add(1))
            }
            Self::Exponential { base, factor } => {
                let base = Nanos::from(base).0;
                if base == 0 {
                    return 0; // 0 times infinity is not a number
                }
                // A float's conversion saturates, and a product below 2^53 ns (104 days) is exact
                // for the factor 2.
                let exponent = i32::try_from(attempt).unwrap_or(i32::MAX);
                (base as f64 * factor.powi(exponent)) as u64
            }
            Self::Fibonacci { base } => Nanos::from(base).0.saturating_mul(fibonacci(attempt)),
            Self::Custom(ref delay) => Nanos::from(delay(attempt)).0,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match *self {
            Self::Exponential { factor, .. } if !(factor.is_finite() && factor >= 1.0) => {
                Err(ConfigError::new("factor", factor, "a number of at least 1"))
            }
            _ => Ok(()),
        }
    }
}

/// 1, 1, 2, 3, 5 …; stops at the end of a `u64`.
fn fibonacci(attempt: u32) -> u64 {
    let (mut this, mut next) = (1_u64, 1_u64);
    for _ in 0..attempt.min(100) {
        (this, next) = (next, this.saturating_add(next)); // the 93rd no longer fits
    }
    this
}

impl PartialEq for Growth {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Constant { base: a }, Self::Constant { base: b })
            | (Self::Linear { base: a }, Self::Linear { base: b })
            | (Self::Fibonacci { base: a }, Self::Fibonacci { base: b }) => a == b,
            (
                Self::Exponential { base: a, factor: f },
                Self::Exponential { base: b, factor: g },
            ) => a == b && f.to_bits() == g.to_bits(),
            (Self::Custom(a), Self::Custom(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl fmt::Debug for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant { base } => write!(f, "Constant({base:?})"),
            Self::Linear { base } => write!(f, "Linear({base:?})"),
            Self::Exponential { base, factor } => write!(f, "Exponential({base:?}, x{factor})"),
            Self::Fibonacci { base } => write!(f, "Fibonacci({base:?})"),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}
