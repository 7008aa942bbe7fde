//! Models of those who wait for a queue in memory; the promise is the first of [`crate::memory`].
//!
//! Each was seen to fail with the broken variant that it names.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Clock,
    model::{model, race},
};

use super::sleeper::{For, Sleeper};
use crate::{
    memory::Memory,
    storage::{Claim, Enqueued, Hint, NewJob, Settings, Storage},
};

/// A queue with room for one job, in which there are as many.
fn memory(jobs: usize) -> Memory<u8> {
    let (clock, _) = Clock::manual();
    let memory = Memory::new(Settings::new(1), clock).expect("it is allowed");
    for _ in 0..jobs {
        let mut push = Sleeper::new({
            let memory = memory.clone();
            async move { memory.push(NewJob::new(1)).await }
        });
        push.poll();
        assert!(push.is_awake());
    }
    memory
}

fn pushes(memory: &Memory<u8>) -> Sleeper<Enqueued> {
    let memory = memory.clone();
    Sleeper::new(async move { memory.push(NewJob::new(2)).await })
}

fn claims(memory: &Memory<u8>) -> usize {
    memory.claim_now(&Claim::new(1, Duration::from_secs(30))).len()
}

/// Who goes to sleep for room while a place becomes free, is woken for it.
///
/// Caught when broken: without the ring of `room` in `with`; without the second attempt after `sit`.
#[test]
fn a_push_that_falls_asleep_is_woken() {
    model(|| {
        let memory = memory(1);
        let shared = Arc::new((memory.clone(), For::one(pushes(&memory))));
        let (claimed, mut push) = race(
            &shared,
            |(memory, _)| claims(memory),
            |(_, push)| {
                let mut push = push.take();
                push.poll();
                push
            },
        );

        assert_eq!(claimed, 1);
        Sleeper::run(&mut [&mut push]);
        assert!(matches!(push.end(), Enqueued::New { .. }));
    });
}

/// Who goes to sleep for work while a job comes, is woken for it.
///
/// Caught when broken: without the ring of `work` in `with`.
#[test]
fn a_worker_that_falls_asleep_is_woken() {
    model(|| {
        let memory = memory(0);
        let worker = Sleeper::new({
            let memory = memory.clone();
            async move { memory.wait(Hint::Work).await }
        });
        let shared = Arc::new((memory, For::one(worker)));
        let (_, mut worker) = race(
            &shared,
            |(memory, _)| {
                let mut push = pushes(memory);
                push.poll();
                assert!(push.is_awake());
            },
            |(_, worker)| {
                let mut worker = worker.take();
                worker.poll();
                worker
            },
        );

        Sleeper::run(&mut [&mut worker]);
        worker.end();
    });
}

/// Who is called for a place, and goes at that moment, leaves it to the next.
///
/// Caught when broken: without the ring of `room` in `with`.
#[test]
fn a_push_that_is_dropped_when_it_is_called_wakes_the_next() {
    model(|| {
        let memory = memory(1);
        let first = pushes(&memory).asleep();
        let mut second = pushes(&memory).asleep();
        let shared = Arc::new((memory, For::one(first)));
        race(&shared, |(memory, _)| claims(memory), |(_, first)| drop(first.take()));

        Sleeper::run(&mut [&mut second]);
        assert!(matches!(second.end(), Enqueued::New { .. }));
    });
}
