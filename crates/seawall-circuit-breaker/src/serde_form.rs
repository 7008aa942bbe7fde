//! How settings stand in a file, where the types alone would read badly.

use std::time::Duration;

use seawall_core::Ratio;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Window;

/// `{ calls = 100 }`, or `{ time = "10s" }` with `buckets` if there should be other than ten.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calls: Option<u32>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "seawall_core::duration::option"
    )]
    time: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buckets: Option<u32>,
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match *self {
            Self::Count { calls } => WindowForm { calls: Some(calls), time: None, buckets: None },
            Self::Time { over, buckets } => {
                WindowForm { calls: None, time: Some(over), buckets: Some(buckets) }
            }
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WindowForm::deserialize(deserializer)? {
            WindowForm { calls: Some(calls), time: None, buckets: None } => Ok(Self::count(calls)),
            WindowForm { calls: None, time: Some(over), buckets } => {
                let window = Self::time(over);
                Ok(buckets.map_or(window, |buckets| window.buckets(buckets)))
            }
            _ => Err(de::Error::custom(
                "a window has either `calls`, or `time` and perhaps `buckets`",
            )),
        }
    }
}

/// A share, or `"off"`: for a rule that is on by default, where leaving it out is no way to turn it
/// off, and not every format has a word for nothing.
pub(crate) mod share_or_off {
    use super::{Deserialize, Deserializer, Ratio, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged, expecting = "expected a share from 0 to 1, or \"off\"")]
    enum Form {
        Share(Ratio),
        Off(Off),
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Off {
        Off,
    }

    pub(crate) fn serialize<S: Serializer>(
        share: &Option<Ratio>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        share.map_or(Form::Off(Off::Off), Form::Share).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Ratio>, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Share(share) => Some(share),
            Form::Off(Off::Off) => None,
        })
    }
}
