//! What can't be kept or read, and what the server lost.

use seawall_cache::l2::{Ask, Fill, L2, Look, Record};
use seawall_redis::{Command, SchemaId, cache::Codec};

use crate::{
    One, Saw, builder, connection, hit, invalidate_tag, record, store, support::Server, tagged,
};

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
    let Look::Lease(lease) = broken.ask(Ask::Value).await else { panic!("it is to be loaded") };
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

    small.invalidate().await;
    let lease = small.lease().await;
    invalidate_tag(large.0, "team").await;
    let refused = !small.fill(lease, tagged(&"x".repeat(300), "team")).await;
    assert!(refused, "its tags count all the same");
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
