//! How a value becomes bytes, and bytes a value.

use seawall_core::BoxError;
use serde::{Serialize, de::DeserializeOwned};

/// Turns values into bytes and back.
///
/// Its bytes lie in an envelope that says which codec and which [schema](super::SchemaId) they are of, and
/// how many they are: `decode` sees none of another, nor half of them.
pub trait Codec<V>: Send + Sync + 'static {
    /// Which codec it is: from 128 on they are yours.
    const ID: u8;

    /// Adds the bytes of `value` to `into`, which may hold something already.
    ///
    /// # Errors
    ///
    /// Where it can't: the value is not kept in Redis then, and that is counted.
    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), BoxError>;

    /// The value that all of `bytes` are.
    ///
    /// # Errors
    ///
    /// Where they are none: it is loaded then, and that is counted.
    fn decode(&self, bytes: &[u8]) -> Result<V, BoxError>;
}

/// [`postcard`](https://docs.rs/postcard): small and quick, and nothing in it says what is what.
///
/// Of a value whose fields were added, removed or changed places it may make another without noticing; that
/// is what the [`SchemaId`](super::SchemaId) is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postcard;

impl<V: Serialize + DeserializeOwned> Codec<V> for Postcard {
    const ID: u8 = 1;

    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), BoxError> {
        *into = postcard::to_extend(value, std::mem::take(into))?;
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<V, BoxError> {
        match postcard::take_from_bytes(bytes)? {
            (value, []) => Ok(value),
            _ => Err("there are bytes after the value".into()),
        }
    }
}

/// [MessagePack](https://msgpack.org) with the names of fields: about half as large again, and of a value that
/// got a field with a default, or lost one, two versions of a service read each other's.
///
/// As long as they do, leave the [`SchemaId`](super::SchemaId) as it is.
#[cfg(feature = "msgpack")]
#[derive(Clone, Copy, Debug, Default)]
pub struct MessagePack;

#[cfg(feature = "msgpack")]
impl<V: Serialize + DeserializeOwned> Codec<V> for MessagePack {
    const ID: u8 = 2;

    fn encode(&self, value: &V, into: &mut Vec<u8>) -> Result<(), BoxError> {
        rmp_serde::encode::write_named(into, value)?;
        Ok(())
    }

    fn decode(&self, mut bytes: &[u8]) -> Result<V, BoxError> {
        let value = rmp_serde::from_read(&mut bytes)?;
        match bytes {
            [] => Ok(value),
            _ => Err("there are bytes after the value".into()),
        }
    }
}
