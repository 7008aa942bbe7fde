//! The second level of a cache on a private server: its table, its bounds, and what it hears.

#![cfg(feature = "cache")]

mod support;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use parking_lot::Mutex;
use seawall_cache::l2::{Ask, Ear, Fill, Heard, L2, Lease, Life, Look, Record, Tag};
use seawall_redis::{
    CacheStore, CacheStoreBuilder, Command, Connection, SchemaId,
    cache::{CacheKey, Codec},
};
use tokio::{task::JoinHandle, time::Instant};

use crate::support::{PATIENCE, SLACK, Server, TIME, bounded, hurried, until, until_it_answers};

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

// The table of `seawall_cache::l2`, row by row.

#[tokio::test]
async fn one_loads_and_all_have_it() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let (a, b) = (One(&a, 7), One(&b, 7));

    let lease = a.lease().await;
    assert_eq!((b.look().await, b.renew().await), (Saw::Busy, Saw::Busy));
    assert!(a.fill(lease, record("Ada")).await);
    assert_eq!((a.look().await, b.look().await), (hit("Ada"), hit("Ada")));

    assert!(!a.fill(lease, record("late")).await, "it has ended");
    assert_eq!(b.look().await, hit("Ada"));
}

#[tokio::test]
async fn what_is_stale_or_renewed_is_loaded_by_one_while_all_have_it() {
    let server = Server::start().await;
    let store = store(&server).await;
    for (key, record) in [(1, stale("old")), (2, record("old"))] {
        let key = One(&store, key);
        let was_fresh = !record.life.fresh.is_zero();
        key.have(record).await;
        if !was_fresh {
            let lease = key.lease().await;
            assert_eq!(key.look().await, Saw::Stale(Some("old".into()), false));
            key.release(lease).await;
        }

        let lease = key.lease().await;
        assert_eq!(key.renew().await, Saw::Stale(Some("old".into()), false));
        if was_fresh {
            assert_eq!(key.look().await, hit("old"), "those who don't renew needn't");
        }
        key.release(lease).await;
        assert!(!key.fill(lease, self::record("late")).await, "it was given back");

        let lease = key.lease().await;
        assert!(key.fill(lease, self::record("new")).await);
        assert_eq!(key.look().await, hit("new"));
    }
}

#[tokio::test]
async fn nothing_is_filled_that_was_loaded_before_an_invalidation() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let (a, b) = (One(&a, 7), One(&b, 7));

    let lease = a.lease().await;
    b.invalidate().await;
    assert!(!a.fill(lease, record("old")).await);
    let lease = a.lease().await;
    clear(b.0).await;
    assert_eq!(b.look().await, Saw::Lease, "it ended");
    assert!(!a.fill(lease, record("old")).await);
    b.invalidate().await;

    a.have(record("new")).await;
    b.invalidate().await;
    assert_eq!(a.look().await, Saw::Lease);
}

#[tokio::test]
async fn a_tag_ends_what_is_there_and_what_is_being_loaded() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let keys = [One(&a, 0), One(&a, 1), One(&a, 2)];
    keys[0].have(tagged("there", "team")).await;
    keys[1].have(tagged("other", "house")).await;
    let lease = keys[2].lease().await;

    invalidate_tag(&b, "team").await;

    assert_eq!(keys[0].look().await, Saw::Lease);
    assert_eq!(keys[1].look().await, hit("other"));
    assert!(!keys[2].fill(lease, tagged("old", "team")).await);
    keys[2].have(tagged("new", "team")).await;
    assert_eq!(keys[2].look().await, hit("new"), "it was loaded after");
}

#[tokio::test]
async fn to_clear_ends_all_records_and_leases() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let other = connection(&server).await.cache_store("app:other", SCHEMA);
    One(&a, 1).have(tagged("there", "team")).await;
    One(&other, 1).have(record("theirs")).await;

    clear(&b).await;

    assert_eq!(One(&a, 1).look().await, Saw::Lease);
    assert_eq!(One(&other, 1).look().await, hit("theirs"));
}

// Times.

