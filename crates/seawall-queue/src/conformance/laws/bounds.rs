//! How many there may be.

use std::time::Duration;

use seawall_core::Priority;

use crate::{
    conformance::{
        stand::{job, retry},
        suite::Bench,
    },
    job::{Cause, State, Verdict},
    storage::{Enqueued, Room, Settings, Storage},
};

pub(super) async fn a_full_queue_refuses<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(2)).await;
    let jobs = vec![job("a"), job("b").delay(Duration::from_secs(60)), job("c")];

    let answers = stand.enqueue(jobs, Room::Refuse).await;

    assert!(matches!(answers[..], [Enqueued::New { .. }, Enqueued::New { .. }, Enqueued::Full]));
    // What is leased does not wait.
    stand.only().await;
    stand.push(job("d")).await;
    assert_eq!(stand.offer(job("e")).await, Enqueued::Full);
    let stats = stand.stats().await;
    assert_eq!((stats.ready, stats.scheduled, stats.leased), (1, 1, 1));
    assert_eq!(stats.pushed, 3, "what was refused did not go in");
}

pub(super) async fn what_comes_back_finds_a_place<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(1)).await;
    stand.push(job("a")).await;
    let held = stand.only().await;
    stand.push(job("b")).await;

    stand.settle(held.lease, retry(0)).await;

    assert_eq!(stand.stats().await.waiting(), 2);
    assert_eq!(stand.offer(job("c")).await, Enqueued::Full);
    stand.claim(1).await;
    assert_eq!(stand.offer(job("c")).await, Enqueued::Full);
    stand.claim(1).await;
    stand.push(job("c")).await;
}

pub(super) async fn the_least_important_is_shed<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(4)).await;
    stand.push(job("low").priority(Priority::LOW)).await;
    let last = stand.push(job("low too").priority(Priority::LOW)).await;
    stand.push(job("normal")).await;
    stand.push(job("normal too")).await;

    let high = job("high").priority(Priority::HIGH);
    let answers = stand.enqueue(vec![high], Room::Shed).await;

    assert!(
        matches!(answers[..], [Enqueued::New { shed: Some(id), .. }] if id == last),
        "{answers:?}"
    );
    let info = stand.info(last).await;
    assert_eq!((info.state, info.cause), (State::Dead, Some(Cause::Shed)));
    assert_eq!(stand.names(10).await, ["high", "normal", "normal too", "low"]);
}

pub(super) async fn nobody_is_shed_for_his_like<S: Storage>(bench: Bench<S>) {
    let stand = bench.open(Settings::new(1)).await;
    stand.push(job("a")).await;

    let like = stand.enqueue(vec![job("b")], Room::Shed).await;
    let less = stand.enqueue(vec![job("c").priority(Priority::LOW)], Room::Shed).await;
    assert_eq!((like[0], less[0]), (Enqueued::Full, Enqueued::Full));

    // Nor is who does not wait.
    let held = stand.only().await;
    stand.push(job("d").priority(Priority::HIGH)).await;
    let more = stand.enqueue(vec![job("e").priority(Priority::HIGH)], Room::Shed).await;
    assert_eq!(more, [Enqueued::Full]);
    stand.settle(held.lease, Verdict::DONE).await;
}
