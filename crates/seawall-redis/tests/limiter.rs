//! One quota for all who ask for it.

mod support;

use std::time::Duration;

use seawall_core::{Bound, Reason, deadline};
use seawall_rate_limiter::Policy;
use seawall_redis::{KeySpace, Outage, Quota, RateLimiter, Registry, Rejection};
use tokio::time::{Instant, timeout};

use crate::support::{Server, fleet, hurried, until};

/// A minute, so that no cell comes back while a test runs.
const MINUTE: Duration = Duration::from_secs(60);

async fn limiter(server: &Server, quota: Quota) -> RateLimiter {
    fleet(server, quota).await.build().expect("sound")
}

fn per_minute(cells: u32) -> Quota {
    Quota::per_minute(cells).expect("sound")
}

/// The value of the key's debt to its only quota, as it stands on the server.
fn kept(server: &Server, key: &str, period: &str) -> String {
    let name = String::from_utf8(KeySpace::new("test").name(key, period)).expect("it was text");
    server.ask(&format!("GET {name}"))
}

fn pttl(server: &Server, key: &str, period: &str) -> Duration {
    let name = String::from_utf8(KeySpace::new("test").name(key, period)).expect("it was text");
    let millis = server.ask(&format!("PTTL {name}"));
    Duration::from_millis(millis.trim_start_matches(':').parse().expect("it has an expiry"))
}

fn wait_of(refused: &Rejection) -> Duration {
    assert_eq!((refused.reason(), refused.name()), (Reason::RateLimited, "fleet"), "{refused}");
    refused.retry_after().expect("the wait is known")
}

#[tokio::test]
async fn cells_are_counted_down_and_then_refused() {
    let server = Server::start().await;
    let quota = Quota::new(1, MINUTE).and_then(|quota| quota.burst(5)).expect("sound");
    let limiter = limiter(&server, quota).await;
    let mut remaining = Vec::new();

    for _ in 0..5 {
        limiter.try_acquire("tenant").await.expect("there are five");
        let standing = limiter.standing("tenant").await.expect("it is up");
        assert_eq!(standing.limit, 5);
        let (ttl, full) = (pttl(&server, "tenant", "60s"), standing.full);
        // The server counts expiries by a clock that it reads less often.
        assert!(ttl <= full + Duration::from_millis(100), "gone when full: {ttl:?} {full:?}");
        remaining.push(standing.remaining);
    }
    let (before, writes) = (kept(&server, "tenant", "60s"), server.count_of("set"));
    let refused = limiter.try_acquire("tenant").await.expect_err("all are taken");
    let never = limiter.try_acquire_n("tenant", 6).await.expect_err("there are never six");

    assert_eq!(remaining, [4, 3, 2, 1, 0]);
    assert!(wait_of(&refused) <= MINUTE && wait_of(&refused) > MINUTE / 2, "{refused}");
    assert_eq!((never.bound(), never.retry_after()), (Some(Bound::Weight), None));
    assert_eq!((writes, server.count_of("set")), (5, 5), "a refusal writes nothing");
    assert_eq!(kept(&server, "tenant", "60s"), before);
    let standing = limiter.standing("tenant").await.expect("it is up");
    assert!(standing.next <= MINUTE && standing.next > MINUTE / 2, "{standing:?}");
}

#[tokio::test]
async fn a_key_that_owes_nothing_is_not_there() {
    let server = Server::start().await;
    let limiter = limiter(&server, Quota::per_second(20).expect("sound")).await;

    for key in ["a", "b", "c"] {
        limiter.try_acquire(key).await.expect("it is fresh");
    }
    assert_ne!(server.ask("DBSIZE"), ":0");

    until("all is paid off", || (server.ask("DBSIZE") == ":0").then_some(())).await;
}

