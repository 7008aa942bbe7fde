//! The second level of a cache: what the instances of a service share, kept by Redis.
//!
//! A [`Cache`](seawall_cache::Cache) asks a [`CacheStore`] before it loads, and puts in what it has loaded;
//! [`seawall_cache::l2`] says how the two speak. Read `names` and `envelope` for how things lie on the server,
//! the scripts (`lua/state.lua` first) for what happens there, `store` for the operations, `listen` and the
//! connection's `track` for what is heard of others, `shared` for how many keys are cut into scripts.
//!
//! ```text
//!   instance ── its own entries ── miss ──▶ look ──▶ a value: nobody loads
//!      ▲                                     └────▶ a lease: load, fill ──▶ all others have it
//!      │
//!      └──────── told of each invalidation ◀── tracking ◀── invalidate, by any instance
//! ```
//!
//! # What it promises between instances
//!
//! 1. One instance at a time loads a key: it has a lease. Where it dies, another loads after
//!    [`lease`](CacheStoreBuilder::lease), and those who wait load for themselves before that, after
//!    `CacheBuilder::l2_wait`.
//! 2. What was loaded before an invalidation is not kept after it, in whichever order the two come to the
//!    server: an invalidation ends the lease, of a key, a tag, or all.
//! 3. Who asks the store after `invalidate`, `invalidate_tags` or `clear` returned, on any machine, finds nothing
//!    of before.
//! 4. What an instance has for itself ends when it hears of an invalidation. That takes about as long as an
//!    answer of the server, and **comes after `invalidate` returned, now and then**: for that moment another
//!    instance still answers with what it has.
//! 5. An instance that does not hear knows it: at once where the connection breaks, and else at the latest
//!    after a [`heartbeat`](CacheStoreBuilder::heartbeat) and a response time. From then on it trusts what it
//!    has for `CacheBuilder::l2_gutter_ttl`, and when it hears again, not at all. So these three times, taken
//!    together, are how old a value may be that an instance answers with after an invalidation that it missed.
//! 6. What is lost is nothing, and not old: where the state of a part is gone (a restart, a flush, an
//!    eviction), with it goes all that was put in before.
//! 7. What can't be read, of another schema, another program, or half a value, is loaded as if it were not
//!    there. No error of it reaches a caller; it is counted.
//! 8. Keys and tags travel to other instances, values never.
//!
//! # What it does not
//!
//! * **A server that comes back with what it had some time ago** (from a snapshot on its disk, or as a replica
//!   that was behind) has back what was invalidated in between, until it ends. Run a cache's server without
//!   persistence (`save ""`), and [`clear`](seawall_cache::Cache::clear) after a failover.
//! * On a cluster nothing is heard: each instance trusts what it has for the gutter time alone. So too where
//!   the URL says `protocol=resp2`.
//! * A user of the server who may not do `CLIENT TRACKING` hears nothing either.
//! * Who writes to the source without the cache tells nobody. From outside,
//!   `DEL app:users:{0}:v:7 app:users:{0}:l:7` and then `SET app:users!{0}k0:7 x PX 1` invalidate the key `7` of
//!   `app:users`, where it has one part.
//!
//! # The server's memory
//!
//! A record has some 70 bytes beside the value and its name, and goes by its own time. It is best bounded by
//! `maxmemory` with `allkeys-lru` or `volatile-lru`: what is evicted is loaded again (the second keeps the states,
//! whose loss is that of all records of a part). A state has up to 16 384 places for tags, each used once a tag
//! that falls on it was invalidated: 1 MB at most. What `clear` ended stays until its time, or until its key is
//! loaded again.

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

/// What the instances of a service share of one cache, on Redis: see the [module's page](self) for what it
/// promises.
///
/// Cloning is cheap and shares the counts. All stores with one prefix on one Redis share their records, in
/// whichever process they are; give each cache of a service a prefix of its own.
///
/// # Examples
///
/// How do my instances load a user once for all of them?
///
/// ```no_run
/// # use std::time::Duration;
/// use seawall_cache::Cache;
/// use seawall_redis::{Connection, SchemaId};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Connection::builder("cache").url("redis://localhost").build()?;
/// let users = Cache::<u64, String, std::io::Error>::builder("users")
///     .ttl(Duration::from_secs(60))
///     .l2(redis.cache_store("app:users", SchemaId(3)))
///     .build()?;
///
/// let user = users.get_or_load(&42, async || Ok("from the database".to_owned())).await?;
/// users.invalidate(&42).await?; // here, in Redis, and in all other instances
/// # Ok(()) }
/// ```
///
/// How do I change a setting of it?
///
/// ```
/// # use std::time::Duration;
/// # use seawall_redis::{CacheStore, Connection, SchemaId};
/// # let redis = Connection::builder("cache").url("redis://localhost").build()?;
/// let store = CacheStore::builder(redis, "app:reports", SchemaId(1))
///     .lease(Duration::from_secs(30)) // a report takes long to make
///     .max_bytes(8 << 20)
///     .build()?;
/// # Ok::<(), seawall_redis::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CacheStore<C = Postcard> {
    shared: Arc<Shared<C>>,
}

impl CacheStore {
    /// Begins to build one whose names on the server begin with `prefix`, and whose values have the shape that
    /// `schema` stands for.
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
    /// What instances share of a cache whose names on the server begin with `prefix`: `"app:users"`.
    ///
    /// [`CacheStore::builder`] has the settings; these are its defaults.
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
