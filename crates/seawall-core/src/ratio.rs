//! A share between nothing and all, checked once and compared exactly.

use std::fmt;

use crate::ConfigError;

const ONE: u32 = 1_000_000;

/// A share from 0 to 1, kept in whole parts per million.
///
/// Whole, because a comparison of floating-point rates goes wrong where it matters, at the
/// threshold: `0.07 * 100.0` is more than 7. Shares and thresholds are rounded to the nearest part
/// in the same way, so that 2 of 3 is not below `2.0 / 3.0`.
///
/// # Examples
///
/// ```
/// # use seawall_core::Ratio;
/// let threshold = Ratio::new(0.07)?;
/// assert!(Ratio::of(7, 100) >= threshold);
/// assert!(Ratio::of(6, 100) < threshold);
/// assert_eq!(threshold, Ratio::percent(7.0)?);
/// assert!(Ratio::new(f64::NAN).is_err());
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "f64", into = "f64")
)]
pub struct Ratio(u32);

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All.
    pub const ONE: Self = Self(ONE);

    /// The share `share`, from 0 to 1.
    ///
    /// # Errors
    ///
    /// Where it is not a number, below 0 or above 1.
    pub fn new(share: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(ConfigError::new("ratio", share, "a number from 0 to 1"));
        }
        Ok(Self((share * f64::from(ONE)).round() as u32))
    }

    /// The share of `percent` in a hundred.
    ///
    /// # Errors
    ///
    /// Where it is not a number, below 0 or above 100.
    pub fn percent(percent: f64) -> Result<Self, ConfigError> {
        Self::new(percent / 100.0)
            .map_err(|_| ConfigError::new("ratio", percent, "a number from 0 to 100"))
    }

    /// The share that `part` is of `whole`; nothing where there is no whole, all where it is more.
    #[must_use]
    pub const fn of(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        let part = if part < whole { part } else { whole };
        // In 128 bits no count overflows; half of `whole` rounds to the nearest part.
        let rounded = (part as u128 * ONE as u128 + whole as u128 / 2) / whole as u128;
        Self(rounded as u32)
    }

    /// A share of so many parts per million; more than a million is all.
    #[must_use]
    pub const fn from_parts_per_million(parts: u32) -> Self {
        Self(if parts < ONE { parts } else { ONE })
    }

    /// The share in parts per million.
    #[must_use]
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    /// The share as a number from 0 to 1.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(ONE)
    }

    /// What is left of the whole.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(ONE - self.0)
    }

    /// The smallest count out of `whole` that is at least this share, and never 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_core::Ratio;
    /// assert_eq!(Ratio::new(0.5)?.count_of(3), 2);
    /// assert_eq!(Ratio::ZERO.count_of(3), 1);
    /// # Ok::<(), seawall_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn count_of(self, whole: u64) -> u64 {
        // `of` rounds up from half a part, so half of `whole` less will do.
        let least = u128::from(self.0) * u128::from(whole);
        let least = least.saturating_sub(u128::from(whole / 2)).div_ceil(u128::from(ONE));
        (least as u64).max(1)
    }
}

impl TryFrom<f64> for Ratio {
    type Error = ConfigError;

    fn try_from(share: f64) -> Result<Self, ConfigError> {
        Self::new(share)
    }
}

impl From<Ratio> for f64 {
    fn from(ratio: Ratio) -> Self {
        ratio.as_f64()
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
