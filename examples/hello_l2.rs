//! Two instances of a service share a cache in Redis: what one loads the other has, what one ends the other
//! drops, and nobody waits for a Redis that is gone.
//!
//! Run it with `cargo run --example hello_l2`. It starts a `redis-server` of its own.

#[path = "sharded_redis/server.rs"]
mod server;

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use seawall::{BoxError, prelude::*};
use seawall_redis::{Connection, SchemaId};
use tokio::time::{Instant, sleep, timeout};

use crate::server::Server;

static QUERIES: AtomicU32 = AtomicU32::new(0);

/// A query that takes ten milliseconds.
async fn query(user: u32) -> Result<String, io::Error> {
    let query = QUERIES.fetch_add(1, Relaxed) + 1;
    sleep(Duration::from_millis(10)).await;
    Ok(format!("user {user}, as query {query} found it"))
}

type Users = Cache<u32, String, io::Error>;

/// What each instance builds when it starts, in a process of its own.
fn instance(name: &'static str, server: &Server) -> Result<Users, BoxError> {
    let url = format!("redis://127.0.0.1:{}", server.port());
    let redis = Connection::builder(name).url(url).build()?;
    let users = Cache::builder(name)
        .ttl(Duration::from_secs(60))
        .l2(redis.cache_store("app:users", SchemaId(1)))
        .on_event(|event| println!("    [{}] {:?}", event.name, event.turn))
        .build()?;
    Ok(users)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let mut server = Server::start().await?;
    let (one, two) = (instance("one", &server)?, instance("two", &server)?);

    println!("one: {}", one.get_or_load(&42, || query(42)).await?);
    println!("two: {}", two.get_or_load(&42, || query(42)).await?); // it asks Redis, and no database

    one.invalidate(&42).await?; // it was changed
    timeout(Duration::from_secs(10), dropped(&two)).await?; // two has heard of it
    println!("two: {}", two.get_or_load(&42, || query(42)).await?);
    println!("one: {}", one.get_or_load(&42, || query(42)).await?);

    server.kill()?;
    let began = Instant::now();
    println!("two: {}", two.get_or_load(&7, || query(7)).await?); // it asks the database
    println!("after {:?}, without Redis", began.elapsed());
    Ok(())
}

async fn dropped(users: &Users) {
    while users.get(&42).is_some() {
        sleep(Duration::from_millis(1)).await;
    }
}
