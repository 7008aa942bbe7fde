//! What a call may take, and what is left of one that is dropped.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_core::deadline;
use seawall_redis::{Bound, Command, Connection, Error, Reason, Registry, Reply, Script};
use tokio::time::timeout;

use crate::support::{Server, TIME, bounded, echo, hurried, until, until_it_answers};

async fn up(name: &'static str, server: &Server) -> Connection {
    let connection = hurried(name, server).build().expect("sound");
    until_it_answers(&connection).await;
    connection
}

#[tokio::test]
async fn a_dropped_calls_answer_goes_to_nobody_else() {
    let server = Server::start().await;
    let connection = up("dropped", &server).await;

    for turn in 0..500_u32 {
        // Dropped after nothing, after it is sent, or after it is answered, as chance will have it.
        let lost = format!("lost {turn}");
        let command = Command::new("ECHO").arg(&lost);
        let _gave_up =
            timeout(Duration::from_micros((turn % 50).into()), connection.send(&command)).await;

        let mine = format!("mine {turn}");
        assert_eq!(echo(&connection, &mine).await, mine);
    }
}

#[tokio::test]
async fn a_late_answer_goes_to_nobody_else() {
    let server = Server::start().await;
    let connection = up("late", &server).await;

    server.stop();
    let late = bounded(connection.send(&Command::new("ECHO").arg("late"))).await;
    server.go_on();

    assert!(matches!(late, Err(Error::TimedOut { sent: true, .. })), "{late:?}");
    for word in ["a", "b", "c"] {
        assert_eq!(echo(&connection, word).await, word);
    }
}

#[tokio::test]
async fn a_write_that_timed_out_may_be_carried_out_later() {
    let server = Server::start().await;
    let connection = up("unknown", &server).await;

    server.stop();
    let write = Command::new("SET").arg("written").arg("after all");
    let failed = bounded(connection.send(&write)).await.expect_err("it is stopped");
    server.go_on();

    assert!(failed.may_have_run(), "{failed:?}");
    until("it is carried out", || (server.ask("GET written") == "after all").then_some(())).await;
}

