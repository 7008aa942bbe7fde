//! How an adaptive limit stands in a file: `{ algorithm = "vegas", min = 4, window = "250ms" }`.

use std::time::Duration;

use seawall_core::Outcome;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use super::{Adaptive, Aimd, Algorithm, Gradient2, Vegas};

#[derive(Serialize, Deserialize)]
struct Form {
    /// Takes what the fields below leave, and knows none but its own: so nothing unknown passes.
    #[serde(flatten)]
    algorithm: Named,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(default, with = "seawall_core::duration::option")]
    window: Option<Duration>,
    on_cancel: Option<Outcome>,
    on_panic: Option<Outcome>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "algorithm", rename_all = "lowercase")]
enum Named {
    Aimd(Aimd),
    Vegas(Vegas),
    Gradient2(Gradient2),
}

impl Serialize for Adaptive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let algorithm = match &self.algorithm {
            Algorithm::Aimd(aimd) => Named::Aimd(aimd.clone()),
            Algorithm::Vegas(vegas) => Named::Vegas(vegas.clone()),
            Algorithm::Gradient2(gradient2) => Named::Gradient2(gradient2.clone()),
            Algorithm::Own(_) => {
                return Err(ser::Error::custom(
                    "an algorithm of one's own is code, and cannot be written to a file",
                ));
            }
        };
        let form = Form {
            algorithm,
            initial: self.initial,
            min: self.min,
            max: self.max,
            window: Some(self.window),
            on_cancel: Some(self.on_cancel),
            on_panic: Some(self.on_panic),
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Adaptive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let adaptive = Self::from(match form.algorithm {
            Named::Aimd(aimd) => Algorithm::Aimd(aimd),
            Named::Vegas(vegas) => Algorithm::Vegas(vegas),
            Named::Gradient2(gradient2) => Algorithm::Gradient2(gradient2),
        });
        Ok(Self {
            initial: form.initial,
            min: form.min,
            max: form.max,
            window: form.window.unwrap_or(adaptive.window),
            on_cancel: form.on_cancel.unwrap_or(adaptive.on_cancel),
            on_panic: form.on_panic.unwrap_or(adaptive.on_panic),
            ..adaptive
        })
    }
}
