//! What people do.

use std::time::Duration;

use crate::{
    conformance::{
        stand::{job, retry, well},
        suite::Bench,
    },
    job::{Cancelled, Cause, Counts, JobId, Kept, Settled, State, Verdict},
    storage::{Enqueued, Requeued, Storage},
};

pub(super) async fn a_waiting_job_is_cancelled<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let ready = stand.push(job("a")).await;
    let scheduled = stand.push(job("b").delay(Duration::from_secs(9))).await;
    let stays = stand.push(job("c")).await;
    let nobody = JobId(u64::MAX >> 1);

    let answers = well(stand.storage.cancel(vec![ready, scheduled, ready, nobody]).await);

    let [now, over] = [Cancelled::Now, Cancelled::Over];
    assert_eq!(answers, [now, now, over, Cancelled::Unknown]);
    assert_eq!(stand.state(ready).await, State::Cancelled);
    stand.pass(9);
    assert_eq!(stand.only().await.lease.id, stays);
    assert_eq!(stand.stats().await.cancelled, 2);
}

pub(super) async fn a_running_job_is_asked_to_stop<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    let held = stand.only().await;

    assert_eq!(well(stand.storage.cancel(vec![id]).await), [Cancelled::Asked]);

    assert_eq!(stand.keep(held.lease).await, Kept::Cancel);
    let settled = stand.settle(held.lease, Verdict::Cancelled).await;
    assert_eq!(settled, Settled::Done(State::Cancelled));
}

/// However its run ends: unless it was done after all.
pub(super) async fn a_cancelled_job_never_runs_again<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    for verdict in [Some(retry(0)), Some(Verdict::Release), None] {
        let id = stand.push(job("a")).await;
        let held = stand.only().await;
        well(stand.storage.cancel(vec![id]).await);
        match verdict {
            Some(verdict) => {
                let settled = stand.settle(held.lease, verdict).await;
                assert_eq!(settled, Settled::Done(State::Cancelled));
            }
            None => stand.pass(31), // its worker is dead
        }
        assert_eq!(stand.claim(10).await, []);
        assert_eq!(stand.state(id).await, State::Cancelled);
    }

    let id = stand.push(job("b")).await;
    let held = stand.only().await;
    well(stand.storage.cancel(vec![id]).await);
    assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Done(State::Done));
}

pub(super) async fn a_dead_job_comes_back_whole<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a").max_attempts(1)).await;
    stand.only().await;
    stand.pass(31);
    assert_eq!(stand.claim(10).await, []);
    let nobody = JobId(u64::MAX >> 1);

    let answers = well(stand.storage.requeue(vec![id, id, nobody]).await);

    assert_eq!(answers, [Requeued::Now, Requeued::NotDead, Requeued::Unknown]);
    assert_eq!(stand.stats().await.dead, 0);
    let held = stand.only().await;
    assert_eq!(held.counts, Counts { attempts: 1, redrives: 1, ..Counts::default() });
    assert_eq!(held.payload, b"a");

    // Asked to stop in one life, it is not in the next.
    well(stand.storage.cancel(vec![id]).await);
    let verdict = Verdict::Bury { cause: Cause::Refused, error: "no".to_owned() };
    assert_eq!(stand.settle(held.lease, verdict).await, Settled::Done(State::Dead));
    well(stand.storage.requeue(vec![id]).await);
    assert_eq!(stand.keep(stand.only().await.lease).await, Kept::Extended);
}

pub(super) async fn nothing_is_claimed_while_paused<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("a")).await;
    let held = stand.only().await;
    let id = stand.push(job("b")).await;

    well(stand.storage.pause(true).await);

    assert!(stand.stats().await.paused);
    assert_eq!(stand.claim(10).await, []);
    assert!(matches!(stand.offer(job("c")).await, Enqueued::New { .. }));
    assert_eq!(stand.keep(held.lease).await, Kept::Extended);
    assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Done(State::Done));
    assert_eq!(stand.state(id).await, State::Ready);

    well(stand.storage.pause(false).await);
    assert_eq!(stand.names(10).await, ["b", "c"]);
}
