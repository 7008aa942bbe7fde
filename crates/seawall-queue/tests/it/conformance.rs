//! The suite that storages are run through: what it lets pass, and what it catches.

use std::{convert::Infallible, time::Duration};

use seawall_core::Clock;
use seawall_queue::{
    Claim, Claimed, Memory, NewJob, Storage,
    conformance::{Outcome, Stand, Suite},
    job::{Settled, Verdict},
    storage::{Enqueued, Room, Settings, Settlement},
};
use tokio::{task::yield_now, time::sleep};

use crate::pass_on::pass_on;

type Bytes = Vec<u8>;

#[test]
fn memory_keeps_what_a_storage_promises() {
    suite(|memory| memory).run();
}

/// What is told of a storage by one law alone.
fn verdict<S: Storage>(law: &str, wrap: fn(Memory<Bytes>) -> S) -> Outcome {
    let verdicts = suite(wrap).only(law).verdicts();
    verdicts.into_iter().find(|verdict| verdict.law == law).expect("there is such a law").outcome
}

fn suite<S: Storage>(wrap: fn(Memory<Bytes>) -> S) -> Suite<S> {
    Suite::new(move |settings: Settings| async move {
        let (clock, hand) = Clock::manual();
        let memory = Memory::new(settings, clock).unwrap();
        Stand::new(wrap(memory), move |time| hand.advance(time))
    })
}

/// A storage that does what it was asked for a while later, whether or not somebody waits for it.
struct Late(Memory<Bytes>);

impl Storage for Late {
    type Error = Infallible;

    pass_on!(Bytes: settings, heartbeat, promote, cancel, requeue, pause, stats, inspect);

    async fn enqueue(
        &self,
        jobs: Vec<NewJob<Bytes>>,
        room: Room,
    ) -> Result<Vec<Enqueued>, Infallible> {
        let memory = self.0.clone();
        later(async move { memory.enqueue(jobs, room).await }).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed<Bytes>>, Infallible> {
        let memory = self.0.clone();
        later(async move { Storage::claim(&memory, claim).await }).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, Infallible> {
        let memory = self.0.clone();
        later(async move { memory.settle(settlements).await }).await
    }
}

async fn later<R: Send + 'static>(call: impl Future<Output = R> + Send + 'static) -> R {
    let call = tokio::spawn(async {
        sleep(Duration::from_millis(2)).await;
        call.await
    });
    call.await.expect("it does not panic")
}

/// A storage that takes two steps where one is to be taken: a call that is dropped between them is half done.
struct Half<const CALL: char>(Memory<Bytes>);

impl<const CALL: char> Storage for Half<CALL> {
    type Error = Infallible;

    pass_on!(Bytes: settings, heartbeat, promote, cancel, requeue, pause, stats, inspect);

    /// First in, and then under its key.
    async fn enqueue(
        &self,
        jobs: Vec<NewJob<Bytes>>,
        room: Room,
    ) -> Result<Vec<Enqueued>, Infallible> {
        if CALL == 'e' {
            let bare = jobs.iter().map(|job| NewJob::new(job.payload.clone())).collect();
            let put = self.0.enqueue(bare, room).await?;
            yield_now().await;
            self.0.cancel(put.iter().filter_map(|put| put.id()).collect()).await?;
        }
        self.0.enqueue(jobs, room).await
    }

    /// First out of the line, and then into somebody's hands.
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed<Bytes>>, Infallible> {
        let claimed = Storage::claim(&self.0, claim.clone()).await?;
        if CALL == 'c' {
            let out = |job: &Claimed<Bytes>| Settlement {
                lease: job.lease,
                verdict: Verdict::Retry { delay: Duration::ZERO, error: String::new() },
            };
            self.0.settle(claimed.iter().map(out).collect()).await?;
            yield_now().await;
            return Storage::claim(&self.0, claim).await;
        }
        Ok(claimed)
    }

    /// First nobody's, and then over.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, Infallible> {
        if CALL == 's' {
            let free =
                |one: &Settlement| Settlement { lease: one.lease, verdict: Verdict::Release };
            let answers = self.0.settle(settlements.iter().map(free).collect()).await?;
            yield_now().await;
            self.0.cancel(settlements.iter().map(|one| one.lease.id).collect()).await?;
            return Ok(answers);
        }
        self.0.settle(settlements).await
    }
}

const LAW: &str = "a_dropped_call_is_done_or_not_done";

#[test]
fn a_storage_may_do_later_what_nobody_waits_for() {
    assert_eq!(verdict(LAW, Late), Outcome::Kept);
}

#[test]
fn a_storage_that_does_half_of_what_nobody_waits_for_is_caught() {
    let broken = |outcome, what: &str| match outcome {
        Outcome::Broken(seen) => assert!(seen.contains(what), "{seen}"),
        kept => panic!("it is caught: {kept:?}"),
    };
    broken(verdict(LAW, Half::<'e'>), "it is in once");
    broken(verdict(LAW, Half::<'c'>), "crashes: 0");
    broken(verdict(LAW, Half::<'s'>), "right: Done");
}
