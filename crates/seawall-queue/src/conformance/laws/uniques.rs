//! What there is one of.

use std::{sync::Arc, time::Duration};

use seawall_core::Priority;

use crate::{
    conformance::{
        stand::{Job, job, retry, well},
        suite::Bench,
    },
    job::{Cause, JobId, State, Verdict},
    storage::{Enqueued, Requeued, Room, Scope, Storage},
};

fn unique(name: &str, scope: Scope) -> Job {
    job(name).unique("photo:7", scope)
}

pub(super) async fn a_unique_job_is_in_once<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let first = stand.push(unique("a", Scope::Active)).await;
    stand.push(job("another key").unique("photo:8", Scope::Active)).await;

    let both = vec![unique("b", Scope::Active), unique("c", Scope::Queued)];
    let existing = [Enqueued::Existing(first); 2];
    assert_eq!(stand.enqueue(both, Room::Refuse).await, existing);
    let held = stand.claim(1).await.remove(0);
    assert_eq!(stand.offer(unique("d", Scope::Active)).await, Enqueued::Existing(first));
    stand.settle(held.lease, retry(5)).await;
    assert_eq!(stand.offer(unique("e", Scope::Active)).await, Enqueued::Existing(first));
    assert_eq!(stand.info(first).await.payload.as_deref(), Some(&b"a"[..]));

    // Over: done, dead or cancelled.
    for verdict in [Verdict::DONE, bury(), Verdict::Cancelled] {
        stand.pass(5);
        let held = stand.claim(10).await;
        let mine = held.iter().find(|held| held.payload != b"another key").expect("it is ready");
        stand.settle(mine.lease, verdict).await;
        let next = stand.push(unique("next", Scope::Active)).await;
        assert!(next > first);
    }
}

fn bury() -> Verdict {
    Verdict::Bury { cause: Cause::Refused, error: "no".to_owned() }
}

pub(super) async fn a_queued_scope_ends_with_the_claim<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let first = stand.push(unique("a", Scope::Queued)).await;
    assert_eq!(stand.offer(unique("b", Scope::Queued)).await, Enqueued::Existing(first));

    let held = stand.only().await;
    let second = stand.push(unique("c", Scope::Queued)).await;

    // What comes back does not take it again, and what is over does not take it from another.
    stand.settle(held.lease, retry(0)).await;
    assert_eq!(stand.offer(unique("d", Scope::Queued)).await, Enqueued::Existing(second));
    let again = stand.claim(10).await;
    let third = stand.push(unique("e", Scope::Queued)).await;
    for held in again {
        stand.settle(held.lease, Verdict::DONE).await;
    }
    assert_eq!(stand.offer(unique("f", Scope::Queued)).await, Enqueued::Existing(third));

    // One that is cancelled before it was claimed gives it back.
    well(stand.storage.cancel(vec![third]).await);
    stand.push(unique("g", Scope::Queued)).await;
}

pub(super) async fn a_timed_scope_outlives_the_job<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let scope = Scope::For(Duration::from_secs(10));
    let first = stand.push(unique("a", scope)).await;
    let held = stand.only().await;
    stand.settle(held.lease, Verdict::DONE).await;

    stand.pass(9);
    assert_eq!(stand.offer(unique("b", scope)).await, Enqueued::Existing(first));
    stand.pass(1);
    let second = stand.push(unique("c", scope)).await;
    stand.pass(9);
    assert_eq!(stand.offer(unique("d", scope)).await, Enqueued::Existing(second));
    stand.pass(1);
    stand.promote().await;
    stand.push(unique("e", scope)).await;
}

pub(super) async fn a_replacement_takes_over_what_waits<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let first = stand.push(unique("a", Scope::Active)).await;
    stand.push(job("other")).await;

    let new = job("b")
        .replace("photo:7", Scope::Active)
        .priority(Priority::HIGH)
        .key("user:42")
        .delay(Duration::from_secs(5));
    assert_eq!(stand.offer(new).await, Enqueued::Replaced(first));

    assert_eq!(stand.names(10).await, ["other"]);
    stand.pass(5);
    let held = stand.only().await;
    assert_eq!((held.lease.id, held.payload.as_slice()), (first, &b"b"[..]));
    assert_eq!((held.priority, held.key.as_deref()), (Priority::HIGH, Some("user:42")));
}

pub(super) async fn what_runs_is_not_replaced<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let first = stand.push(unique("a", Scope::Active)).await;
    let held = stand.only().await;

    let new = job("b").replace("photo:7", Scope::Active);
    assert_eq!(stand.offer(new).await, Enqueued::Existing(first));

    stand.settle(held.lease, retry(0)).await;
    assert_eq!(stand.only().await.payload, b"a");
}

pub(super) async fn a_dead_job_takes_its_key_again<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let requeue = async |id: JobId| well(stand.storage.requeue(vec![id]).await)[0];
    let first = stand.push(unique("a", Scope::Active)).await;
    stand.settle(stand.only().await.lease, bury()).await;
    let second = stand.push(unique("b", Scope::Active)).await;

    assert_eq!(requeue(first).await, Requeued::Existing(second));
    assert_eq!(stand.state(first).await, State::Dead);

    stand.settle(stand.only().await.lease, Verdict::DONE).await;
    assert_eq!(requeue(first).await, Requeued::Now);
    assert_eq!(stand.offer(unique("c", Scope::Active)).await, Enqueued::Existing(first));
}

pub(super) async fn of_many_at_once_one_is_in<S: Storage>(bench: Bench<S>) {
    let stand = Arc::new(bench.stand().await);
    let calls: Vec<_> = (0..64)
        .map(|n| {
            let stand = Arc::clone(&stand);
            tokio::spawn(
                async move { stand.offer(unique(&format!("number {n}"), Scope::Active)).await },
            )
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.expect("an enqueue does not panic"));
    }

    let is_new = |answer: &&Enqueued| matches!(answer, Enqueued::New { .. });
    let new: Vec<_> = answers.iter().filter(is_new).collect();
    assert_eq!(new.len(), 1, "{answers:?}");
    let id = new[0].id();
    assert!(answers.iter().all(|answer| answer.id() == id), "{answers:?}");
    assert_eq!(stand.stats().await.waiting(), 1);
}
