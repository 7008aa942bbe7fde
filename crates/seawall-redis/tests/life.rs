//! How a connection begins, is lost, and comes back.

mod support;

use std::time::Duration;

use seawall_circuit_breaker::Config as CircuitConfig;
use seawall_redis::{
    Backoff, Command, Connection, Error, Jitter, Reason, Script, connection::Turn,
};
use tokio::time::{Instant, timeout};

use crate::support::{
    PATIENCE, SLACK, Server, TIME, bounded, echo, hurried, until, until_it_answers, watched,
};

fn ping() -> Command {
    Command::new("PING")
}

/// Calls until the circuit refuses, as it must after a few failures.
async fn until_refused(connection: &Connection) -> seawall_redis::Rejection {
    for _ in 0..20 {
        if let Err(Error::Rejected(refused)) = bounded(connection.send(&ping())).await {
            return refused;
        }
    }
    panic!("twenty failures in a row, and the circuit is still closed");
}

#[tokio::test]
async fn nothing_is_connected_before_the_first_call() {
    let server = Server::start().await;
    let before = server.info("total_connections_received");

    let connection = hurried("lazy", &server).build().expect("sound");
    let (asked, state) = (server.info("total_connections_received"), connection.snapshot().state);
    assert_eq!(
        (asked, &*state),
        (before + 1, "idle"),
        "one more than before, which is the test's own"
    );

    assert_eq!(echo(&connection, "hello").await, "hello");
    assert_eq!(connection.snapshot().state, "up");
}

#[tokio::test]
async fn every_call_ends_in_time_though_the_server_is_stopped() {
    let server = Server::start().await;
    let connection = hurried("stopped", &server).build().expect("sound");
    until_it_answers(&connection).await;

    server.stop();
    let on_a_connection = bounded(connection.send(&ping())).await;
    // However late the machine is, the attempt to connect is not over before the call is.
    let fresh = hurried("fresh", &server).connect_timeout(Duration::from_secs(10));
    let fresh = fresh.build().expect("sound");
    let without_one = bounded(fresh.send(&ping())).await;
    server.go_on();

    assert!(
        matches!(on_a_connection, Err(Error::TimedOut { sent: true, .. })),
        "{on_a_connection:?}"
    );
    assert!(matches!(without_one, Err(Error::TimedOut { sent: false, .. })), "{without_one:?}");
}

#[tokio::test]
async fn the_circuit_opens_after_some_time_outs_and_calls_fail_at_once() {
    let server = Server::start().await;
    let mut circuit = CircuitConfig::default();
    circuit.consecutive_failures = Some(3);
    circuit.open_for = Backoff::constant(Duration::from_secs(60)).jitter(Jitter::None);
    let connection = hurried("opens", &server).circuit(circuit).build().expect("sound");
    until_it_answers(&connection).await;

    server.stop();
    let began = Instant::now();
    let mut timed_out = 0;
    while let Error::TimedOut { .. } = bounded(connection.send(&ping())).await.expect_err("stopped")
    {
        timed_out += 1;
    }
    // The keeper asks too, and where the machine is slow one of the three is its own.
    assert!((1..=3).contains(&timed_out), "{timed_out} calls have waited");
    assert!(began.elapsed() >= TIME * timed_out);
    let began = Instant::now();
    for _ in 0..1_000 {
        let failed = connection.send(&ping()).await.expect_err("it is open");
        let refused = failed.rejection().expect("nothing was sent");
        assert_eq!((refused.reason(), refused.name()), (Reason::CircuitOpen, "opens"));
        assert!(refused.retry_after().is_some_and(|wait| wait > Duration::from_secs(50)));
    }
    let took = began.elapsed();
    server.go_on();

    assert!(took < SLACK, "a thousand refusals took {took:?}");
    assert_eq!(connection.snapshot().state, "circuit_open");
}

#[tokio::test]
async fn the_circuits_turns_are_told() {
    use seawall_circuit_breaker::Turn as Circuit;

    let server = Server::start().await;
    let (connection, told) = watched("turns", &server);
    until_it_answers(&connection).await;
    server.stop();
    until_refused(&connection).await;
    server.go_on();
    until_it_answers(&connection).await;

    assert!(told.has(|turn| matches!(turn, Turn::Circuit(Circuit::Opened { .. }))), "{told:?}");
    assert!(told.has(|turn| matches!(turn, Turn::Circuit(Circuit::HalfOpened))), "{told:?}");
}

#[tokio::test]
async fn it_comes_back_by_itself_once_the_server_goes_on() {
    let server = Server::start().await;
    let (connection, _) = watched("back", &server);
    until_it_answers(&connection).await;
    server.stop();
    until_refused(&connection).await;

    server.go_on();

    until_it_answers(&connection).await;
    assert_eq!(echo(&connection, "again").await, "again");
}

