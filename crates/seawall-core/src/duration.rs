//! Durations as people write them: `"250ms"`, `"1m 30s"`, `"2h"`.
//!
//! In configuration a duration always has its unit; a bare number is refused, for nobody can tell
//! whether it meant seconds. Reading and printing are [`humantime`](https://docs.rs/humantime)'s.
//!
//! # Examples
//!
//! ```
//! # use seawall_core::duration;
//! # use std::time::Duration;
//! assert_eq!(duration::parse("1m 30s")?, Duration::from_secs(90));
//! assert_eq!(duration::format(Duration::from_millis(1_250)), "1s 250ms");
//! let error = duration::parse("250").unwrap_err();
//! assert!(error.to_string().contains("with its unit"), "{error}");
//! # Ok::<(), seawall_core::ConfigError>(())
//! ```
//!
//! In a struct, with serde:
//!
//! ```
//! # use std::time::Duration;
//! #[derive(serde::Deserialize)]
//! struct Limits {
//!     #[serde(with = "seawall_core::duration")]
//!     wait: Duration,
//!     #[serde(default, with = "seawall_core::duration::option")]
//!     deadline: Option<Duration>,
//! }
//! let limits: Limits = serde_json::from_str(r#"{ "wait": "250ms" }"#)?;
//! assert_eq!((limits.wait, limits.deadline), (Duration::from_millis(250), None));
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

use crate::ConfigError;

/// The duration that `text` says.
///
/// # Errors
///
/// Where it is no duration, has a part without a unit, or does not fit.
pub fn parse(text: &str) -> Result<Duration, ConfigError> {
    let refused = || {
        let shown: String = text.chars().take(40).collect(); // an error, not a copy of the input
        ConfigError::new(
            "duration",
            format_args!("{shown:?}"),
            "a duration with its unit, such as \"250ms\", \"1.5s\" or \"2m 30s\"",
        )
    };
    let mut sum = None;
    let mut rest = text.trim();
    while !rest.is_empty() {
        // Part by part: in one go `humantime` takes "30 1m" for 301 minutes, and panics where the
        // parts fit one by one and their sum does not.
        let (part, next) = split_part(rest);
        if !part.ends_with(char::is_alphabetic) {
            return Err(refused());
        }
        let part = humantime::parse_duration(part).map_err(|_| refused())?;
        let so_far = sum.unwrap_or(Duration::ZERO);
        sum = Some(so_far.checked_add(part).ok_or_else(refused)?);
        rest = next;
    }
    sum.ok_or_else(refused)
}

/// Splits "1m 30s" into "1m" and "30s".
fn split_part(text: &str) -> (&str, &str) {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    let rest = unit.trim_start_matches(char::is_alphabetic);
    (&text[..text.len() - rest.len()], rest.trim_start())
}

/// `duration` in words that [`parse`] reads back as the same.
#[must_use]
pub fn format(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// For `#[serde(with = "seawall_core::duration")]`: writes what [`format()`] gives.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}

/// For `#[serde(with = "seawall_core::duration")]`: reads what [`parse`] reads.
///
/// # Errors
///
/// Those of [`parse`], and where there is no string.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

/// The same for an `Option<Duration>`, where nothing is no duration.
pub mod option {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(transparent)]
    struct Human(#[serde(with = "super")] Duration);

    /// For `#[serde(with = "seawall_core::duration::option")]`.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serde::Serialize::serialize(&duration.map(Human), serializer)
    }

    /// For `#[serde(with = "seawall_core::duration::option")]`.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](super::parse), and where there is neither a string nor nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Human>::deserialize(deserializer)?.map(|human| human.0))
    }
}