#[tokio::test]
async fn a_lease_whose_holder_died_ends_by_itself() {
    let server = Server::start().await;
    let time = Duration::from_millis(150);
    let stores = [(); 2].map(async |()| builder(&server).await.lease(time).build());
    let [a, b] = join_all(stores).await.try_into().expect("two");
    let (a, b) = (a.expect("sound"), b.expect("sound"));
    let (a, b) = (One(&a, 7), One(&b, 7));

    let began = Instant::now();
    let lost = a.lease().await;
    let lease = loop {
        match b.ask(Ask::Value).await {
            Look::Lease(lease) => break lease,
            other => assert_eq!(saw(other), Saw::Busy),
        }
        assert!(began.elapsed() < PATIENCE);
    };
    assert!(began.elapsed() >= time, "one at a time");

    assert!(!a.fill(lost, record("from the grave")).await);
    assert!(b.fill(lease, record("new")).await);
}

#[tokio::test]
async fn a_life_counts_from_the_lease_on() {
    let server = Server::start().await;
    let store = store(&server).await;
    let key = One(&store, 7);
    let lease = key.lease().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut short = record("short");
    (short.life.stale, short.life.error) = (HOUR * 2, Duration::MAX);
    assert!(key.fill(lease, short.clone()).await);

    let Look::Hit(found) = key.ask(Ask::Value).await else { panic!("it is fresh") };
    assert!(found.life.fresh <= HOUR - Duration::from_millis(50), "{:?}", found.life);
    assert!(found.life.fresh >= HOUR - PATIENCE, "{:?}", found.life);
    assert_eq!(found.life.stale, found.life.fresh + HOUR);
    assert_eq!((found.life.error, found.life.took), (Duration::MAX, short.life.took));
    assert_eq!(server.ask("PTTL app:users:{0}:v:7"), ":-1");

    let lease = key.lease().await;
    let soon = Duration::from_millis(100);
    (short.life.fresh, short.life.stale, short.life.error) = (soon, soon, soon);
    assert!(key.fill(lease, short).await);
    let end = Instant::now() + PATIENCE;
    while key.look().await != Saw::Lease {
        assert!(Instant::now() < end, "it never ended");
    }
    assert_eq!(server.ask("EXISTS app:users:{0}:v:7"), ":0", "and nothing is left of it");
}

// What can't be kept, or read.

#[tokio::test]
async fn what_another_schema_program_or_codec_left_is_nothing() {
    #[derive(Debug)]
    struct Broken;
    impl Codec<String> for Broken {
        const ID: u8 = 1; // it says that it is postcard
        fn encode(&self, _: &String, _: &mut Vec<u8>) -> Result<(), seawall_core::BoxError> {
            Err("it can't".into())
        }
        fn decode(&self, _: &[u8]) -> Result<String, seawall_core::BoxError> {
            Err("it can't".into())
        }
    }
    let server = Server::start().await;
    let redis = connection(&server).await;
    let set = async |name: &str, bytes: &[u8]| {
        redis.send(&Command::new("SET").arg(name).arg(bytes)).await.expect("it is up")
    };
    let name = "app:users:{0}:v:7";
    let (store, broken) =
        (store(&server).await, builder(&server).await.codec(Broken).build().expect("sound"));
    let one = One(&store, 7);
    one.have(tagged("Ada", "team")).await;
    let whole = redis.send(&Command::new("GET").arg(name)).await.expect("up").bytes();
    let whole = whole.expect("a string").expect("something");

    // Each place that can break; the state stays, so that all is as it was but for the bytes.
    for length in 0..whole.len() {
        set(name, &whole[..length]).await;
        let lease = one.lease().await;
        assert_eq!(one.look().await, Saw::Busy, "{length}");
        one.release(lease).await;
    }
    set(name, &[0xFF; 300]).await;
    assert_eq!(one.look().await, Saw::Lease);
    one.invalidate().await;
    server.ask(&format!("LPUSH {name} x"));
    one.have(record("over a list")).await;
    server.ask("LPUSH app:users:{0}:l:8 x");
    assert_eq!(One(&store, 8).look().await, Saw::Lease, "over a list");

    let other = connection(&server).await.cache_store("app:users", SchemaId(4));
    assert_eq!(One(&other, 7).look().await, Saw::Lease);
    one.invalidate().await;
    one.have(record("Ada")).await;
    let broken = One(&broken, 7);
    let lease = broken.lease().await;
    assert_eq!(broken.look().await, Saw::Busy, "one at a time, here too");
    assert!(broken.fill(lease, record("unwritable")).await, "the lease was held");
    assert_eq!(one.look().await, Saw::Lease, "what was there is no longer true");
    assert!(broken.0.snapshot().counters["unreadable"] >= 1);
    assert_eq!(broken.0.snapshot().counters["not_kept"], 1);
}

