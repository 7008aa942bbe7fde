//! How many of a key are leased.

use seawall_core::Priority;

use crate::{
    conformance::{
        stand::{Job, job, retry, well},
        suite::Bench,
    },
    job::{Cancelled, State, Verdict},
    storage::{Look, Room, Settings, Storage},
};

fn of(key: &str, name: &str) -> Job {
    job(name).key(key)
}

pub(super) async fn a_key_has_its_limit<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(100).key_limit(2)).await;
    for name in ["1", "2", "3", "4", "5"] {
        stand.push(of("k", name)).await;
    }

    let held = stand.claim(10).await;
    assert_eq!(held.len(), 2);
    assert_eq!(stand.names(10).await, [""; 0]);

    stand.settle(held[0].lease, Verdict::DONE).await;
    assert_eq!(stand.names(10).await, ["3"]);
    // One that is put off is not leased.
    stand.settle(held[1].lease, retry(100)).await;
    assert_eq!(stand.names(10).await, ["4"]);
    assert_eq!(stand.names(10).await, [""; 0]);
}

pub(super) async fn a_key_holds_up_no_other<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(5_000).key_limit(1)).await;
    for _ in 0..3 {
        let crowd = vec![of("crowd", "crowd"); 1_000];
        stand.enqueue(crowd, Room::Refuse).await;
    }
    stand.push(of("k", "k")).await;
    stand.push(job("nobody's")).await;

    // A storage may look at a bounded number of jobs in a call; it must get there.
    let mut names = Vec::new();
    for _ in 0..20 {
        names.extend(stand.names(10).await);
    }

    assert_eq!(names, ["crowd", "k", "nobody's"]);
}

/// After its lease, and one sweep.
pub(super) async fn a_dead_workers_share_of_a_key_comes_back<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(100).key_limit(1)).await;
    stand.push(of("k", "a")).await;
    stand.push(of("k", "b")).await;
    stand.only().await;

    stand.pass(29);
    assert_eq!(stand.names(10).await, [""; 0]);
    stand.pass(1);
    assert_eq!(stand.names(10).await, ["b"], "what crashed goes behind");
}

pub(super) async fn the_most_important_of_a_key_is_next<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(100).key_limit(1)).await;
    for name in ["a", "b", "c", "d"] {
        stand.push(of("k", name)).await;
    }
    let first = stand.only().await;
    assert_eq!(stand.names(10).await, [""; 0]);
    stand.push(of("k", "urgent").priority(Priority::HIGH)).await;
    assert_eq!(stand.names(10).await, [""; 0]);
    let ready = Look::In { state: State::Ready, limit: 10, before: None };
    let ids = well(stand.storage.inspect(ready).await);
    assert_eq!(ids.len(), 4, "what its key holds up is ready");

    stand.settle(first.lease, Verdict::DONE).await;
    let urgent = stand.only().await;
    assert_eq!(urgent.payload, b"urgent");

    // One goes whom its key holds up, and one whose turn had come: the next one takes it.
    let cancel = async |name: &[u8]| {
        let info = ids.iter().find(|info| info.payload.as_deref() == Some(name));
        let id = info.expect("it waits").id;
        assert_eq!(well(stand.storage.cancel(vec![id]).await), [Cancelled::Now]);
    };
    cancel(b"b").await;
    stand.settle(urgent.lease, Verdict::DONE).await;
    cancel(b"c").await;
    assert_eq!(stand.names(10).await, ["d"]);
}