#[tokio::test]
async fn a_dropped_call_gives_its_place_back() {
    let server = Server::start().await;
    let connection =
        hurried("place", &server).max_in_flight(1).max_waiting(0).build().expect("sound");
    until_it_answers(&connection).await;
    let in_flight = || connection.snapshot().gauges["in_flight"];

    server.stop();
    let ping = Command::new("PING");
    let mut call = Box::pin(connection.send(&ping));
    timeout(TIME / 10, &mut call).await.expect_err("it is stopped");
    let during = in_flight();
    let second = bounded(connection.send(&ping)).await;
    drop(call);
    let after = in_flight();
    server.go_on();

    assert_eq!((during, after), (1.0, 0.0));
    let second = second.expect_err("there is one place");
    assert_eq!(second.rejection().map(|refused| refused.reason()), Some(Reason::BulkheadFull));
    until_it_answers(&connection).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_at_once_stay_bounded() {
    let server = Server::start().await;
    let connection = hurried("many", &server)
        .response_timeout(Duration::from_secs(20))
        .max_in_flight(64)
        .max_waiting(5_000)
        .build()
        .expect("sound");
    until_it_answers(&connection).await;

    let (watched, over) = (connection.clone(), Arc::new(AtomicBool::new(false)));
    let is_over = Arc::clone(&over);
    let watcher = tokio::spawn(async move {
        let (mut in_flight, mut waiting) = (0.0_f64, 0.0_f64);
        while !is_over.load(Relaxed) {
            let gauges = watched.snapshot().gauges;
            in_flight = in_flight.max(gauges["in_flight"]);
            waiting = waiting.max(gauges["waiting"]);
            tokio::task::yield_now().await;
        }
        (in_flight, waiting)
    });
    let calls: Vec<_> = (0..10_000)
        .map(|number| {
            let connection = connection.clone();
            tokio::spawn(async move {
                let word = format!("{number}");
                let reply = connection.send(&Command::new("ECHO").arg(&word)).await?;
                assert_eq!(reply, Reply::Bytes(word.into_bytes()));
                Ok::<(), Error>(())
            })
        })
        .collect();
    let mut answered = 0;
    for call in calls {
        match call.await.expect("no call panics") {
            Ok(()) => answered += 1,
            Err(Error::Rejected(full)) => assert_eq!(full.bound(), Some(Bound::Queue), "{full}"),
            Err(other) => panic!("{other}"),
        }
    }
    over.store(true, Relaxed);
    let (in_flight, waiting) = watcher.await.expect("it only looks");

    assert!(answered >= 5_064, "those that found a place were served: {answered}");
    assert!((1.0..=64.0).contains(&in_flight), "{in_flight} in flight");
    assert!(waiting <= 5_000.0, "{waiting} waited");
    assert!(connection.snapshot().gauges["in_flight"] < 1.0);
}

#[tokio::test]
async fn no_call_passes_its_callers_deadline() {
    let server = Server::start().await;
    let connection = up("deadline", &server).await;
    let ping = Command::new("PING");

    server.stop();
    let in_flight = deadline::scope(TIME / 10, bounded(connection.send(&ping))).await;
    let passed = deadline::scope(Duration::ZERO, bounded(connection.send(&ping))).await;
    server.go_on();

    assert_eq!(in_flight, Err(Error::DeadlineExceeded), "it was sent");
    let passed = passed.expect_err("nobody waits any more");
    let reason = passed.rejection().map(|refused| refused.reason());
    assert_eq!(reason, Some(Reason::DeadlineExceeded), "{passed:?}");
    assert!(Error::DeadlineExceeded.may_have_run() && !passed.may_have_run());
    assert!(!Error::DeadlineExceeded.is_outage() && !passed.is_outage(), "they were in a hurry");
    assert_eq!(connection.snapshot().counters["timed_out"], 0);
}

#[tokio::test]
async fn a_wrong_command_is_told_and_opens_no_circuit() {
    let server = Server::start().await;
    let connection = up("wrong", &server).await;
    connection.send(&Command::new("SET").arg("text").arg("x")).await.expect("it is up");

    for _ in 0..50 {
        let failed = connection.send(&Command::new("LPUSH").arg("text").arg(1)).await;
        let Err(Error::Server { code, message, .. }) = failed else { panic!("{failed:?}") };
        assert_eq!(code, "WRONGTYPE");
        assert!(message.contains("wrong kind of value"), "{message}");
    }

    assert_eq!(echo(&connection, "well").await, "well");
    assert_eq!(connection.snapshot().counters["server_errors"], 50);
}

#[tokio::test]
async fn replies_are_the_same_in_both_versions_of_the_protocol() {
    let server = Server::start().await;
    let script =
        Script::new("return {1, 'two', false, {3, {4}}, redis.status_reply('FINE'), true}");
    for protocol in ["resp2", "resp3"] {
        let url = format!("{}?protocol={protocol}", server.url());
        let connection = hurried("both", &server).url(url).build().expect("sound");
        connection
            .send(&Command::new("HSET").arg("map").arg("k").arg("v"))
            .await
            .expect("it is up");

        let reply = connection.run(&script, &["map"], &[]).await.expect("it is up");
        let map = connection.send(&Command::new("HGETALL").arg("map")).await.expect("it is up");
        let score = connection.send(&Command::new("ZSCORE").arg("none").arg("x")).await;

        let bytes = |text: &str| Reply::Bytes(text.into());
        let three = Reply::Array(vec![Reply::Int(3), Reply::Array(vec![Reply::Int(4)])]);
        let all = [Reply::Int(1), bytes("two"), Reply::Nil, three, bytes("FINE"), Reply::Int(1)];
        assert_eq!(map, Reply::Array(vec![bytes("k"), bytes("v")]), "{protocol}");
        assert_eq!(score, Ok(Reply::Nil), "{protocol}");
        assert_eq!(reply, Reply::Array(all.into()), "{protocol}");
    }
}

#[tokio::test]
async fn a_script_that_fails_says_so() {
    let server = Server::start().await;
    let connection = up("failing", &server).await;
    let script = Script::new("return redis.error_reply('MINE it is so')");

    let failed = connection.run(&script, &["k"], &[]).await;

    let Err(Error::Server { code, message, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!((&*code, &*message), ("MINE", "it is so"));
}

#[tokio::test]
async fn a_registry_sees_the_connection_and_what_guards_it() {
    let server = Server::start().await;
    let connection = up("seen", &server).await;
    let registry = Registry::new();

    connection.register(&registry);

    let patterns: Vec<_> =
        registry.snapshots().into_iter().map(|seen| (seen.pattern, seen.name)).collect();
    let seen = |pattern: &'static str| (pattern.into(), "seen".to_owned());
    assert_eq!(patterns, [seen("redis_connection"), seen("circuit_breaker"), seen("bulkhead")]);
    drop(connection);
    until("it is gone", || registry.snapshots().is_empty().then_some(())).await;
}
