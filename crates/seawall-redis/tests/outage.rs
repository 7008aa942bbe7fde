//! What becomes of a limit while Redis is away, and how it comes back.

mod support;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_core::{Reason, deadline};
use seawall_redis::{
    Error, Outage, Quota, RateLimiter, RateLimiterBuilder,
    limiter::{Event, Turn},
};
use tokio::time::{Instant, sleep};

use crate::support::{PATIENCE, SLACK, Server, TIME, bounded, hurried, until_it_answers};

fn per_minute(cells: u32) -> Quota {
    Quota::per_minute(cells).expect("sound")
}

type Told = Arc<Mutex<Vec<Turn>>>;

async fn builder(server: &Server) -> (RateLimiterBuilder, Told) {
    let connection = hurried("limits", server).build().expect("sound");
    until_it_answers(&connection).await;
    let told = Told::default();
    let listener = Arc::clone(&told);
    let builder = RateLimiter::builder("fleet", connection)
        .quota(per_minute(1_000))
        .on_event(move |event: &Event| listener.lock().push(event.turn.clone()));
    (builder, told)
}

/// Asks until Redis decides again.
async fn until_shared(limiter: &RateLimiter) {
    let end = Instant::now() + PATIENCE;
    while limiter.snapshot().state != "shared" {
        assert!(Instant::now() < end, "it did not come back");
        let _either_way = limiter.try_acquire("look").await;
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn open_lets_all_in_and_closed_lets_none_in() {
    let mut server = Server::start().await;
    let open = builder(&server).await.0.on_outage(Outage::Open).build().expect("sound");
    let closed = builder(&server).await.0.on_outage(Outage::Closed).build().expect("sound");
    server.kill();

    for _ in 0..20 {
        assert_eq!(bounded(open.try_acquire("k")).await, Ok(()));
        assert_eq!(bounded(open.acquire("k")).await, Ok(()));
        let refused = bounded(closed.try_acquire("k")).await.expect_err("nobody can decide");
        assert_eq!((refused.reason(), refused.name()), (Reason::CircuitOpen, "fleet"));
        bounded(closed.acquire("k")).await.expect_err("nobody can decide");
    }
}

#[tokio::test]
async fn a_local_quota_holds_while_redis_is_away() {
    let mut server = Server::start().await;
    let (builder, _) = builder(&server).await;
    let limiter = builder.on_outage(Outage::Local(per_minute(3))).build().expect("sound");
    server.kill();

    let mut granted = 0;
    for _ in 0..20 {
        granted += i32::from(bounded(limiter.try_acquire("k")).await.is_ok());
    }

    assert_eq!(granted, 3);
    let heavy =
        bounded(limiter.try_acquire_n("k", 4)).await.expect_err("more than the local burst");
    assert_eq!(heavy.reason(), Reason::RateLimited);
    assert_eq!(limiter.try_acquire("another").await, Ok(()), "each key has its own");
}

#[tokio::test]
async fn where_nothing_is_said_each_node_keeps_the_whole_quota() {
    let mut server = Server::start().await;
    let connection = hurried("limits", &server).build().expect("sound");
    let limiter = RateLimiter::builder("fleet", connection).quota(per_minute(2)).build();
    let limiter = limiter.expect("sound");
    server.kill();

    let mut granted = 0;
    for _ in 0..10 {
        granted += i32::from(bounded(limiter.try_acquire("k")).await.is_ok());
    }

    assert_eq!(granted, 2);
}

#[tokio::test]
async fn its_turns_are_told_once_each() {
    let mut server = Server::start().await;
    let (builder, told) = builder(&server).await;
    let limiter = builder.on_outage(Outage::Open).build().expect("sound");
    limiter.try_acquire("k").await.expect("it is up");
    assert_eq!(*told.lock(), []);

    server.kill();
    for _ in 0..10 {
        limiter.try_acquire("k").await.expect("it is open");
    }
    let began = told.lock().clone();
    assert!(matches!(began[..], [Turn::OutageBegan { .. }]), "{began:?}");
    assert_eq!(limiter.snapshot().state, "away");
    server.restart().await;
    until_shared(&limiter).await;

    let told = told.lock();
    assert!(matches!(told[..], [Turn::OutageBegan { .. }, Turn::OutageEnded { .. }]), "{told:?}");
}

#[tokio::test]
async fn a_server_that_stands_still_is_waited_for_a_bounded_time_and_then_not_at_all() {
    let server = Server::start().await;
    for prebook in [1, 50] {
        let (builder, _) = builder(&server).await;
        let limiter = builder.prebook(prebook).on_outage(Outage::Open).build().expect("sound");
        limiter.try_acquire("k").await.expect("it is up");

        server.stop();
        // Many at once: none waits for the others' waits.
        let began = Instant::now();
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move { bounded(limiter.try_acquire("k")).await })
            })
            .collect();
        for caller in callers {
            caller.await.expect("each is bounded").expect("it is open");
        }
        assert!(began.elapsed() < TIME + SLACK);
        // Some more, one after the other, until the circuit is open.
        for _ in 0..10 {
            bounded(limiter.try_acquire("k")).await.expect("it is open");
        }
        let began = Instant::now();
        for _ in 0..50 {
            limiter.try_acquire("k").await.expect("it is open");
        }
        // A probe now and then costs its time.
        assert!(began.elapsed() < SLACK, "{:?}", began.elapsed());
        server.go_on();

        until_shared(&limiter).await;
    }
}

