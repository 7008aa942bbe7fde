//! The builder: every setting by name, checked when it is built.

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{Chance, ConfigError, sync::unmodelled::AtomicU64};

use super::{
    CacheStore, SchemaId,
    codec::{Codec, Postcard},
    envelope::head,
    names::Names,
    shared::{Shared, Stats},
};
use crate::Connection;

/// Builds a [`CacheStore`]: made by [`CacheStore::builder`].
///
/// | setting | default | why, and what it was tuned for |
/// |---|---|---|
/// | `codec` | [`Postcard`] | the smallest and quickest |
/// | `lease` | 5 s | longer than loads take; a key whose loader died is loaded by another after it |
/// | `max_bytes` | 1 MiB | one large value keeps all others waiting on the server |
/// | `parts` | 1 on one server, 64 on a cluster | all parts lie on one server anyway; a cluster spreads them |
/// | `heartbeat` | 1 s | how long at most nobody notices that nothing is heard any more, and a response time |
#[derive(Clone)]
#[must_use = "a builder builds nothing until `build`"]
pub struct CacheStoreBuilder<C = Postcard> {
    connection: Connection,
    prefix: String,
    schema: SchemaId,
    codec: C,
    lease: Duration,
    max_bytes: usize,
    parts: Option<u16>,
    heartbeat: Duration,
}

impl CacheStoreBuilder {
    pub(super) fn new(connection: Connection, prefix: String, schema: SchemaId) -> Self {
        Self {
            connection,
            prefix,
            schema,
            codec: Postcard,
            lease: Duration::from_secs(5),
            max_bytes: 1 << 20,
            parts: None,
            heartbeat: Duration::from_secs(1),
        }
    }
}

impl<C> CacheStoreBuilder<C> {
    /// What makes bytes of values.
    pub fn codec<D>(self, codec: D) -> CacheStoreBuilder<D> {
        let Self { connection, prefix, schema, lease, max_bytes, parts, heartbeat, codec: _ } =
            self;
        CacheStoreBuilder { connection, prefix, schema, codec, lease, max_bytes, parts, heartbeat }
    }

    /// For how long one instance may load a key alone, from 10 ms to 10 minutes.
    ///
    /// Longer than a load takes: what is loaded under a lease that has ended is kept nowhere. Shorter than it
    /// may take until a key is loaded whose loader died.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.lease = time;
        self
    }

    /// How long a record may be, with its value, its tags and some 70 bytes: from 128 bytes to 256 MiB. A
    /// longer one is kept in the process alone, and one that lies there is nothing.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Into how many parts the keys are cut, from 1 to 1024: each lies in one slot of a cluster, and an
    /// invalidation of tags goes to all of them. The same for all instances.
    pub const fn parts(mut self, parts: u16) -> Self {
        self.parts = Some(parts);
        self
    }

    /// How often the server is asked whether it is still heard, from 10 ms to a minute.
    pub const fn heartbeat(mut self, time: Duration) -> Self {
        self.heartbeat = time;
        self
    }

    /// Builds it, and asks nobody.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<CacheStore<C>, ConfigError> {
        let refuse =
            |field, value: &dyn fmt::Display, rule| Err(ConfigError::new(field, value, rule));
        if !(Duration::from_millis(10)..=Duration::from_secs(600)).contains(&self.lease) {
            return refuse("lease", &format_args!("{:?}", self.lease), "from 10 ms to 10 minutes");
        }
        if !(128..=256 << 20).contains(&self.max_bytes) {
            return refuse("max_bytes", &self.max_bytes, "from 128 to 268435456");
        }
        if let Some(parts) = self.parts.filter(|parts| !(1..=1024).contains(parts)) {
            return refuse("parts", &parts, "from 1 to 1024");
        }
        if !(Duration::from_millis(10)..=Duration::from_secs(60)).contains(&self.heartbeat) {
            let value = format_args!("{:?}", self.heartbeat);
            return refuse("heartbeat", &value, "from 10 ms to a minute");
        }
        Ok(self.made())
    }

    /// Of settings that were checked.
    pub(super) fn made(self) -> CacheStore<C> {
        let parts = match self.parts {
            Some(parts) => parts,
            None if self.connection.is_single() => 1,
            None => 64,
        };
        let chance = Chance::random();
        CacheStore {
            shared: Arc::new(Shared {
                names: Names::new(&self.prefix, parts),
                prefix: self.prefix.into(),
                connection: self.connection,
                schema: self.schema,
                codec: self.codec,
                lease: self.lease,
                longest: self.max_bytes,
                heartbeat: self.heartbeat,
                own: AtomicU64::new(chance.uniform(0, u64::MAX)),
                chance,
                stats: Stats::default(),
            }),
        }
    }
}

impl<C> fmt::Debug for CacheStoreBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheStoreBuilder")
            .field("prefix", &self.prefix)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl<C> Shared<C> {
    pub(super) fn head<V>(&self) -> [u8; 8]
    where
        C: Codec<V>,
    {
        head(C::ID, self.schema)
    }
}
