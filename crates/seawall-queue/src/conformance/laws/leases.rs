//! Who has a job, and until when.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use crate::{
    conformance::{
        Stand,
        stand::{LEASE, job, retry, well},
        suite::Bench,
    },
    job::{Kept, Settled, State, Token, Verdict},
    storage::{Claim, Claimed, Enqueued, Room, Scope, Settlement, Storage},
};

pub(super) async fn every_claim_has_a_greater_token<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let mut last = Token::NONE;
    for round in 0..5 {
        stand.push(job("a")).await;
        stand.push(job("b")).await;
        for claimed in stand.claim(10).await {
            let token = claimed.lease.token;
            assert!(token > last, "round {round}: {token} comes after {last}");
            last = token;
            if round % 2 == 0 {
                stand.settle(claimed.lease, retry(0)).await;
            }
        }
    }
}

pub(super) async fn a_leased_job_is_nobody_elses<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;

    let held = stand.only().await;

    assert_eq!(held.lease.id, id);
    assert_eq!(held.payload, b"a");
    assert_eq!(stand.claim(10).await, []);
    assert_eq!(stand.state(id).await, State::Leased);
    assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Done(State::Done));
    assert_eq!(stand.claim(10).await, []);
}

/// A zombie's word about a job that another one has.
pub(super) async fn a_late_settle_is_lost<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    let zombie = stand.only().await;
    stand.pass(31);
    let heir = stand.only().await;
    assert!(heir.lease.token > zombie.lease.token);

    assert_eq!(stand.settle(zombie.lease, Verdict::DONE).await, Settled::Lost);
    assert_eq!(stand.keep(zombie.lease).await, Kept::Lost);
    assert_eq!(stand.state(id).await, State::Leased);

    assert_eq!(stand.settle(heir.lease, Verdict::DONE).await, Settled::Done(State::Done));
    assert_eq!(stand.settle(zombie.lease, Verdict::DONE).await, Settled::Lost);
}

pub(super) async fn a_late_retry_moves_nothing<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    let zombie = stand.only().await;
    stand.pass(31);
    let heir = stand.only().await;
    let before = stand.info(id).await;

    assert_eq!(stand.settle(zombie.lease, retry(5)).await, Settled::Lost);
    assert_eq!(stand.settle(zombie.lease, Verdict::Release).await, Settled::Lost);

    assert_eq!(stand.info(id).await, before);
    assert_eq!(stand.keep(heir.lease).await, Kept::Extended);
}

/// Nobody has it, and yet it is not its old holder's any more: a second claim may come at any time.
pub(super) async fn a_swept_lease_is_lost<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    let zombie = stand.only().await;
    stand.pass(31);

    let promoted = stand.promote().await;

    assert_eq!(promoted.recovered, [id]);
    assert_eq!(stand.settle(zombie.lease, Verdict::DONE).await, Settled::Lost);
    assert_eq!(stand.keep(zombie.lease).await, Kept::Lost);
    assert_eq!(stand.info(id).await.counts.crashes, 1);
    assert_eq!(stand.state(id).await, State::Ready);
}

/// As after a reply that was lost.
pub(super) async fn a_settle_that_comes_twice_moves_once<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    for verdict in [Verdict::DONE, retry(10), Verdict::Snooze { delay: LEASE }, Verdict::Cancelled]
    {
        let id = stand.push(job("a")).await;
        let held = stand.only().await;
        stand.settle(held.lease, verdict.clone()).await;
        let before = stand.info(id).await;

        let again = stand.settle(held.lease, verdict.clone()).await;

        assert_eq!(again, Settled::Already, "{verdict:?}");
        assert_eq!(stand.info(id).await, before, "{verdict:?}");
        well(stand.storage.cancel(vec![id]).await);
    }
}

pub(super) async fn the_first_verdict_counts<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    let held = stand.only().await;

    assert_eq!(stand.settle(held.lease, retry(5)).await, Settled::Done(State::Retrying));
    assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Already);

    assert_eq!(stand.state(id).await, State::Retrying);
}

pub(super) async fn a_lease_ends_by_time_alone<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let id = stand.push(job("a")).await;
    stand.only().await;

    stand.pass(29);
    assert_eq!(stand.claim(10).await, []);
    assert_eq!(stand.info(id).await.lease_left, Duration::from_secs(1));

    stand.pass(1);
    let again = stand.only().await;
    assert_eq!((again.counts.attempts, again.counts.crashes), (2, 1));
}

