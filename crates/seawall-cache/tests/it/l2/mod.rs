//! The promises between instances: two caches over one second level, with everything that can happen to it.
//!
//! Time is paused: what waits, waits by the runtime's clock, which goes on when all tasks wait.

#![cfg(feature = "tokio")]

mod away;
mod between;
mod faulty;
mod races;
mod table;

use std::{
    future::ready,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_cache::{Cache, CacheBuilder, Clock, Loaded, Turn, l2::Memory};
use seawall_core::sync::Mutex;
use tokio::time::{Instant, sleep};

use self::faulty::{Fault, Hand, faulty};

type Users = Cache<u32, u32, io::Error>;
type Turns = Arc<Mutex<Vec<Turn>>>;

const LEASE: Duration = Duration::from_secs(3);
const TTL: Duration = Duration::from_secs(60);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn between() -> Memory<u32, u32> {
    Memory::with_clock(LEASE, Clock::tokio())
}

fn builder() -> CacheBuilder<u32, u32, io::Error> {
    Cache::builder("users").clock(Clock::tokio()).ttl(TTL).seed(7)
}

/// An instance that hears, what happens to its second level, and what it tells.
async fn instance(between: &Memory<u32, u32>) -> (Users, Hand, Turns) {
    instance_of(builder(), between).await
}

async fn instance_of(
    builder: CacheBuilder<u32, u32, io::Error>,
    between: &Memory<u32, u32>,
) -> (Users, Hand, Turns) {
    let (store, hand) = faulty(between, 7);
    let turns = Turns::default();
    let told = turns.clone();
    let users =
        builder.on_event(move |event| told.lock().push(event.turn)).l2(store).build().unwrap();
    // The first call that asks begins to listen.
    assert_eq!(loads(&users, u32::MAX, 0).await, 0);
    users.invalidate(&u32::MAX).await.unwrap();
    sleep(millis(1)).await;
    assert!(has(&turns, Turn::Listening));
    (users, hand, turns)
}

fn has(turns: &Turns, turn: Turn) -> bool {
    turns.lock().contains(&turn)
}

/// What `key` is, where a load gives `value`.
async fn loads(users: &Users, key: u32, value: u32) -> u32 {
    users.get_or_load(&key, move || ready(Ok::<_, io::Error>(value))).await.unwrap()
}

fn count(users: &Users, name: &str) -> u64 {
    users.snapshot().counters[name]
}

/// A gauge that counts.
fn gauge(users: &Users, name: &str) -> u64 {
    users.snapshot().gauges[name] as u64
}
