//! How settings stand in a file, where the types alone would read badly.

/// What it is, or `"off"`: for a rule that is on by default, where leaving it out is no way to turn it off, and
/// not every format has a word for nothing. What is wrong in it is told as if it stood there by itself.
pub(crate) mod or_off {
    use std::{fmt, marker::PhantomData};

    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{
            Error, IntoDeserializer as _, MapAccess, Unexpected, Visitor,
            value::{MapAccessDeserializer, U64Deserializer},
        },
    };

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        rule: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match rule {
            Some(rule) => rule.serialize(serializer),
            None => serializer.serialize_str("off"),
        }
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(OrOff(PhantomData))
    }

    struct OrOff<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OrOff<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a rule, or \"off\"")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                "off" => Ok(None),
                _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
            }
        }

        fn visit_u64<E: Error>(self, count: u64) -> Result<Self::Value, E> {
            let count: U64Deserializer<E> = count.into_deserializer();
            T::deserialize(count).map(Some)
        }

        fn visit_i64<E: Error>(self, count: i64) -> Result<Self::Value, E> {
            let wrong = |_| E::invalid_value(Unexpected::Signed(count), &self);
            let count = u64::try_from(count).map_err(wrong)?;
            self.visit_u64(count)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }
}
