//! Several instances of a service, each with its cache, on one server that is now and then not there.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use seawall_cache::{Cache, Loaded, l2::L2};
use seawall_core::Chance;
use seawall_redis::{CacheStore, Command};
use tokio::time::{Instant, sleep};

use crate::{
    HOUR, One, SCHEMA, connection, hit,
    support::{PATIENCE, SLACK, Server, TIME, bounded, hurried, until, until_it_answers},
};

type Users = Cache<u32, String, Infallible>;

/// For how long what can't be vouched for is fresh.
const GUTTER: Duration = Duration::from_millis(100);

/// An instance, which listens, and waits for the server for as long as a busy machine may need.
async fn instance(server: &Server) -> Users {
    let store = connection(server).await.cache_store("app:users", SCHEMA);
    instance_on(store, PATIENCE).await
}

/// One that does not wait for long, and notices soon that nothing is said.
async fn hurried_instance(server: &Server) -> Users {
    let connection = hurried("cache", server).build().expect("sound");
    let store = CacheStore::builder(connection, "app:users", SCHEMA);
    let store = store.heartbeat(Duration::from_millis(50)).build().expect("sound");
    instance_on(store, TIME).await
}

async fn instance_on(store: CacheStore, timeout: Duration) -> Users {
    let seen = store.clone();
    let cache = Cache::builder("users").ttl(HOUR).l2_timeout(timeout).l2_gutter_ttl(GUTTER);
    let cache: Users = cache.l2(store).build().expect("sound");
    cache.get_or_load(&u32::MAX, async || Ok("the first call".to_owned())).await.expect("loaded");
    until("it listens", || (seen.snapshot().state == "listening").then_some(())).await;
    cache
}

/// A database with one row, which counts how often it is asked.
#[derive(Clone, Default)]
struct Source(Arc<(AtomicU64, AtomicU32)>);

impl Source {
    fn write(&self, version: u64) {
        self.0.0.store(version, SeqCst);
    }

    fn version(&self) -> String {
        self.0.0.load(SeqCst).to_string()
    }

    fn queries(&self) -> u32 {
        self.0.1.load(SeqCst)
    }

    async fn read(&self, cache: &Users, key: u32) -> String {
        let source = self.clone();
        let load = async move || {
            source.0.1.fetch_add(1, SeqCst);
            Ok(source.version())
        };
        bounded(cache.get_or_load(&key, load)).await.expect("it is never away")
    }

