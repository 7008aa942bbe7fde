//! `Memory`, by the table of the page of `l2`.

use seawall_cache::l2::{Ask, Fill, L2, Lease, Life, Look, Record, Tag};

use super::*;

fn record(value: u32, fresh: u64) -> Record<u32> {
    let fresh = millis(fresh);
    let life = Life { fresh, stale: 2 * fresh, error: 3 * fresh, took: millis(1) };
    Record { value: Some(value), life, tags: vec![Tag::of("team")] }
}

async fn look(store: &Memory<u32, u32>, ask: Ask) -> Look<u32> {
    store.look(&[7], ask).await.unwrap().remove(0)
}

async fn fill(store: &Memory<u32, u32>, lease: Lease, record: Record<u32>) -> bool {
    store.fill(&[Fill { key: 7, lease, record }]).await.unwrap()[0]
}

async fn lease(store: &Memory<u32, u32>, ask: Ask) -> Lease {
    match look(store, ask).await {
        Look::Lease(lease) | Look::Stale(_, Some(lease)) => lease,
        other => panic!("no lease, but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_has_a_record_a_lease_both_or_nothing() {
    let store = between();

    let first = lease(&store, Ask::Value).await;
    assert_eq!(look(&store, Ask::Value).await, Look::Busy);
    assert!(fill(&store, first, record(1, 100)).await);
    assert!(!fill(&store, first, record(2, 100)).await, "the lease has ended");
    assert_eq!(look(&store, Ask::Value).await, Look::Hit(record(1, 100)));

    let renewal = lease(&store, Ask::Renewal).await;
    assert_eq!(look(&store, Ask::Renewal).await, Look::Stale(record(1, 100), None));
    assert_eq!(look(&store, Ask::Value).await, Look::Hit(record(1, 100)));
    store.release(&[(7, first)]).await.unwrap();
    assert_eq!(look(&store, Ask::Renewal).await, Look::Stale(record(1, 100), None), "of another");
    store.release(&[(7, renewal)]).await.unwrap();
    assert_ne!(lease(&store, Ask::Renewal).await, renewal);

    sleep(millis(150)).await;
    let Look::Stale(old, None) = look(&store, Ask::Value).await else { panic!("it is stale") };
    assert_eq!(
        (old.life.fresh, old.life.stale, old.life.error),
        (millis(0), millis(50), millis(150))
    );
    sleep(millis(151)).await;
    assert_eq!(look(&store, Ask::Value).await, Look::Busy, "it has ended");
    sleep(LEASE).await;
    assert!(matches!(look(&store, Ask::Value).await, Look::Lease(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_filled_that_began_before_an_invalidation() {
    let store = between();
    let before = lease(&store, Ask::Value).await;
    store.invalidate(&[7]).await.unwrap();
    assert!(!fill(&store, before, record(1, 100)).await);

    let before = lease(&store, Ask::Value).await;
    store.invalidate_tags(&[Tag::of("team")]).await.unwrap();
    assert!(!fill(&store, before, record(1, 100)).await);
    let untagged = Record { tags: Vec::new(), ..record(1, 100) };
    assert!(fill(&store, before, untagged).await, "it has another tag");
    store.clear().await.unwrap();

    let before = lease(&store, Ask::Value).await;
    store.clear().await.unwrap();
    assert!(!fill(&store, before, record(1, 100)).await);

    let before = lease(&store, Ask::Value).await;
    store.flush();
    assert!(!fill(&store, before, record(1, 100)).await);

    let after = lease(&store, Ask::Value).await;
    assert!(fill(&store, after, record(2, 100)).await);
    store.invalidate_tags(&[Tag::of("team")]).await.unwrap();
    assert!(matches!(look(&store, Ask::Value).await, Look::Lease(_)));
}

#[test]
fn a_tag_is_the_same_everywhere() {
    assert_eq!(Tag::of("team:7"), Tag(3_013_788_062_736_478_724));
    assert_ne!(Tag::of("team:7"), Tag::of("team:8"));
}