#[tokio::test]
async fn several_quotas_are_taken_from_together_or_not_at_all() {
    let server = Server::start().await;
    let (tight, wide) = (per_minute(10), Quota::per_hour(15).expect("sound"));
    let both = fleet(&server, tight).await.quota(wide).build().expect("sound");

    let mut granted = 0;
    for _ in 0..12 {
        granted += i32::from(both.try_acquire("tenant").await.is_ok());
    }
    let only_wide = limiter(&server, wide).await;
    let standing = only_wide.standing("tenant").await.expect("it is up");

    assert_eq!(granted, 10);
    assert_eq!(standing.remaining, 5, "what the tight one refused took nothing from the wide one");
    assert_eq!(both.standing("tenant").await.expect("it is up").remaining, 0, "the tightest");
    let refused = both.try_acquire_n("tenant", 7).await.expect_err("five are left of one");
    assert!(wait_of(&refused) > MINUTE, "as long as the slowest takes: {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_connections_admit_no_more_than_one_would() {
    let server = Server::start().await;
    let quota = Quota::per_second(1_000).and_then(|quota| quota.burst(50)).expect("sound");
    let mut nodes = Vec::new();
    for _ in 0..8 {
        nodes.push(limiter(&server, quota).await);
    }

    let began = Instant::now();
    let end = began + Duration::from_secs(1);
    let tasks: Vec<_> = nodes
        .into_iter()
        .map(|node| {
            tokio::spawn(async move {
                let mut granted = 0_u64;
                while Instant::now() < end {
                    // Each asks the server, and not its own memory of the last refusal.
                    let booked = node.try_acquire("hot").await;
                    granted += u64::from(booked.is_ok());
                }
                granted
            })
        })
        .collect();
    let mut granted = 0;
    for task in tasks {
        granted += task.await.expect("no node panics");
    }
    let most = 50 + began.elapsed().as_millis() as u64 + 1;

    assert!(granted <= most, "{granted} of at most {most}");
    assert!(granted >= 50 + 500, "cells come back: {granted} of {most}");
}

#[tokio::test]
async fn keys_of_any_kind_have_quotas_of_their_own() {
    let server = Server::start().await;
    let limiter = limiter(&server, per_minute(1)).await;
    let long = "x".repeat(100_000);
    let keys: &[&[u8]] = &[b"", b"}", b"{", b"{}", b"a b\r\n", b"\xff\x00", b"%", long.as_bytes()];

    for key in keys {
        limiter.try_acquire(key).await.expect("it is fresh");
    }
    for key in keys {
        limiter.try_acquire(key).await.expect_err("it had one");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_costs_no_round_trip_until_its_wait_is_over() {
    let server = Server::start().await;
    let limiter = limiter(&server, per_minute(2)).await;
    limiter.try_acquire_n("flood", 2).await.expect("it is fresh");
    let first = limiter.try_acquire("flood").await.expect_err("all are taken");
    let trips = limiter.snapshot().counters["trips"];

    for _ in 0..1_000 {
        let refused = limiter.try_acquire("flood").await.expect_err("all are taken");
        assert!(wait_of(&refused) <= wait_of(&first), "the wait gets shorter");
    }

    let counters = limiter.snapshot().counters;
    assert_eq!((counters["trips"], counters["refused_local"]), (trips, 1_000));
    assert_eq!(counters["refused"], 1_001);
}

#[tokio::test]
async fn a_refusal_is_forgotten_when_its_wait_is_over() {
    let server = Server::start().await;
    let quota = Quota::per_second(20).and_then(|quota| quota.burst(1)).expect("sound");
    let limiter = limiter(&server, quota).await;
    limiter.try_acquire("k").await.expect("it is fresh");
    let refused = limiter.try_acquire("k").await.expect_err("a cell takes 50 ms");

    tokio::time::sleep(wait_of(&refused)).await;

    limiter.try_acquire("k").await.expect("the wait that was told was long enough");
}

#[tokio::test]
async fn a_flood_of_keys_is_held_within_bounds() {
    let server = Server::start().await;
    let builder = fleet(&server, per_minute(2)).await;
    let limiter = builder.max_keys(64).prebook(5).build().expect("sound");

    for key in 0..1_000 {
        limiter.try_acquire(format!("random {key}")).await.expect("it is fresh");
    }

    let seen = limiter.snapshot();
    assert!(seen.gauges["keys"] <= seen.limits["max_keys"], "{seen:?}");
    assert!(seen.limits["max_keys"] <= 128.0, "{seen:?}");
}

#[tokio::test]
async fn who_waits_is_served_in_turn_whichever_node_he_comes_to() {
    let server = Server::start().await;
    let quota = Quota::new(1, Duration::from_millis(100)).expect("sound");
    let (one, two) = (limiter(&server, quota).await, limiter(&server, quota).await);

    let began = Instant::now();
    let wait = |node: &RateLimiter| {
        let node = node.clone();
        async move {
            node.acquire("queue").await.expect("it may wait");
            began.elapsed()
        }
    };
    let mut took: Vec<_> = <[Duration; 6]>::from(tokio::join!(
        wait(&one),
        wait(&two),
        wait(&one),
        wait(&two),
        wait(&one),
        wait(&two)
    ))
    .into();
    took.sort();

    for (turn, took) in (0..).zip(&took) {
        assert!(*took >= Duration::from_millis(100) * turn, "turn {turn} came after {took:?}");
    }
    let waited = one.snapshot().counters["trips"] + two.snapshot().counters["trips"];
    assert!(waited <= 12, "each asks twice at most, and sleeps once: {waited}");
}

#[tokio::test]
async fn a_wait_that_is_dropped_gives_its_turn_back() {
    let server = Server::start().await;
    let limiter = limiter(&server, per_minute(1)).await;
    limiter.try_acquire("turn").await.expect("it is fresh");
    let owed = kept(&server, "turn", "60s");

    let wait = timeout(Duration::from_millis(500), limiter.acquire("turn")).await;
    wait.expect_err("its turn is a minute away");

    until("the turn is given back", || (kept(&server, "turn", "60s") == owed).then_some(())).await;
    until("it is counted", || (limiter.snapshot().counters["given_back"] == 1).then_some(())).await;
}

#[tokio::test]
async fn a_wait_that_would_be_too_long_is_refused_at_once_and_books_nothing() {
    let server = Server::start().await;
    let builder = fleet(&server, per_minute(1)).await;
    let limiter = builder.max_wait(Duration::from_secs(1)).build().expect("sound");
    limiter.try_acquire("k").await.expect("it is fresh");
    let owed = kept(&server, "k", "60s");

    let began = Instant::now();
    let too_long = limiter.acquire("k").await.expect_err("a minute is too long");
    let late = deadline::scope(Duration::from_millis(500), limiter.acquire("k")).await;
    let never = limiter.acquire_n("k", 2).await.expect_err("there are never two");

    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(too_long.bound(), Some(Bound::Wait));
    assert!(wait_of(&too_long) > MINUTE / 2, "the whole wait: {too_long}");
    let late = late.expect_err("half a second is too short");
    assert_eq!(late.bound(), Some(Bound::Wait), "longer than is allowed, whatever the deadline");
    assert_eq!(never.bound(), Some(Bound::Weight));
    assert_eq!(kept(&server, "k", "60s"), owed);
}

#[tokio::test]
async fn no_wait_passes_the_callers_deadline() {
    let server = Server::start().await;
    let limiter = limiter(&server, per_minute(1)).await;
    limiter.try_acquire("k").await.expect("it is fresh");

    let began = Instant::now();
    let late = deadline::scope(Duration::from_millis(500), limiter.acquire("k")).await;

    let late = late.expect_err("its turn is a minute away");
    assert_eq!(late.reason(), Reason::DeadlineExceeded);
    assert!(began.elapsed() < Duration::from_millis(500), "it is known at once");
}

#[tokio::test]
async fn quotas_change_while_calls_run_and_debts_stay() {
    let server = Server::start().await;
    let limiter = limiter(&server, per_minute(10)).await;
    limiter.try_acquire_n("k", 10).await.expect("it is fresh");
    limiter.try_acquire("k").await.expect_err("all are taken");

    limiter.set_quotas([per_minute(20)]).expect("sound");
    limiter.set_quotas([]).expect_err("there must be one");

    assert_eq!(limiter.quotas(), [per_minute(20)]);
    // Ten cells of ten a minute are a minute of debt, which are twenty of twenty a minute.
    let refused = limiter.try_acquire("k").await.expect_err("the debt is the same time");
    assert!(wait_of(&refused) <= Duration::from_secs(3), "a cell is shorter: {refused}");
    limiter.set_quotas([per_minute(20).burst(40).expect("sound")]).expect("sound");
    limiter.try_acquire_n("k", 19).await.expect("the burst has room now");
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    let server = Server::start().await;
    let connection = hurried("limits", &server).build().expect("sound");
    let builder = || RateLimiter::builder("fleet", connection.clone()).quota(per_minute(1));
    let window = per_minute(1).policy(Policy::FixedWindow);

    for (field, refused) in [
        ("quotas", RateLimiter::builder("none", connection.clone()).build()),
        ("quota", builder().quota(window).build()),
        ("prebook", builder().prebook(0).build()),
        ("prebook", builder().prebook(1_001).build()),
        ("lease", builder().lease(Duration::ZERO).build()),
        ("max_keys", builder().max_keys(0).build()),
        ("max_wait", builder().max_wait(Duration::ZERO).build()),
        ("quotas", builder().quotas([per_minute(1); 4]).build()),
    ] {
        assert_eq!(refused.expect_err(field).field(), field);
    }
    assert_eq!(builder().on_outage(Outage::Open).build().expect("sound").name(), "fleet");
}

#[tokio::test]
async fn a_registry_sees_it() {
    let server = Server::start().await;
    let limiter = limiter(&server, per_minute(7)).await;
    let registry = Registry::new();
    limiter.register(&registry);
    limiter.try_acquire("k").await.expect("it is fresh");

    let seen = registry.snapshots();

    assert_eq!((&*seen[0].pattern, &*seen[0].state), ("redis_rate_limiter", "shared"));
    assert_eq!(seen[0].counters["granted"], 1);
    assert_eq!(seen[0].limits["burst.0"] as u32, 7);
    assert!(!format!("{limiter:?}").contains("tenant"));
}