    /// Reads until it is the newest; there may be a moment in which an instance has not heard yet.
    async fn read_newest(&self, cache: &Users, key: u32) {
        let end = Instant::now() + PATIENCE;
        while self.read(cache, key).await != self.version() {
            assert!(Instant::now() < end, "it stays what it was");
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_fleet_loads_a_key_once() {
    let server = Server::start().await;
    let fleet = join_all((0..3).map(|_| instance(&server))).await;
    let queries = Arc::new(AtomicU32::new(0));
    let callers = (0..300).map(|caller| {
        let (cache, queries) = (fleet[caller % 3].clone(), queries.clone());
        async move {
            let load = async move || {
                queries.fetch_add(1, SeqCst);
                sleep(Duration::from_millis(30)).await;
                Ok("Ada".to_owned())
            };
            cache.get_or_load(&7, load).await
        }
    });

    let answers = join_all(callers).await;

    assert!(answers.iter().all(|answer| answer.as_deref().ok() == Some("Ada")));
    assert_eq!(queries.load(SeqCst), 1);
}

#[tokio::test]
async fn what_one_ends_all_drop() {
    let server = Server::start().await;
    let (a, b) = (instance(&server).await, instance(&server).await);
    let source = Source::default();
    let gone =
        async |key: u32| until("it is dropped", || b.get(&key).is_none().then_some(())).await;

    for key in [1, 2, 3] {
        source.read(&b, key).await;
    }
    a.invalidate(&1).await.expect("it is up");
    gone(1).await;
    a.write_through(2, "new".to_owned(), async || Ok::<_, Infallible>(())).await.expect("written");
    gone(2).await;
    assert_eq!(a.get(&2).as_deref(), Some("new"), "what it told others it did not tell itself");
    assert!(b.get(&3).is_some(), "and nothing else");
    a.clear().await.expect("it is up");
    gone(3).await;

    let tagged = async || Ok(Loaded::new("one".to_owned()).tags(["team"]));
    b.get_or_load(&4, tagged).await.expect("loaded");
    source.read(&b, 5).await;
    a.invalidate_tag("team").await.expect("it is up");
    gone(4).await;
    assert!(b.get(&5).is_some(), "it has no tag");
    let queries = source.queries();
    source.read(&a, 5).await;
    assert_eq!(source.queries(), queries, "they share what one has loaded");
}

/// Readers and a writer of one key at random moments; how many rounds end with the old value, for good.
async fn race<R, I, S>(rounds: u64, read: R, end: I, settled: S) -> u64
where
    R: AsyncFn(u32, Source, Duration),
    I: AsyncFn(u32),
    S: AsyncFn(u32, Source) -> bool,
{
    let chance = Chance::seeded(rounds);
    let pause = || Duration::from_micros(chance.uniform(0, 30_000));
    let round = async |key: u32| {
        let source = Source::default();
        let readers = join_all((0..4).map(async |_| {
            sleep(pause()).await;
            read(key, source.clone(), pause()).await;
        }));
        let writer = async {
            sleep(pause()).await;
            source.write(1);
            end(key).await;
        };
        tokio::join!(readers, writer);
        u64::from(!settled(key, source).await)
    };
    let mut stale = 0;
    for batch in 0..rounds / 50 {
        let keys = (0..50).map(|key| (batch * 50 + key) as u32);
        stale += join_all(keys.map(&round)).await.iter().sum::<u64>();
    }
    stale
}

#[tokio::test]
async fn without_leases_an_old_value_stays_in_many_rounds() {
    let server = Server::start().await;
    let redis = connection(&server).await;
    let text = async |command: Command| {
        let reply = redis.send(&command).await.expect("it is up");
        reply.bytes().expect("a string").map(|bytes| String::from_utf8(bytes).expect("digits"))
    };
    let get = |key: u32| Command::new("GET").arg(i64::from(key));

    let stale = race(
        200,
        async |key, source, pause| {
            if text(get(key)).await.is_none() {
                let loaded = source.version();
                sleep(pause).await;
                text(Command::new("SET").arg(i64::from(key)).arg(&loaded)).await;
            }
        },
        async |key| {
            redis.send(&Command::new("DEL").arg(i64::from(key))).await.expect("it is up");
        },
        async |key, source| text(get(key)).await.is_none_or(|kept| kept == source.version()),
    )
    .await;

    assert!(stale > 0, "the race is none: {stale}");
}

#[tokio::test]
async fn with_leases_it_stays_in_none() {
    let server = Server::start().await;
    let fleet = join_all((0..3).map(|_| instance(&server))).await;
    let store = connection(&server).await.cache_store("app:users", SCHEMA);
    let load = |source: Source, pause| {
        async move || {
            let loaded = source.version();
            sleep(pause).await;
            Ok(loaded)
        }
    };
    let chance = Chance::seeded(7);

    let stale = race(
        400,
        async |key, source, pause| {
            let reader = &fleet[chance.uniform(0, 1) as usize];
            reader.get_or_load(&key, load(source, pause)).await.expect("it is never away");
        },
        async |key| {
            fleet[2].invalidate(&key).await.expect("it is up");
        },
        async |key, source| {
            for cache in &fleet {
                let end = Instant::now() + SLACK;
                // What it has not heard yet, it hears.
                while *cache
                    .get_or_load(&key, load(source.clone(), Duration::ZERO))
                    .await
                    .expect("up")
                    != source.version()
                {
                    if Instant::now() > end {
                        return false;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            }
            One(&store, key).look().await != hit("0")
        },
    )
    .await;

    assert_eq!(stale, 0);
    let refused =
        fleet.iter().map(|cache| cache.snapshot().counters["l2_fills_refused"]).sum::<u64>();
    assert!(refused > 0, "the race is none");
}

#[tokio::test]
async fn a_gap_ends_what_may_have_been_missed() {
    let server = Server::start().await;
    let (a, b) = (hurried_instance(&server).await, hurried_instance(&server).await);
    let source = Source::default();
    source.read(&b, 7).await;

    // The row changes while b hears nothing.
    server.stop();
    source.write(1);
    a.invalidate(&7).await.expect_err("it can't be told");
    assert_eq!(source.read(&a, 7).await, "1", "who writes sees it");
    server.go_on();
    source.read_newest(&b, 7).await;

    source.read(&b, 8).await;
    server.ask("CLIENT KILL TYPE normal SKIPME yes");
    until("it is nothing any more", || b.get(&8).is_none().then_some(())).await;
}

#[tokio::test]
async fn a_server_that_stands_still_costs_a_bounded_time_and_then_none() {
    let server = Server::start().await;
    let cache = hurried_instance(&server).await;
    let source = Source::default();
    source.read(&cache, 0).await;

    server.stop();
    let began = Instant::now();
    join_all((1..=50).map(|key| source.read(&cache, key))).await;
    assert!(began.elapsed() < TIME + SLACK, "none waits for the others' waits");
    let skips = |cache: &Users| cache.snapshot().counters["l2_skipped"];
    let before = skips(&cache);
    for key in 51..=100 {
        source.read(&cache, key).await;
    }
    assert!(skips(&cache) - before > 40, "it is not even asked");
    // What is kept is not trusted for long, for nobody would tell.
    until("it is old", || cache.get(&0).is_none().then_some(())).await;
    server.go_on();

    let end = Instant::now() + PATIENCE;
    let is_away = || cache.snapshot().gauges["l2_away"] > 0.0;
    for key in (200..).take_while(|_| is_away()) {
        assert!(Instant::now() < end, "it is never asked again");
        source.read(&cache, key).await;
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_server_that_was_killed_and_is_back_empty_brings_nothing_back() {
    let mut server = Server::start().await;
    let (a, b) = (instance(&server).await, instance(&server).await);
    let source = Source::default();
    for key in 0..5 {
        source.read(&a, key).await;
        source.read(&b, key).await;
    }

    server.kill();
    source.write(1);
    for key in 0..5 {
        a.invalidate(&key).await.expect_err("it can't be told");
        assert_eq!(source.read(&a, key).await, "1");
    }
    server.restart().await;

    for key in 0..5 {
        assert_eq!(source.read(&a, key).await, "1", "who wrote never sees the old again");
        source.read_newest(&b, key).await;
    }
    let queries = source.queries();
    for key in 100..105 {
        source.read_newest(&b, key).await;
    }
    until_it_answers(&connection(&server).await).await;
    assert!(source.queries() > queries);
    source.write(2);
    let end = Instant::now() + PATIENCE;
    while a.invalidate(&0).await.is_err() {
        assert!(Instant::now() < end, "it did not come back");
        sleep(Duration::from_millis(1)).await;
    }
    source.read_newest(&b, 0).await;
}

#[tokio::test]
async fn a_flush_ends_all_copies() {
    let server = Server::start().await;
    let (a, b) = (instance(&server).await, instance(&server).await);
    let source = Source::default();
    source.read(&a, 7).await;
    source.read(&b, 7).await;

    source.write(1);
    server.ask("FLUSHALL");

    source.read_newest(&a, 7).await;
    source.read_newest(&b, 7).await;
}

#[tokio::test]
async fn a_holder_that_died_keeps_nobody_waiting_for_long() {
    let server = Server::start().await;
    let dead = connection(&server).await.cache_store("app:users", SCHEMA);
    let cache = instance(&server).await;
    let source = Source::default();
    One(&dead, 7).lease().await; // and is never heard of again

    let began = Instant::now();
    assert_eq!(source.read(&cache, 7).await, "0");
    assert!(began.elapsed() < SLACK, "not for a lease");
    L2::<u32, String>::clear(&dead).await.expect("it is up");
}
