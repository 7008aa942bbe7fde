//! Whose turn it is.

use std::time::Duration;

use seawall_core::Priority;

use crate::{
    conformance::{
        stand::{LEASE, job, retry, well},
        suite::Bench,
    },
    job::{Settled, State},
    storage::{Claim, Room, Storage},
};

pub(super) async fn first_come_first_served<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.enqueue(vec![job("a"), job("b")], Room::Refuse).await;
    stand.pass(1);
    stand.push(job("c")).await;

    assert_eq!(stand.names(2).await, ["a", "b"]);
    stand.push(job("d")).await;
    assert_eq!(stand.names(2).await, ["c", "d"]);
}

pub(super) async fn the_important_go_first<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("low").priority(Priority::LOW)).await;
    stand.push(job("normal")).await;
    stand.push(job("high").priority(Priority::HIGH)).await;
    stand.push(job("critical").priority(Priority::CRITICAL)).await;
    stand.push(job("high too").priority(Priority::HIGH)).await;

    let names = stand.names(10).await;

    assert_eq!(names, ["critical", "high", "high too", "normal", "low"]);
}

/// A point of priority is worth a second: 64 of them lie between normal and high.
pub(super) async fn nobody_starves<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("patient")).await;
    stand.pass(63);
    stand.push(job("in time").priority(Priority::HIGH)).await;
    stand.pass(2);
    stand.push(job("too late").priority(Priority::HIGH)).await;

    assert_eq!(stand.names(10).await, ["in time", "patient", "too late"]);
}

pub(super) async fn a_delay_is_kept<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let later = |secs| job("later").delay(Duration::from_secs(secs));
    let id = stand.push(later(10)).await;
    let never = stand.push(later(10 * 365 * 24 * 3_600)).await;
    let no_end = stand.push(job("no end").delay(Duration::MAX)).await;
    assert_eq!(stand.state(id).await, State::Scheduled);
    assert_eq!(stand.info(id).await.due_in, Duration::from_secs(10));

    let promoted = stand.promote().await;
    assert_eq!(promoted.next, Some(Duration::from_secs(10)));
    assert_eq!(stand.stats().await.next_due, Some(Duration::from_secs(10)));

    stand.pass(9);
    assert_eq!(stand.claim(10).await, []);
    stand.pass(3);
    let held = stand.only().await;
    assert_eq!((held.lease.id, held.waited), (id, Duration::from_secs(2)));
    assert_eq!(stand.state(never).await, State::Scheduled);
    assert_eq!(stand.state(no_end).await, State::Scheduled);

    // So is one between attempts.
    assert_eq!(stand.settle(held.lease, retry(5)).await, Settled::Done(State::Retrying));
    stand.pass(4);
    assert_eq!(stand.claim(10).await, []);
    stand.pass(1);
    assert_eq!(stand.only().await.counts.attempts, 2);
}

/// Whatever is due at one moment: no call is given or gives more than it may.
pub(super) async fn a_burst_is_taken_in_bounded_steps<S: Storage>(bench: Bench<S>) {
    const JOBS: usize = 9_000;
    let stand = bench.stand().await;
    for _ in 0..JOBS / 1_000 {
        let burst = vec![job("a").delay(Duration::from_secs(60)); 1_000];
        stand.enqueue(burst, Room::Refuse).await;
    }
    stand.pass(60);

    let step = well(stand.storage.promote(100).await);
    assert_eq!((step.ready, step.next), (100, Some(Duration::ZERO)));

    let mut claimed = 0;
    while claimed < JOBS {
        let step = well(stand.storage.claim(Claim::new(500, LEASE)).await).len();
        assert!(step <= 500);
        if step == 0 {
            let promoted = well(stand.storage.promote(1_000).await);
            assert!(promoted.ready > 0, "{claimed} of {JOBS} were claimed, and no more come");
        }
        claimed += step;
    }
    assert_eq!(claimed, JOBS);
}
