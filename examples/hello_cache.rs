//! A cache in fifty lines: a crowd that asks for one key, a change, and a database that goes away.
//!
//! Run it with `cargo run --example hello_cache`.

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use futures_util::future::join_all;
use seawall::{BoxError, prelude::*};

static IS_AWAY: AtomicBool = AtomicBool::new(false);
static QUERIES: AtomicU32 = AtomicU32::new(0);

/// A query that takes ten milliseconds.
async fn query(user: u32) -> Result<String, io::Error> {
    let query = QUERIES.fetch_add(1, Relaxed) + 1;
    tokio::time::sleep(Duration::from_millis(10)).await;
    match IS_AWAY.load(Relaxed) {
        true => Err(io::Error::other("connection refused")),
        false => Ok(format!("user {user}, as query {query} found it")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let users = Cache::builder("users")
        .capacity(100_000)
        .ttl(Duration::from_millis(50))
        .stale_if_error(Duration::from_secs(60))
        .on_event(|event| println!("    [{}] {:?}", event.name, event.turn))
        .build()?;

    let crowd = join_all((0..1_000).map(|_| users.get_or_load(&42, || query(42)))).await;
    println!("{} callers, {} query", crowd.iter().flatten().count(), QUERIES.load(Relaxed));

    users.invalidate(&42).await?; // it was changed: nobody who asks from now on gets what was
    println!("{}", users.get_or_load(&42, || query(42)).await?);

    IS_AWAY.store(true, Relaxed);
    tokio::time::sleep(Duration::from_millis(60)).await;
    println!("{}, while the database is away", users.get_or_load(&42, || query(42)).await?);

    println!("{:?}", users.snapshot().counters);
    Ok(())
}
