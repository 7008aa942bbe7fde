//! What is counted, and where it ends.

use std::time::Duration;

use crate::{
    conformance::{
        stand::{LEASE, job, retry},
        suite::Bench,
    },
    job::{Cause, Counts, Limits, Settled, State, Verdict},
    storage::{Claim, Storage},
};

fn claim(attempts: u32, crashes: u32) -> Claim {
    Claim::new(10, LEASE).limits(Limits { attempts, crashes })
}

pub(super) async fn attempts_end_in_death<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;

    for attempt in 1..=3 {
        let held = stand.claim_by(claim(3, 9)).await.remove(0);
        assert_eq!(held.counts.attempts, attempt);
        let settled = stand.settle(held.lease, retry(1)).await;
        let next = if attempt < 3 { State::Retrying } else { State::Dead };
        assert_eq!(settled, Settled::Done(next));
        stand.pass(1);
    }

    let info = stand.info(id).await;
    assert_eq!((info.state, info.cause), (State::Dead, Some(Cause::Attempts)));
    assert_eq!(info.error.as_deref(), Some("it failed"));
    assert_eq!(info.payload.as_deref(), Some(&b"a"[..]), "a dead letter can be read");
}

pub(super) async fn a_snooze_is_no_attempt<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("a")).await;

    for _ in 0..5 {
        let held = stand.claim_by(claim(1, 9)).await.remove(0);
        assert_eq!(held.counts.attempts, 1);
        let delay = Duration::from_secs(7);
        let settled = stand.settle(held.lease, Verdict::Snooze { delay }).await;
        assert_eq!(settled, Settled::Done(State::Scheduled));
        stand.pass(6);
        assert_eq!(stand.claim(10).await, []);
        stand.pass(1);
    }

    let held = stand.only().await;
    assert_eq!(held.counts, Counts { attempts: 1, snoozes: 5, ..Counts::default() });
}

pub(super) async fn a_release_keeps_its_place<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("a")).await;
    stand.pass(1);
    let held = stand.claim(1).await.remove(0);
    stand.push(job("b")).await;
    stand.pass(1);

    let settled = stand.settle(held.lease, Verdict::Release).await;

    assert_eq!(settled, Settled::Done(State::Ready));
    let again = stand.claim(1).await.remove(0);
    assert_eq!((again.payload.as_slice(), again.counts.attempts), (&b"a"[..], 1));
}

pub(super) async fn crashes_end_in_death<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;

    for crash in 1..=3 {
        let held = stand.claim_by(claim(100, 3)).await.remove(0);
        assert_eq!((held.lease.id, held.counts.crashes), (id, crash - 1));
        stand.pass(31);
        let promoted = stand.promote().await;
        let buried = if crash < 3 { vec![] } else { vec![(id, Cause::Crashes)] };
        assert_eq!(promoted.buried, buried, "crash {crash}");
    }

    assert_eq!(stand.info(id).await.cause, Some(Cause::Crashes));
}

/// What kills its workers lets others run in between.
pub(super) async fn a_crashed_job_goes_behind_the_others<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("a")).await;
    stand.only().await;
    stand.push(job("b")).await;
    stand.pass(31);

    assert_eq!(stand.names(10).await, ["b", "a"]);
}

pub(super) async fn a_crash_on_the_last_attempt_is_death<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    stand.claim_by(claim(1, 9)).await;
    stand.pass(31);

    let promoted = stand.promote().await;

    assert_eq!(promoted.buried, [(id, Cause::Attempts)]);
    assert_eq!(stand.claim(10).await, []);
}

pub(super) async fn a_jobs_own_attempts_count<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("a").max_attempts(1)).await;
    stand.push(job("b").max_attempts(9)).await;

    let held = stand.claim_by(claim(1, 9)).await;

    assert_eq!(held[0].limits.attempts, 1);
    assert_eq!(held[1].limits.attempts, 9);
    assert_eq!(stand.settle(held[0].lease, retry(1)).await, Settled::Done(State::Dead));
    assert_eq!(stand.settle(held[1].lease, retry(1)).await, Settled::Done(State::Retrying));
}