#[tokio::test]
async fn what_is_too_large_is_not_kept_nor_read() {
    let server = Server::start().await;
    let small = builder(&server).await.max_bytes(256).build().expect("sound");
    let large = store(&server).await;
    let (small, large) = (One(&small, 7), One(&large, 7));

    small.have(record(&"x".repeat(100))).await;
    assert_eq!(large.look().await, hit(&"x".repeat(100)));
    small.have(record(&"x".repeat(300))).await;
    assert_eq!(large.look().await, Saw::Lease, "nor what was there before");
    large.invalidate().await;
    large.have(record(&"x".repeat(300))).await;
    assert_eq!(small.look().await, Saw::Lease);
}

#[tokio::test]
async fn absences_and_odd_keys_are_kept_too() {
    let server = Server::start().await;
    let store = store(&server).await;
    let key = One(&store, 7);
    key.have(Record { value: None, ..record("") }).await;
    assert_eq!(key.look().await, Saw::Hit(None));

    let keys = ["", "7", "{", "a}b{c", "%", "ключ", &"long".repeat(100), &"long".repeat(101)];
    let keys = keys.map(str::to_owned);
    let looks = L2::<String, String>::look(&store, &keys, Ask::Value).await.expect("it is up");
    let leases: Vec<_> = looks.iter().map(|look| matches!(look, Look::Lease(_))).collect();
    assert_eq!(leases, [true, false, true, true, true, true, true, true], "7 is 7");
}

#[cfg(feature = "msgpack")]
#[tokio::test]
async fn two_versions_of_a_service_read_each_others_messagepack() {
    use seawall_redis::cache::MessagePack;
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Old {
        name: String,
    }
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct New {
        #[serde(default)]
        age: u32,
        name: String,
    }
    let server = Server::start().await;
    let store = builder(&server).await.codec(MessagePack).build().expect("sound");
    let Ok([Look::Lease(lease)]) =
        <[_; 1]>::try_from(L2::<u32, Old>::look(&store, &[7], Ask::Value).await.expect("it is up"))
    else {
        panic!("nothing is there")
    };
    let Record { life, tags, .. } = record("");
    let record = Record { value: Some(Old { name: "Ada".into() }), life, tags };
    assert!(store.fill(&[Fill { key: 7, lease, record }]).await.expect("it is up")[0]);

    let looks = L2::<u32, New>::look(&store, &[7], Ask::Value).await.expect("it is up");
    let [Look::Hit(Record { value: Some(New { age: 0, name }), .. })] = &looks[..] else {
        panic!("{looks:?}")
    };
    assert_eq!(name, "Ada");
}

// Batches and parts.

