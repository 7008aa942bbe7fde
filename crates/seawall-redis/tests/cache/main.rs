//! The second level of a cache on a private server: its table, its bounds, and what it hears.

#![cfg(feature = "cache")]

mod fleet;
mod hearing;
mod odd;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::{sync::Arc, time::Duration};

use seawall_cache::l2::{Ask, Fill, L2, Lease, Life, Look, Record, Tag};
use seawall_redis::{
    CacheStore, CacheStoreBuilder, Connection, SchemaId,
    cache::{CacheKey, Codec},
};

use crate::support::{Server, hurried, until_it_answers};

const HOUR: Duration = Duration::from_secs(3600);
const SCHEMA: SchemaId = SchemaId(3);

async fn connection(server: &Server) -> Connection {
    let connection = hurried("cache", server).response_timeout(Duration::from_secs(5)).build();
    let connection = connection.expect("the settings are sound");
    until_it_answers(&connection).await;
    connection
}

async fn builder(server: &Server) -> CacheStoreBuilder {
    CacheStore::builder(connection(server).await, "app:users", SCHEMA)
}

/// An instance's store on a connection of its own.
async fn store(server: &Server) -> CacheStore {
    connection(server).await.cache_store("app:users", SCHEMA)
}

fn record(value: &str) -> Record<String> {
    let life = Life { fresh: HOUR, stale: HOUR, error: HOUR, took: Duration::from_millis(7) };
    Record { value: Some(value.to_owned()), life, tags: Vec::new() }
}

fn stale(value: &str) -> Record<String> {
    let mut record = record(value);
    record.life.fresh = Duration::ZERO;
    record
}

fn tagged(value: &str, tag: &str) -> Record<String> {
    Record { tags: vec![Tag::of(tag)], ..record(value) }
}

/// What a look found, without times and tokens.
#[derive(Debug, PartialEq, Eq)]
enum Saw {
    Hit(Option<String>),
    Stale(Option<String>, bool),
    Lease,
    Busy,
}

fn saw(look: Look<String>) -> Saw {
    match look {
        Look::Hit(record) => Saw::Hit(record.value),
        Look::Stale(record, lease) => Saw::Stale(record.value, lease.is_some()),
        Look::Lease(_) => Saw::Lease,
        Look::Busy => Saw::Busy,
    }
}

fn hit(value: &str) -> Saw {
    Saw::Hit(Some(value.to_owned()))
}

/// The operations for one key.
struct One<'a, C>(&'a CacheStore<C>, u32);

impl<C: Codec<String>> One<'_, C> {
    async fn ask(&self, ask: Ask) -> Look<String> {
        let looks = L2::<u32, String>::look(self.0, &[self.1], ask).await.expect("it is up");
        looks.into_iter().next().expect("one a key")
    }

    async fn look(&self) -> Saw {
        saw(self.ask(Ask::Value).await)
    }

    async fn renew(&self) -> Saw {
        saw(self.ask(Ask::Renewal).await)
    }

    async fn lease(&self) -> Lease {
        match self.ask(Ask::Renewal).await {
            Look::Lease(lease) | Look::Stale(_, Some(lease)) => lease,
            other => panic!("{other:?}"),
        }
    }

    async fn fill(&self, lease: Lease, record: Record<String>) -> bool {
        self.0.fill(&[Fill { key: self.1, lease, record }]).await.expect("it is up")[0]
    }

    /// Has it there, and nobody loading it.
    async fn have(&self, record: Record<String>) {
        let lease = self.lease().await;
        assert!(self.fill(lease, record).await);
    }

    async fn release(&self, lease: Lease) {
        L2::<u32, String>::release(self.0, &[(self.1, lease)]).await.expect("it is up");
    }

    async fn invalidate(&self) {
        L2::<u32, String>::invalidate(self.0, &[self.1]).await.expect("it is up");
    }
}

async fn invalidate_tag(store: &CacheStore, tag: &str) {
    L2::<u32, String>::invalidate_tags(store, &[Tag::of(tag)]).await.expect("it is up");
}

async fn clear(store: &CacheStore) {
    L2::<u32, String>::clear(store).await.expect("it is up");
}

#[tokio::test]
async fn bad_settings_are_named() {
    let connection = Connection::builder("c").url("redis://localhost").build().expect("sound");
    let builder = || CacheStore::builder(connection.clone(), "app", SCHEMA);
    let fields = [
        builder().lease(Duration::ZERO).build(),
        builder().max_bytes(127).build(),
        builder().parts(0).build(),
        builder().heartbeat(Duration::MAX).build(),
    ];
    let fields = fields.map(|built| built.expect_err("it can't be").field().to_owned());
    assert_eq!(fields, ["lease", "max_bytes", "parts", "heartbeat"]);
}

#[test]
fn keys_are_read_as_they_are_written() {
    fn same<K: CacheKey + PartialEq + std::fmt::Debug>(key: K) {
        let mut text = String::new();
        key.write(&mut text);
        assert_eq!(K::read(&text), Some(key));
    }
    same(String::from("ключ {7}"));
    same::<Box<str>>("a".into());
    same::<Arc<str>>("".into());
    same(-7_i64);
    same(u128::MAX);
    assert_eq!(u8::read("256"), None);
}
