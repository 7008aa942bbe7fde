//! What instances hear, and that they know when they don't.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_cache::l2::{Ask, Ear, Heard, L2, Tag};
use seawall_redis::{CacheStore, Connection};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    One, SCHEMA, Saw, clear, connection, invalidate_tag, record, store,
    support::{PATIENCE, SLACK, Server, TIME, bounded, hurried, until, until_it_answers},
    tagged,
};

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
    let left = server.ask("DBSIZE") + &server.ask("EXISTS app:users:{0}:state");
    assert_eq!(left, ":1:1", "nothing stays of what is told");
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
async fn a_key_can_be_ended_from_outside() {
    let server = Server::start().await;
    let store = store(&server).await;
    let hearing = listening(&store).await;
    server.ask("SET app:users!{0}k0:7 x PX 1");

    until("it is heard", || hearing.all().contains(&Heard::Key(7)).then_some(())).await;
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