#[tokio::test]
async fn who_waits_for_anothers_question_shares_its_failure() {
    let server = Server::start().await;
    let time = Duration::from_secs(1);
    let connection = hurried("limits", &server).response_timeout(time).build().expect("sound");
    let limiter = RateLimiter::builder("fleet", connection).quota(per_minute(1_000)).prebook(50);
    let limiter = limiter.on_outage(Outage::Open).build().expect("sound");
    limiter.try_acquire("k").await.expect("it is up");

    server.stop();
    let began = Instant::now();
    let later = async {
        sleep(time / 2).await;
        limiter.try_acquire("k").await
    };
    let both = tokio::join!(limiter.try_acquire("k"), later);
    let took = began.elapsed();
    server.go_on();

    assert_eq!(both, (Ok(()), Ok(())));
    assert!(took < time * 7 / 5, "the second did not ask again: {took:?}");
}

#[tokio::test]
async fn a_caller_in_a_hurry_is_no_outage() {
    let server = Server::start().await;
    for prebook in [1, 50] {
        let (builder, told) = builder(&server).await;
        let limiter = builder.prebook(prebook).on_outage(Outage::Open).build().expect("sound");
        limiter.try_acquire("k").await.expect("it is up");

        server.stop();
        let call = limiter.try_acquire("k");
        let late = deadline::scope(TIME / 10, bounded(call)).await;
        server.go_on();

        let late = late.expect_err("its time was over");
        assert_eq!(late.reason(), Reason::DeadlineExceeded);
        assert_eq!(*told.lock(), []);
    }
}

#[tokio::test]
async fn an_empty_restart_costs_one_burst_at_most() {
    let mut server = Server::start().await;
    let (builder, _) = builder(&server).await;
    let limiter = builder.on_outage(Outage::Closed).build().expect("sound");
    let drain = async || {
        let mut granted = 0;
        while limiter.try_acquire_n("k", 10).await.is_ok() {
            granted += 10;
        }
        granted
    };
    let before = drain().await;
    server.kill();
    server.restart().await;
    until_shared(&limiter).await;
    // What was refused before is remembered for some milliseconds here.
    sleep(Duration::from_millis(700)).await;
    let after = drain().await;

    for granted in [before, after] {
        assert!((1_000..=1_100).contains(&granted), "a burst, and what came back: {granted}");
    }
}

#[tokio::test]
async fn what_is_held_ahead_is_used_while_redis_is_away() {
    let mut server = Server::start().await;
    let (builder, told) = builder(&server).await;
    let builder = builder.prebook(16).lease(Duration::from_secs(60)).on_outage(Outage::Closed);
    let limiter = builder.build().expect("sound");
    for _ in 0..16 {
        limiter.try_acquire("hot").await.expect("1, 2, 4, 8 and one of 16");
    }
    server.kill();

    for _ in 0..15 {
        limiter.try_acquire("hot").await.expect("fifteen are held");
    }
    assert_eq!(*told.lock(), [], "nobody had to ask");
    bounded(limiter.try_acquire("hot")).await.expect_err("now somebody has");
    assert!(matches!(told.lock()[..], [Turn::OutageBegan { .. }]));
}

#[tokio::test]
async fn a_key_that_is_something_else_is_decided_by_the_policy_and_told() {
    let server = Server::start().await;
    let (builder, told) = builder(&server).await;
    let builder = builder.prefix("test").on_outage(Outage::Closed);
    let limiter = builder.build().expect("sound");
    server.ask("LPUSH test:{list}:60s x");
    server.ask("SET test:{text}:60s something");

    limiter.try_acquire("list").await.expect_err("it is a list");
    limiter.try_acquire("text").await.expect("what is no debt is none");

    assert_eq!(limiter.snapshot().counters["errors"], 1);
    let told = told.lock();
    let Turn::OutageBegan { error, .. } = &told[0] else { panic!("{told:?}") };
    assert!(matches!(error, Error::Server { code, .. } if code == "WRONGTYPE"), "{error:?}");
}