#[tokio::test]
async fn many_keys_over_many_parts_are_answered_in_their_order() {
    let server = Server::start().await;
    let stores = [1, 16].map(|parts| {
        let server = &server;
        async move {
            let prefix = format!("parts:{parts}");
            let builder = CacheStore::builder(connection(server).await, prefix, SCHEMA);
            builder.parts(parts).build().expect("sound")
        }
    });
    for store in join_all(stores).await {
        let keys: Vec<u32> = (0..300).collect();
        let looks = L2::<u32, String>::look(&store, &keys, Ask::Value).await.expect("it is up");
        let fills: Vec<_> = keys.iter().zip(looks).filter(|(key, _)| **key % 3 != 0).collect();
        let fills: Vec<_> = fills
            .into_iter()
            .map(|(&key, look)| match look {
                Look::Lease(lease) => {
                    Fill { key, lease, record: tagged(&key.to_string(), &format!("{}", key % 2)) }
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(store.fill(&fills).await.expect("it is up").iter().all(|&filled| filled));
        L2::<u32, String>::invalidate(&store, &[100, 101, 103]).await.expect("it is up");
        invalidate_tag(&store, "1").await;

        let looks = L2::<u32, String>::look(&store, &keys, Ask::Value).await.expect("it is up");
        for (key, look) in keys.into_iter().zip(looks) {
            let wanted = match key {
                _ if key % 3 == 0 => Saw::Busy,
                100 => Saw::Lease,
                _ if key % 2 == 1 => Saw::Lease,
                _ => hit(&key.to_string()),
            };
            assert_eq!(saw(look), wanted, "{key}");
        }
        clear(&store).await;
        assert_eq!(One(&store, 3).look().await, Saw::Lease);
    }
}

// What the server loses.

#[tokio::test]
async fn a_store_that_lost_its_state_has_lost_its_records_and_leases() {
    let server = Server::start().await;
    let store = store(&server).await;
    let (there, loading) = (One(&store, 1), One(&store, 2));
    there.have(tagged("there", "team")).await;
    invalidate_tag(&store, "team").await;
    let lease = loading.lease().await;

    server.ask("DEL app:users:{0}:state");

    assert_eq!(there.look().await, Saw::Lease, "its tag is forgotten, and it is not back");
    assert!(!loading.fill(lease, record("old")).await);
}

#[tokio::test]
async fn what_ends_something_is_done_where_memory_is_short() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let heard = listening(&b).await;
    One(&a, 1).have(record("old")).await;
    One(&a, 2).have(tagged("old", "team")).await;
    server.ask("CONFIG SET maxmemory 1");

    One(&a, 1).invalidate().await;
    invalidate_tag(&a, "team").await;
    clear(&a).await;
    until("all is heard", || (heard.all().len() >= 4).then_some(())).await;
    assert_eq!(
        heard.all(),
        [Heard::Listening, Heard::Key(1), Heard::Tag(Tag::of("team")), Heard::All]
    );
    let lost =
        L2::<u32, String>::look(&a, &[1], Ask::Value).await.expect_err("no room for a lease");
    assert!(lost.is_outage(), "{lost:?}");
    server.ask("CONFIG SET maxmemory 0");
    assert_eq!(One(&a, 1).look().await, Saw::Lease);
    assert_eq!(One(&a, 2).look().await, Saw::Lease);
}

// What is heard.

struct Hearing {
    heard: Arc<Mutex<Vec<Heard<u32>>>>,
    task: JoinHandle<()>,
}

impl Hearing {
    fn of(store: &CacheStore) -> Self {
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let ear = heard.clone();
        let store: CacheStore = store.clone();
        let ear = Ear::new(move |said| ear.lock().push(said));
        let task = tokio::spawn(async move { L2::<u32, String>::listen(&store, ear).await });
        Self { heard, task }
    }

    fn all(&self) -> Vec<Heard<u32>> {
        self.heard.lock().clone()
    }

    async fn until_last(&self, what: &Heard<u32>) {
        until(&format!("{what:?} is heard"), || {
            (self.heard.lock().last() == Some(what)).then_some(())
        })
        .await;
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listening(store: &CacheStore) -> Hearing {
    let hearing = Hearing::of(store);
    hearing.until_last(&Heard::Listening).await;
    hearing
}

#[tokio::test]
async fn others_hear_what_was_ended_and_nothing_else() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let (by_a, by_b) = (listening(&a).await, listening(&b).await);
    let other = connection(&server).await.cache_store("app:users!", SCHEMA);

    let key = One(&a, 7);
    key.have(record("Ada")).await;
    key.invalidate().await; // of a lease, a record, and nothing
    let lease = key.lease().await;
    key.release(lease).await;
    One(&a, 8).invalidate().await;
    invalidate_tag(&a, "team").await;
    One(&other, 9).invalidate().await;
    clear(&a).await;

    by_b.until_last(&Heard::All).await;
    assert_eq!(
        by_b.all(),
        [Heard::Listening, Heard::Key(7), Heard::Key(8), Heard::Tag(Tag::of("team")), Heard::All]
    );
    // What b tells comes after what a told.
    One(&b, 1).invalidate().await;
    by_a.until_last(&Heard::Key(1)).await;
    assert_eq!(by_a.all(), [Heard::Listening, Heard::Key(1)], "nothing of its own");
    let mut left = server.ask("DBSIZE");
    for cache in ["app:users", "app:users!"] {
        left += &server.ask(&format!("EXISTS {cache}:{{0}}:state"));
    }
    assert_eq!(left, ":2:1:1", "nothing stays of what is told");
}

#[tokio::test]
async fn what_is_heard_is_done() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let hearing = listening(&b).await;
    for round in 1..=50 {
        One(&a, 7).have(record("old")).await;
        let key = One(&a, 7);
        let invalidated = key.invalidate();
        let heard = async {
            until("it is heard", || (hearing.heard.lock().len() > round).then_some(())).await;
            One(&b, 7).look().await
        };
        let ((), found) = tokio::join!(invalidated, heard);
        assert_eq!(found, Saw::Lease);
        One(&b, 7).invalidate().await;
    }
}

#[tokio::test]
async fn a_flush_is_heard_as_all() {
    let server = Server::start().await;
    let store = store(&server).await;
    let hearing = listening(&store).await;
    One(&store, 7).have(record("Ada")).await;
    server.ask("FLUSHALL");

    hearing.until_last(&Heard::All).await;
    assert_eq!(One(&store, 7).look().await, Saw::Lease);
}

#[tokio::test]
async fn a_name_that_cannot_be_read_is_heard_as_all() {
    let server = Server::start().await;
    let store = store(&server).await;
    let hearing = listening(&store).await;
    server.ask("SET app:users!{0}something 1");

    hearing.until_last(&Heard::All).await;
}

#[tokio::test]
async fn a_gap_is_told_before_anything_after_it() {
    let mut server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let hearing = listening(&b).await;

    server.ask("CLIENT KILL TYPE normal SKIPME yes");
    until("it listens again", || (hearing.all().len() >= 3).then_some(())).await;
    server.kill();
    hearing.until_last(&Heard::Deaf).await;
    server.restart().await;
    hearing.until_last(&Heard::Listening).await;
    until_it_answers(&connection(&server).await).await;
    let end = Instant::now() + PATIENCE;
    while L2::<u32, String>::invalidate(&a, &[7]).await.is_err() {
        assert!(Instant::now() < end, "it did not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    until("it is heard", || hearing.all().contains(&Heard::Key(7)).then_some(())).await;

    let mut gaps = hearing.all();
    gaps.retain(|heard| *heard != Heard::Key(7));
    let (on, off) = (Heard::Listening, Heard::Deaf);
    assert_eq!(gaps, [on.clone(), off.clone(), on.clone(), off, on]);
    assert_eq!(b.snapshot().counters["gaps"], 2);
    assert_eq!(b.snapshot().state, "listening");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_noticed() {
    let server = Server::start().await;
    let connection = hurried("cache", &server).build().expect("sound");
    let store = CacheStore::builder(connection, "app:users", SCHEMA)
        .heartbeat(Duration::from_millis(50))
        .build()
        .expect("sound");
    let hearing = listening(&store).await;

    let began = Instant::now();
    server.stop();
    hearing.until_last(&Heard::Deaf).await;
    let took = began.elapsed();
    server.go_on();

    assert!(took < Duration::from_millis(50) + TIME + SLACK, "{took:?}");
    hearing.until_last(&Heard::Listening).await;
}

#[tokio::test]
async fn a_call_that_was_given_up_is_news_to_who_made_it() {
    let server = Server::start().await;
    let connection = hurried("cache", &server).build().expect("sound");
    until_it_answers(&connection).await;
    // Its heart beats so slowly that it does not notice, and the connection holds.
    let store = CacheStore::builder(connection, "app:users", SCHEMA)
        .heartbeat(Duration::from_secs(60))
        .build()
        .expect("sound");
    let hearing = listening(&store).await;
    One(&store, 1).invalidate().await; // the server knows the script

    server.stop();
    let given_up = bounded(L2::<u32, String>::invalidate(&store, &[7])).await;
    given_up.expect_err("it says nothing");
    server.go_on();

    hearing.until_last(&Heard::Key(7)).await;
}

#[tokio::test]
async fn nobody_listens_where_the_protocol_has_no_ear_for_it() {
    let server = Server::start().await;
    let url = format!("{}?protocol=resp2", server.url());
    let connection = Connection::builder("old").url(url).build().expect("sound");
    let hearing = Hearing::of(&connection.cache_store("app:users", SCHEMA));

    until("it gives up", || hearing.task.is_finished().then_some(())).await;
    assert_eq!(hearing.all(), []);
}

// Settings.

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
