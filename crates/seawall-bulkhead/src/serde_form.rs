//! How settings stand in a file, where the types alone would read badly.

/// A time, or `"off"`: for a bound that is there by default, where leaving it out is no way to turn it
/// off, and not every format has a word for nothing.
pub(crate) mod time_or_off {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged, expecting = "expected a time such as \"250ms\", or \"off\"")]
    enum Form {
        Off(Off),
        Time(#[serde(with = "seawall_core::duration")] Duration),
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Off {
        Off,
    }

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map_or(Form::Off(Off::Off), Form::Time).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Time(time) => Some(time),
            Form::Off(Off::Off) => None,
        })
    }
}
