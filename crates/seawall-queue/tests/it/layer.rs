//! The service that says "accepted".

use std::{pin::pin, time::Duration};

use futures_util::FutureExt;
use seawall_core::{Clock, Priority, Reason, deadline};
use seawall_queue::{
    BoxError, Claim, EnqueueError, EnqueueLayer, Error, Job, NewJob, Queue, StorageError,
};
use tokio::time::timeout;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::queue::{Decimal, bytes};

const SECOND: Duration = Duration::from_secs(1);

fn full() -> Result<Queue<u32>, BoxError> {
    let queue = Queue::<u32>::memory("work").capacity(1).clock(Clock::tokio()).build()?;
    let _ = pin!(queue.push(0)).now_or_never().ok_or("there is room")?;
    Ok(queue)
}

/// What asks for the word's length to be worked on.
async fn ask(word: &'static str) -> Result<NewJob<u32>, BoxError> {
    let length = u32::try_from(word.len())?;
    (length > 0).then(|| Job::new(length).priority(Priority::HIGH)).ok_or_else(|| "empty".into())
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_the_id_of_the_job_as_it_was_made() -> Result<(), BoxError> {
    let queue = Queue::<u32>::memory("work").clock(Clock::tokio()).build()?;
    let service =
        ServiceBuilder::new().layer(EnqueueLayer::new(queue.clone())).service(service_fn(ask));
    let id = service.oneshot("four").await?;

    let claimed = queue.claim(Claim::new(1, SECOND)).await?;
    assert_eq!((claimed[0].lease.id, claimed[0].payload), (id, 4));
    assert_eq!(claimed[0].priority, Priority::HIGH);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_the_inner_service_refuses_is_not_pushed() -> Result<(), BoxError> {
    let queue = Queue::<u32>::memory("work").clock(Clock::tokio()).build()?;
    let service =
        ServiceBuilder::new().layer(EnqueueLayer::new(queue.clone())).service(service_fn(ask));
    let error = service.oneshot("").await.expect_err("it is empty");

    assert!(error.rejection().is_none());
    assert_eq!(queue.stats().await?.ready, 0);
    Ok(())
}

#[tokio::test]
async fn what_the_queue_fails_at_is_no_failure_of_the_service() {
    let queue = Queue::<u32>::builder("bytes").coded(bytes(1), Decimal);
    let service = EnqueueLayer::new(queue).layer(service_fn(async |n: u32| Ok::<_, BoxError>(n)));
    let error = service.oneshot(13).await.expect_err("nobody writes this one");

    let told = matches!(error, Error::Inner(EnqueueError::Queue(StorageError::Encode(_))));
    assert!(told, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_full_a_call_waits_until_its_deadline_or_is_refused() -> Result<(), BoxError> {
    let queue = full()?;
    let patient = EnqueueLayer::new(queue.clone());
    let service = ServiceBuilder::new().layer(patient.clone()).service(service_fn(ask));
    let late = deadline::scope(SECOND, service.clone().oneshot("a")).await;
    let reason = |error: Error<EnqueueError>| error.rejection().map(|r| r.reason());
    assert_eq!(late.map_err(reason), Err(Some(Reason::DeadlineExceeded)));

    let hasty = ServiceBuilder::new().layer(patient.refuse_when_full()).service(service_fn(ask));
    let refused = timeout(SECOND, hasty.oneshot("a")).await?;
    assert_eq!(refused.map_err(reason), Err(Some(Reason::QueueFull)));

    let waits = tokio::spawn(service.oneshot("a"));
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    queue.claim(Claim::new(1, SECOND)).await?;
    waits.await??;
    assert_eq!(queue.stats().await?.ready, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_pushes_nothing() -> Result<(), BoxError> {
    let queue = full()?;
    let mut service =
        ServiceBuilder::new().layer(EnqueueLayer::new(queue.clone())).service(service_fn(ask));
    let mut call = service.ready().await?.call("a");
    assert!((&mut call).now_or_never().is_none());
    drop(call);

    assert_eq!(queue.claim(Claim::new(2, SECOND)).await?.len(), 1);
    assert_eq!(queue.stats().await?.ready, 0);
    Ok(())
}
