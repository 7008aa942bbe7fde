//! How a payload becomes what a storage keeps.

use seawall_core::BoxError;

/// Turns payloads into what a storage keeps, and back: bytes, unless it is in memory.
///
/// What was written once must be readable as long as there are jobs of it: a new version of a service reads
/// what the old one left. What can't be read is buried as
/// [`Undecodable`](crate::job::Cause::Undecodable), and stays in the dead letters.
///
/// # Examples
///
/// ```
/// # use seawall_queue::{BoxError, Codec};
/// /// Photos by their numbers.
/// struct Decimal;
///
/// impl Codec<u64> for Decimal {
///     fn encode(&self, photo: u64) -> Result<Vec<u8>, BoxError> {
///         Ok(photo.to_string().into_bytes())
///     }
///
///     fn decode(&self, bytes: Vec<u8>) -> Result<u64, BoxError> {
///         Ok(String::from_utf8(bytes)?.parse()?)
///     }
/// }
/// # assert_eq!(Decimal.decode(Decimal.encode(42)?)?, 42);
/// # Ok::<(), BoxError>(())
/// ```
pub trait Codec<T, P = Vec<u8>>: Send + Sync + 'static {
    /// What the storage keeps of it.
    ///
    /// # Errors
    ///
    /// Where it can't be written: then it does not go in.
    fn encode(&self, payload: T) -> Result<P, BoxError>;

    /// What it was.
    ///
    /// # Errors
    ///
    /// Where it can't be read: then it is dead.
    fn decode(&self, kept: P) -> Result<T, BoxError>;
}

/// One codec for several.
impl<T, P, C: Codec<T, P> + ?Sized> Codec<T, P> for std::sync::Arc<C> {
    fn encode(&self, payload: T) -> Result<P, BoxError> {
        (**self).encode(payload)
    }

    fn decode(&self, kept: P) -> Result<T, BoxError> {
        (**self).decode(kept)
    }
}

/// Payloads as they are: for a storage that keeps any type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl<T> Codec<T, T> for Plain {
    fn encode(&self, payload: T) -> Result<T, BoxError> {
        Ok(payload)
    }

    fn decode(&self, kept: T) -> Result<T, BoxError> {
        Ok(kept)
    }
}

/// Payloads as JSON, by serde: readable by people and by other programs, and by a later version of a type
/// that has more fields.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

#[cfg(feature = "json")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Codec<T> for Json {
    fn encode(&self, payload: T) -> Result<Vec<u8>, BoxError> {
        Ok(serde_json::to_vec(&payload)?)
    }

    fn decode(&self, kept: Vec<u8>) -> Result<T, BoxError> {
        Ok(serde_json::from_slice(&kept)?)
    }
}
