//! A quota as people write it: `"100/s, burst 20"`, `"5/min"`, `"3/10s, sliding log"`.
//!
//! ```text
//! quota  = cells "/" period *( "," part )
//! period = unit | duration             s, min, h, d; 250ms, 1m 30s
//! part   = "burst" cells | policy      fixed window, sliding window, sliding log, gcra
//! ```

use std::{fmt, str::FromStr, time::Duration};

use seawall_core::{ConfigError, duration};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Policy, Quota};

const RULE: &str = "a quota, such as \"100/s\", \"100/s, burst 20\" or \"5/min, sliding log\"";

impl FromStr for Quota {
    type Err = ConfigError;

    /// Reads what [`Display`](fmt::Display) writes, and other spellings of the period.
    ///
    /// # Errors
    ///
    /// Where it is no quota, says something twice, or says one that cannot be.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let refused = || {
            let shown: String = text.chars().take(40).collect(); // an error, not a copy of the input
            ConfigError::new("quota", format_args!("{shown:?}"), RULE)
        };
        let mut parts = text.split(',').map(str::trim);
        let (cells, period) =
            parts.next().and_then(|part| part.split_once('/')).ok_or_else(refused)?;
        let cells = number(cells).ok_or_else(refused)?;
        let mut quota = Self::new(cells, time(period.trim()).ok_or_else(refused)?)?;
        let (mut burst, mut policy) = (None, None);
        for part in parts {
            let said_twice = match part.strip_prefix("burst ") {
                Some(cells) => burst.replace(number(cells).ok_or_else(refused)?).is_some(),
                None => policy.replace(named(part).ok_or_else(refused)?).is_some(),
            };
            if said_twice {
                return Err(refused());
            }
        }
        if let Some(cells) = burst {
            quota = quota.burst(cells)?;
        }
        Ok(quota.policy(policy.unwrap_or_default()))
    }
}

/// Digits and nothing else: no sign, no fraction.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A duration, or a unit alone for one of it.
fn time(text: &str) -> Option<Duration> {
    let one = text.starts_with(char::is_alphabetic).then(|| format!("1{text}"));
    duration::parse(one.as_deref().unwrap_or(text)).ok()
}

fn named(text: &str) -> Option<Policy> {
    let named = Policy::NAMES.iter().find(|(_, name)| *name == text);
    named.map(|(policy, _)| *policy)
}

impl Serialize for Quota {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = Quota;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(RULE)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quota, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}
