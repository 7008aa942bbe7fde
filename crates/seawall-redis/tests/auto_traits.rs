//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use seawall_redis::{
    Arg, Command, Connection, ConnectionBuilder, Error, KeySpace, Outage, RateLimiter,
    RateLimiterBuilder, Reply, Script, connection, limiter,
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Arg<'_>>();
    all::<Command>();
    all::<Connection>();
    all::<ConnectionBuilder>();
    all::<Error>();
    all::<KeySpace>();
    all::<Outage>();
    all::<RateLimiter>();
    all::<RateLimiterBuilder>();
    all::<Reply>();
    all::<Script>();
    all::<connection::Event>();
    all::<limiter::Event>();
};

#[cfg(feature = "cache")]
const _: () = {
    use seawall_redis::{CacheStore, CacheStoreBuilder, SchemaId, cache};

    all::<CacheStore>();
    all::<CacheStoreBuilder>();
    all::<cache::Postcard>();
    all::<SchemaId>();
};

#[test]
fn the_futures_of_calls_can_be_spawned() {
    fn sendable<T: Send + 'static>(_: T) {}

    let connection = Connection::builder("spawned").url("redis://localhost").build();
    let connection = connection.expect("it connects to nothing");
    let quota = seawall_redis::Quota::per_second(1).expect("sound");
    let limiter = RateLimiter::builder("spawned", connection.clone()).quota(quota).build();
    let limiter = limiter.expect("it asks nobody");
    sendable(async move { connection.send(&Command::new("PING")).await });
    sendable(async move { limiter.acquire("key").await });
}
