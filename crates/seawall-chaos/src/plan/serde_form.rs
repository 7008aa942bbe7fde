//! A plan as it stands in a file: `{ latency = { share = 0.5, from = "200ms", to = "800ms" }, error = 0.2 }`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Delay, Latency, Plan};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency: Option<LatencyForm>,
    #[serde(default)]
    error: f64,
    #[serde(default)]
    hang: f64,
    #[serde(default)]
    panic: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LatencyForm {
    share: f64,
    #[serde(with = "seawall_core::duration")]
    from: Duration,
    /// Left out where all delays are as long as `from`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "seawall_core::duration::option"
    )]
    to: Option<Duration>,
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let latency = self.latency.map(|Latency { share, delay }| LatencyForm {
            share,
            from: delay.from,
            to: (delay.to != delay.from).then_some(delay.to),
        });
        Form { latency, error: self.error, hang: self.hang, panic: self.panic }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Form { latency, error, hang, panic } = Form::deserialize(deserializer)?;
        let latency = latency.map(|LatencyForm { share, from, to }| Latency {
            share,
            delay: Delay { from, to: to.unwrap_or(from) },
        });
        let plan = Self { latency, error, hang, panic };
        plan.check().map_err(de::Error::custom)?;
        Ok(plan)
    }
}
