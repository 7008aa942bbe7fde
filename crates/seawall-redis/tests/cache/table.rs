//! The table of `seawall_cache::l2`, and times, batches and parts.

use std::time::Duration;

use futures_util::future::join_all;
use seawall_cache::l2::{Ask, Fill, L2, Look};
use seawall_redis::CacheStore;
use tokio::time::Instant;

use crate::{
    HOUR, One, SCHEMA, Saw, builder, clear, connection, hit, invalidate_tag, record, saw, stale,
    store,
    support::{PATIENCE, Server},
    tagged,
};

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
async fn who_comes_late_gives_back_nothing_of_anothers() {
    let server = Server::start().await;
    let (a, b) = (store(&server).await, store(&server).await);
    let (a, b) = (One(&a, 7), One(&b, 7));
    let late = a.lease().await;
    b.invalidate().await;
    let lease = b.lease().await;

    a.release(late).await;

    assert_eq!(a.look().await, Saw::Busy);
    assert!(b.fill(lease, record("new")).await);
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
