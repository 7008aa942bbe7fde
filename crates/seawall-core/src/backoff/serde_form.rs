//! A backoff as it stands in a file: `{ growth = "exponential", base = "1s", max = "60s" }`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{Backoff, Growth, Jitter};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    growth: Kind,
    #[serde(with = "crate::duration")]
    base: Duration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(default = "default_max", with = "crate::duration")]
    max: Duration,
    #[serde(default)]
    jitter: Jitter,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Constant,
    Linear,
    Exponential,
    Fibonacci,
}

const fn default_max() -> Duration {
    Backoff::DEFAULT_MAX
}

impl Serialize for Backoff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (growth, base, factor) = match self.growth {
            Growth::Constant { base } => (Kind::Constant, base, None),
            Growth::Linear { base } => (Kind::Linear, base, None),
            Growth::Exponential { base, factor } => (Kind::Exponential, base, Some(factor)),
            Growth::Fibonacci { base } => (Kind::Fibonacci, base, None),
            Growth::Custom(_) => {
                return Err(ser::Error::custom("a custom backoff is code, and cannot be written"));
            }
        };
        let &Self { max, jitter, seed, .. } = self;
        Form { growth, base, factor, max, jitter, seed }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Backoff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Form { growth, base, factor, max, jitter, seed } = Form::deserialize(deserializer)?;
        let growth = match (growth, factor) {
            (Kind::Exponential, factor) => {
                Growth::Exponential { base, factor: factor.unwrap_or(2.0) }
            }
            (_, Some(_)) => return Err(de::Error::custom("only exponential growth has a factor")),
            (Kind::Constant, None) => Growth::Constant { base },
            (Kind::Linear, None) => Growth::Linear { base },
            (Kind::Fibonacci, None) => Growth::Fibonacci { base },
        };
        let backoff = Self { growth, max, jitter, seed };
        backoff.check().map_err(de::Error::custom)?;
        Ok(backoff)
    }
}