#[tokio::test]
async fn a_connection_that_is_lost_is_made_again_though_nobody_calls() {
    let mut server = Server::start().await;
    let (connection, told) = watched("again", &server);
    until_it_answers(&connection).await;

    server.kill();
    until("the loss is told", || told.has(|turn| matches!(turn, Turn::Lost { .. })).then_some(()))
        .await;
    let down = bounded(connection.send(&ping())).await;
    server.restart().await;
    until("it is up again", || (connection.snapshot().state == "up").then_some(())).await;

    assert!(matches!(down, Err(Error::Connection { sent: false, .. })), "{down:?}");
    assert!(told.has(|turn| matches!(turn, Turn::Connected { again: true, .. })), "{told:?}");
    assert_eq!(echo(&connection, "there").await, "there");
}

#[tokio::test]
async fn who_calls_without_a_pause_lets_it_come_back() {
    let server = Server::start().await;
    server.stop();
    let connection = hurried("no pause", &server).build().expect("sound");
    until_refused(&connection).await;
    server.go_on();

    // Each is refused, or fails, without a wait; the keeper has no other thread than this one.
    let end = Instant::now() + PATIENCE;
    while connection.send(&ping()).await.is_err() {
        assert!(Instant::now() < end, "nobody but the caller had a turn: {connection:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_told_with_what_the_system_says() {
    let mut server = Server::start().await;
    let (connection, told) = watched("away", &server);
    server.kill();

    let failed = bounded(connection.send(&ping())).await.expect_err("nobody is there");

    assert!(matches!(failed, Error::Connection { sent: false, .. }), "{failed:?}");
    assert!(failed.to_string().contains("refused"), "{failed}");
    assert!(told.has(|turn| matches!(turn, Turn::ConnectFailed { .. })), "{told:?}");
}

#[tokio::test]
async fn scripts_are_sent_again_by_themselves_after_a_restart_that_lost_them() {
    let mut server = Server::start().await;
    let (connection, told) = watched("scripts", &server);
    let add = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    let run = || async { connection.run(&add, &["sum"], &[7.into()]).await };
    let sent = || told.all().iter().filter(|turn| matches!(turn, Turn::ScriptSent { .. })).count();

    let first = run().await.and_then(|reply| reply.int());
    let second = run().await.and_then(|reply| reply.int());
    assert_eq!((first, second, sent()), (Ok(7), Ok(14), 1), "the second time it was known");
    server.ask("SCRIPT FLUSH");
    let flushed = run().await.and_then(|reply| reply.int());
    server.kill();
    server.restart().await;
    until_it_answers(&connection).await;
    let restarted = run().await.and_then(|reply| reply.int());

    assert_eq!((flushed, restarted, sent()), (Ok(21), Ok(7), 3));
    assert_eq!(connection.snapshot().counters["scripts_sent"], 3);
}

#[tokio::test]
async fn a_silent_connection_is_replaced_though_every_caller_gives_up_early() {
    let server = Server::start().await;
    let (connection, told) = watched("silent", &server);
    until_it_answers(&connection).await;

    server.stop();
    let lost = async {
        while !told.has(|turn| matches!(turn, Turn::Lost { .. })) {
            let _gave_up = timeout(TIME / 10, connection.send(&ping())).await;
        }
    };
    timeout(Duration::from_secs(10), lost).await.expect("the keeper looks after the connection");
    server.go_on();

    until_it_answers(&connection).await;
}

#[tokio::test]
async fn the_last_handle_takes_the_connection_with_it() {
    let server = Server::start().await;
    let connection = hurried("last", &server).build().expect("sound");
    let clone = connection.clone();
    until_it_answers(&connection).await;
    drop(connection);
    assert_eq!(echo(&clone, "one is left").await, "one is left");

    drop(clone);

    until("only the test is connected", || (server.info("connected_clients") == 1).then_some(()))
        .await;
}

#[test]
fn a_handle_outlives_the_runtime_that_connected_it() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is room")
    };
    let first = runtime();
    let server = first.block_on(Server::start());
    let connection = hurried("outlives", &server).build().expect("sound");
    first.block_on(until_it_answers(&connection));
    drop(first);

    runtime().block_on(until_it_answers(&connection));
}

#[tokio::test]
async fn a_connection_of_the_older_protocol_comes_back_with_the_next_call() {
    let mut server = Server::start().await;
    let url = format!("{}?protocol=resp2", server.url());
    let connection = hurried("resp2", &server).url(url).build().expect("sound");
    assert_eq!(echo(&connection, "two").await, "two");

    server.kill();
    server.restart().await;

    until_it_answers(&connection).await;
    assert_eq!(echo(&connection, "three").await, "three");
}

#[tokio::test]
async fn a_socket_in_the_file_system_will_do() {
    let server = Server::start().await;
    let url = format!("unix://{}", server.socket().display());

    let connection = hurried("socket", &server).url(url).build().expect("sound");

    assert_eq!(echo(&connection, "near").await, "near");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_and_nothing_panics() {
    let server = Server::start().await;
    let url = format!("rediss://127.0.0.1:{}", server.port());
    let connection = hurried("tls", &server).url(url).build().expect("sound");

    let failed = bounded(connection.send(&ping())).await.expect_err("it does not speak TLS");

    assert!(!failed.may_have_run(), "{failed:?}");
}
