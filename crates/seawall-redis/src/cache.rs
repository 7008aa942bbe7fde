//! The second level of a cache: what the instances of a service share, kept by Redis.
//!
//! PLACEHOLDER
mod builder;
mod codec;
mod envelope;
mod key;
mod listen;
mod names;
mod scripts;
mod shared;
mod store;

use std::{fmt, sync::Arc};

use seawall_core::{Observe, Registry, Snapshot};

#[cfg(feature = "msgpack")]
pub use self::codec::MessagePack;
use self::shared::Shared;
pub use self::{
    builder::CacheStoreBuilder,
    codec::{Codec, Postcard},
    envelope::SchemaId,
    key::CacheKey,
};
use crate::Connection;

/// The second level of one cache, on Redis.
#[derive(Clone)]
pub struct CacheStore<C = Postcard> {
    shared: Arc<Shared<C>>,
}

impl CacheStore {
    /// Begins to build one.
    pub fn builder(
        connection: Connection,
        prefix: impl Into<String>,
        schema: SchemaId,
    ) -> CacheStoreBuilder {
        CacheStoreBuilder::new(connection, prefix.into(), schema)
    }
}

impl<C: Send + Sync + 'static> CacheStore<C> {
    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }
}

impl Connection {
    /// A second level.
    #[must_use]
    pub fn cache_store(&self, prefix: impl Into<String>, schema: SchemaId) -> CacheStore {
        CacheStore::builder(self.clone(), prefix, schema).made()
    }
}

impl<C> fmt::Debug for CacheStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheStore")
            .field("prefix", &self.shared.prefix)
            .field("schema", &self.shared.schema)
            .field("connection", &self.shared.connection)
            .finish_non_exhaustive()
    }
}