pub(super) async fn a_kept_lease_goes_on<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    stand.push(job("a")).await;
    let held = stand.only().await;

    for _ in 0..5 {
        stand.pass(20);
        assert_eq!(stand.keep(held.lease).await, Kept::Extended);
        assert_eq!(stand.claim(10).await, []);
    }

    assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Done(State::Done));
}

pub(super) async fn a_lease_that_is_over_can_be_kept_until_it_is_swept<S: Storage>(
    bench: Bench<S>,
) {
    let stand = bench.stand().await;
    stand.push(job("a")).await;
    let held = stand.only().await;
    stand.pass(40);

    // A claim alone does not take it.
    assert_eq!(well(stand.storage.claim(Claim::new(10, LEASE)).await), []);
    assert_eq!(stand.keep(held.lease).await, Kept::Extended);

    assert_eq!(stand.promote().await.recovered, []);
    assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Done(State::Done));
}

/// However many they are, and never too many at once.
pub(super) async fn ten_thousand_leases_of_a_dead_worker_come_back<S: Storage>(bench: Bench<S>) {
    const JOBS: usize = 10_000;
    let stand = bench.stand().await;
    for _ in 0..JOBS / 1_000 {
        stand.enqueue(vec![job("a"); 1_000], Room::Refuse).await;
        assert_eq!(stand.claim(1_000).await.len(), 1_000);
    }
    stand.pass(31);

    let promoted = stand.promote().await;

    assert_eq!(promoted.recovered.len(), JOBS);
    let stats = stand.stats().await;
    assert_eq!((stats.ready, stats.leased), (JOBS, 0));
}

/// Somebody asks, and goes before he is answered. What he asked for is done, or not done, or is done yet, at
/// whatever moment; but never by half.
pub(super) async fn a_dropped_call_is_done_or_not_done<S: Storage>(bench: Bench<S>) {
    let stand = bench.stand().await;
    let unique = || job("a").unique("u", Scope::Active);
    abandon(stand.storage.enqueue(vec![unique()], Room::Refuse)).await;
    let again = stand.offer(unique()).await;
    assert!(
        matches!(again, Enqueued::New { .. } | Enqueued::Existing(_)),
        "a job goes in, or is in: {again:?}"
    );
    for _ in 0..LOOKS {
        let stats = stand.stats().await;
        assert_eq!(stats.waiting(), 1, "it is in once: {stats:?}");
        tokio::task::yield_now().await;
    }

    let stand = bench.stand().await; // of what comes late in one, nothing comes here
    let id = stand.push(job("a")).await;
    abandon(stand.storage.claim(Claim::new(1, LEASE))).await;
    let state = stand.state(id).await;
    assert!(matches!(state, State::Ready | State::Leased), "{state:?}");
    let held = sooner_or_later(&stand).await;
    assert_eq!(held.counts.attempts, held.counts.crashes + 1, "{:?}", held.counts);

    let done = || Settlement { lease: held.lease, verdict: Verdict::DONE };
    abandon(stand.storage.settle(vec![done()])).await;
    let settled = stand.settle(held.lease, Verdict::DONE).await;
    assert!(matches!(settled, Settled::Done(State::Done) | Settled::Already), "{settled:?}");
    assert_eq!(stand.state(id).await, State::Done);
}

/// How often is looked at what is not to change.
const LOOKS: usize = 10;

/// The only job there is, though somebody may have got it who is gone, or may get it yet.
async fn sooner_or_later<S: Storage>(stand: &Stand<S>) -> Claimed<Vec<u8>> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let held = async {
        loop {
            stand.pass(31);
            if let Some(held) = stand.claim(10).await.pop() {
                return held;
            }
            tokio::task::yield_now().await;
        }
    };
    let held = tokio::time::timeout(PATIENCE, held).await;
    held.unwrap_or_else(|_| panic!("whoever has the job is gone, and it does not come back"))
}

/// Polls a call once, and drops it.
async fn abandon(call: impl Future) {
    let mut call = pin!(call);
    std::future::poll_fn(|cx| {
        let _ = call.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}
