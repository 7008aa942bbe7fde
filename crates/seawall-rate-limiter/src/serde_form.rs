//! How settings stand in a file, where the types alone would read badly.

/// Several, or one without brackets.
pub(crate) mod one_or_more {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Quota;

    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a quota such as \"100/s, burst 20\", or a list of them"
    )]
    enum Form {
        One(String),
        Several(Vec<String>),
    }

    pub(crate) fn serialize<S: Serializer>(
        quotas: &[Quota],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        quotas.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Quota>, D::Error> {
        let texts = match Form::deserialize(deserializer)? {
            Form::One(text) => vec![text],
            Form::Several(texts) => texts,
        };
        // Read as text first: an untagged form would say only that none fits, and not why.
        let quotas = texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom));
        quotas.collect()
    }
}
