//! What can be seen, and for how long.

use std::time::Duration;

use seawall_core::Priority;

use crate::{
    conformance::{
        Stand,
        stand::{LEASE, job, retry, well},
        suite::Bench,
    },
    job::{JobId, Settled, State, Verdict},
    storage::{Claim, Heartbeat, Keep, Look, Progress, Room, Settings, Storage},
};

pub(super) async fn what_is_known_of_a_job<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a").key("user:42").priority(Priority::HIGH)).await;
    stand.pass(3);
    let held = stand.claim_by(Claim::new(1, LEASE).worker("w1")).await.remove(0);
    assert_eq!(held.waited, Duration::from_secs(3));

    let progress = Progress { done: 3, total: 10, note: "third page".to_owned() };
    let heartbeat = Heartbeat { lease: held.lease, progress: Some(progress.clone()) };
    well(stand.storage.heartbeat(vec![heartbeat], LEASE).await);
    stand.keep(held.lease).await; // without news, the old ones hold
    stand.pass(2);

    let info = stand.info(id).await;
    assert_eq!((info.id, info.state), (id, State::Leased));
    assert_eq!((info.priority, info.key.as_deref()), (Priority::HIGH, Some("user:42")));
    assert_eq!((info.age, info.lease_left), (Duration::from_secs(5), Duration::from_secs(28)));
    assert_eq!(info.worker.as_deref(), Some("w1"));
    assert_eq!(info.progress, Some(progress));
    assert_eq!(info.counts.attempts, 1);

    let verdict = Verdict::Done { result: Some(b"42".to_vec()) };
    stand.settle(held.lease, verdict).await;
    let info = stand.info(id).await;
    assert_eq!((info.state, info.result.as_deref()), (State::Done, Some(&b"42"[..])));
    assert_eq!(stand.find(JobId(u64::MAX >> 1)).await, None);
}

async fn ids<S: Storage>(
    stand: &Stand<S>,
    state: State,
    limit: usize,
    before: Option<JobId>,
) -> Vec<JobId> {
    let found = well(stand.storage.inspect(Look::In { state, limit, before }).await);
    assert!(found.iter().all(|info| info.state == state), "{found:?}");
    found.into_iter().map(|info| info.id).collect()
}

pub(super) async fn pages_are_whole<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let mut all = Vec::new();
    for n in 0..7 {
        all.push(stand.push(job("a").delay(Duration::from_secs(100 - n))).await);
    }
    all.reverse(); // the youngest first, whenever they are due

    assert_eq!(ids(&stand, State::Scheduled, 3, None).await, all[..3]);
    assert_eq!(ids(&stand, State::Scheduled, 3, Some(all[2])).await, all[3..6]);
    assert_eq!(ids(&stand, State::Scheduled, 3, Some(all[5])).await, all[6..]);

    stand.pass(100);
    stand.promote().await;
    assert_eq!(ids(&stand, State::Ready, 9, None).await, all);
    let held = stand.claim(9).await;
    assert_eq!(ids(&stand, State::Leased, 9, None).await, all);
    for held in &held[1..4] {
        stand.settle(held.lease, retry(9)).await;
    }
    assert_eq!(ids(&stand, State::Retrying, 9, None).await.len(), 3);
    assert_eq!(ids(&stand, State::Scheduled, 9, None).await, []);
    stand.settle(held[0].lease, Verdict::DONE).await;
    assert_eq!(ids(&stand, State::Done, 9, None).await, [held[0].lease.id]);
}

pub(super) async fn forgets_the_oldest_that_are_done<S: Storage>(bench: Bench<S>) {
    let keep = Keep { count: 2, age: Duration::from_secs(60) };
    let stand = bench.open(Settings::new(100).keep_done(keep)).await;
    stand.enqueue(vec![job("a"); 4], Room::Refuse).await;
    let held = stand.claim(10).await;
    for held in &held {
        stand.settle(held.lease, Verdict::DONE).await;
        stand.pass(1);
    }
    stand.promote().await;

    let [first, .., last] = &held[..] else { unreachable!("four were claimed") };
    assert_eq!(stand.find(first.lease.id).await, None);
    assert_eq!(stand.settle(first.lease, Verdict::DONE).await, Settled::Lost);
    assert_eq!(stand.settle(last.lease, Verdict::DONE).await, Settled::Already);
    assert_eq!(stand.stats().await.done, 2);

    stand.pass(59);
    stand.promote().await;
    assert_eq!(stand.find(last.lease.id).await, None);
    let stats = stand.stats().await;
    assert_eq!((stats.done, stats.waiting()), (0, 0));
}

pub(super) async fn forgets_the_oldest_dead_letters<S: Storage>(bench: Bench<S>) {
    let keep = Keep { count: 3, age: Duration::from_secs(60) };
    let stand = bench.open(Settings::new(100).keep_dead(keep)).await;
    stand.enqueue(vec![job("a").max_attempts(1); 5], Room::Refuse).await;
    let held = stand.claim(10).await;
    for held in &held {
        stand.settle(held.lease, retry(1)).await;
        stand.pass(1);
    }
    stand.promote().await;

    let kept: Vec<_> = held[2..].iter().rev().map(|held| held.lease.id).collect();
    assert_eq!(ids(&stand, State::Dead, 10, None).await, kept);
    assert_eq!(stand.stats().await.dead, 3);

    // One that came back is dead no more: it does not count, and is not forgotten.
    well(stand.storage.requeue(vec![kept[0]]).await);
    stand.pass(60);
    stand.promote().await;
    assert_eq!(ids(&stand, State::Dead, 10, None).await, []);
    assert_eq!(stand.only().await.lease.id, kept[0]);
}
