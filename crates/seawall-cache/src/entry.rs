//! What lies in the store for a key.

use crate::{freshness::Lifetime, tags::Tagged};

/// What a cache keeps for a key: a value or that there is none, and how long that holds.
///
/// A [`Store`](crate::Store) holds it and does not look into it.
#[derive(Debug)]
pub struct Entry<V> {
    pub(crate) value: Option<V>,
    pub(crate) life: Lifetime,
    pub(crate) tagged: Tagged,
}
