//! What a node takes ahead of need, and what that costs in exactness.

mod support;

use std::time::Duration;

use seawall_core::Clock;
use seawall_redis::Quota;
use tokio::time::{Instant, timeout};

use crate::support::{Server, fleet};

const MINUTE: Duration = Duration::from_secs(60);

fn per_minute(cells: u32) -> Quota {
    Quota::per_minute(cells).expect("sound")
}

#[tokio::test]
async fn a_hot_key_costs_a_round_trip_a_batch() {
    let server = Server::start().await;
    let builder = fleet(&server, Quota::per_minute(100_000).expect("sound")).await;
    let (clock, _stands_still) = Clock::manual();
    let limiter = builder.prebook(50).clock(clock).build().expect("sound");

    for _ in 0..10_000 {
        limiter.try_acquire("hot").await.expect("there are enough");
    }

    let counters = limiter.snapshot().counters;
    let trips = counters["trips"];
    // 1, 2, 4, 8, 16 and 32, then 50 at a time.
    assert_eq!(trips, 6 + (10_000_u64 - 63).div_ceil(50), "{counters:?}");
    assert_eq!(counters["granted_local"], 10_000 - trips);
    let held = 63 + 50 * (trips - 6) - 10_000;
    let taken = 100_000 - limiter.standing("hot").await.expect("it is up").remaining;
    // Some came back since: 100 000 a minute.
    assert!(taken <= 10_000 + held, "no more was taken than is held: {taken}");
}

#[tokio::test]
async fn a_cold_key_takes_nothing_ahead() {
    let server = Server::start().await;
    let builder = fleet(&server, per_minute(100)).await;
    let (clock, hand) = Clock::manual();
    let limiter = builder.prebook(50).clock(clock).build().expect("sound");

    for _ in 0..10 {
        limiter.try_acquire("cold").await.expect("there are enough");
        hand.advance(Duration::from_secs(2)); // the lease is a second
    }

    assert_eq!(limiter.snapshot().counters["trips"], 10);
    assert!(limiter.standing("cold").await.expect("it is up").remaining >= 90);
}

#[tokio::test]
async fn what_is_held_is_void_when_its_lease_is_over() {
    let server = Server::start().await;
    let builder = fleet(&server, per_minute(100)).await;
    let (clock, hand) = Clock::manual();
    let builder = builder.prebook(8).lease(Duration::from_secs(1)).clock(clock);
    let limiter = builder.build().expect("sound");
    for _ in 0..8 {
        limiter.try_acquire("k").await.expect("1, 2, 4 and one of 8");
    }
    let trips = || limiter.snapshot().counters["trips"];
    assert_eq!(trips(), 4);

    hand.advance(Duration::from_millis(999));
    limiter.try_acquire("k").await.expect("the lease runs");
    assert_eq!(trips(), 4);
    hand.advance(Duration::from_millis(1));
    limiter.try_acquire("k").await.expect("there are enough");

    assert_eq!((trips(), limiter.snapshot().counters["void_cells"]), (5, 6));
}

#[tokio::test]
async fn a_batch_takes_what_is_there_and_no_more() {
    let server = Server::start().await;
    let builder = fleet(&server, per_minute(10)).await;
    let (clock, _stands_still) = Clock::manual();
    let limiter = builder.prebook(8).clock(clock).build().expect("sound");

    let mut granted = 0;
    while limiter.try_acquire("k").await.is_ok() {
        granted += 1;
    }

    assert_eq!(granted, 10, "the last batch was smaller than asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_one_key_share_a_round_trip() {
    let server = Server::start().await;
    let builder = fleet(&server, Quota::per_minute(1_000_000).expect("sound")).await;
    let limiter = builder.prebook(1_000).lease(MINUTE).build().expect("sound");

    let callers: Vec<_> = (0..2_000)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.try_acquire("hot").await })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no caller panics").expect("there are enough");
    }

    let counters = limiter.snapshot().counters;
    assert!(counters["trips"] < 100, "{counters:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_take_ahead_stay_within_the_error_that_is_stated() {
    let server = Server::start().await;
    let quota = Quota::per_second(2_000).and_then(|quota| quota.burst(100)).expect("sound");
    let mut nodes = Vec::new();
    for _ in 0..2 {
        nodes.push(fleet(&server, quota).await.prebook(40).build().expect("sound"));
    }

    let began = Instant::now();
    let end = began + Duration::from_secs(1);
    let tasks: Vec<_> = nodes
        .iter()
        .cloned()
        .map(|node| {
            tokio::spawn(async move {
                let mut granted = 0_u64;
                while Instant::now() < end {
                    granted += u64::from(node.try_acquire("hot").await.is_ok());
                    tokio::task::yield_now().await;
                }
                granted
            })
        })
        .collect();
    let mut granted = 0;
    for task in tasks {
        granted += task.await.expect("no node panics");
    }
    let most = 100 + began.elapsed().as_millis() as u64 * 2 + 2 + 2 * 40;
    let local: u64 = nodes.iter().map(|node| node.snapshot().counters["granted_local"]).sum();

    assert!(granted <= most, "{granted} of at most {most}");
    assert!(granted >= 100 + 1_000, "cells come back: {granted} of {most}");
    assert!(local > 100, "some cost no round trip: {local} of {granted}");
}

#[tokio::test]
async fn a_dropped_call_loses_nothing_that_is_held() {
    let server = Server::start().await;
    let builder = fleet(&server, per_minute(100)).await;
    let (clock, _stands_still) = Clock::manual();
    let limiter = builder.prebook(8).clock(clock).build().expect("sound");
    for _ in 0..4 {
        limiter.try_acquire("k").await.expect("1, 2 and one of 4");
    } // holds three

    server.stop();
    let heavy = timeout(Duration::from_millis(50), limiter.try_acquire_n("k", 5)).await;
    let light = timeout(Duration::from_millis(50), limiter.try_acquire_n("k", 3)).await;
    server.go_on();

    heavy.expect_err("it asks for two more");
    light.expect("it asks nobody").expect("three are held again");
}
