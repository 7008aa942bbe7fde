//! No password of a URL is ever shown, and a URL that cannot be is refused.

mod support;

use std::sync::Arc;

use parking_lot::Mutex;
use seawall_redis::{Command, Connection, Error, connection::Event};

use crate::support::{Server, bounded, echo, hurried, until_it_answers};

const SECRET: &str = "s3cr3t";

fn with_password(server: &Server) -> String {
    format!("redis://:{SECRET}@127.0.0.1:{}/0", server.port())
}

/// A listener, and what it has heard.
fn heard() -> (Arc<Mutex<Vec<Event>>>, impl Fn(&Event) + Send + Sync + 'static) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    (heard, move |event: &Event| listener.lock().push(event.clone()))
}

#[tokio::test]
async fn a_password_is_used_and_not_shown() {
    let server = Server::start_with(&["--requirepass", SECRET]).await;
    let (told, listener) = heard();

    let builder = hurried("secret", &server).url(with_password(&server)).on_event(listener);
    let shown = format!("{builder:?}");
    let connection = builder.build().expect("sound");
    until_it_answers(&connection).await;

    assert_eq!(echo(&connection, "let in").await, "let in");
    assert!(!shown.contains(SECRET), "{shown}");
    let shown = format!("{connection:?} {:?} {told:?}", connection.snapshot());
    assert!(shown.contains("Connected"), "what it told is there: {shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains(&server.port().to_string()), "where it goes is no secret: {shown}");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let server = Server::start_with(&["--requirepass", "another"]).await;
    let connection = hurried("wrong", &server).url(with_password(&server)).build().expect("sound");

    let failed = bounded(connection.send(&Command::new("PING"))).await;

    let failed = failed.expect_err("the password is wrong");
    let shown = format!("{failed} {failed:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.to_lowercase().contains("password"), "it says what is wrong: {shown}");
}

/// Such a server repeats the arguments of the command that it does not know.
#[tokio::test]
async fn a_server_that_repeats_the_password_is_not_repeated() {
    let server = Server::start_with(&["--rename-command", "HELLO", ""]).await;
    let said = server.ask(&format!("HELLO 3 AUTH default {SECRET}"));
    assert!(said.contains(SECRET), "the test is about servers that do so: {said}");
    let (told, listener) = heard();
    let builder = hurried("repeats", &server).url(with_password(&server)).on_event(listener);
    let connection = builder.build().expect("sound");

    let failed = bounded(connection.send(&Command::new("PING"))).await;

    let failed = failed.expect_err("it can't be greeted");
    let shown = format!("{failed} {failed:?} {connection:?} {told:?}");
    assert!(shown.contains("ConnectFailed"), "what it told is there: {shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(matches!(failed, Error::Connection { .. }), "{shown}");
}

#[test]
fn a_url_that_cannot_be_is_refused_with_what_can() {
    for url in [
        "",
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://localhost:port",
        "redis://localhost/zero",
        "redis://localhost?timeout=3",
        "redis://localhost?protocol=resp4",
        "redis://localhost#insecure",
        "redis://0.0.0.0",
        "unix://",
    ] {
        let error = Connection::builder("bad").url(url).build().expect_err(url);

        assert_eq!(error.field(), "url", "{url}");
        assert!(error.rule().contains("redis://"), "{url}: {error}");
    }
    let error = Connection::builder("none").build().expect_err("there is no URL");
    assert!(error.to_string().contains("redis://localhost"), "{error}");
}

#[test]
fn a_url_that_is_refused_shows_nothing_of_its_password() {
    // Each has something in its password that had to be encoded.
    for url in [
        "redis://user:s3c/r3t@localhost",
        "redis://user:12/34@localhost",
        "redis://user:12#34@localhost",
        "redis://user:12?34@localhost",
        "redis://user:s3c r3t@localhost:port",
        "redis:/user:s3cr3t@localhost/x",
        "user:s3cr3t@localhost",
        "s3cr3t://localhost",
    ] {
        let error = Connection::builder("bad").url(url).build().expect_err(url);

        let shown = format!("{error} {error:?}");
        for part in ["s3c", "r3t", "12", "34"] {
            assert!(!shown.contains(part), "{url}: {shown}");
        }
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_without_its_feature_is_refused_with_the_features_name() {
    let error = Connection::builder("tls").url("rediss://localhost").build().expect_err("no TLS");

    assert!(error.rule().contains("feature `tls`"), "{error}");
}

#[test]
fn times_that_cannot_be_are_refused() {
    use std::time::Duration;

    let builder = || Connection::builder("bad").url("redis://localhost");
    for (field, refused) in [
        ("response_timeout", builder().response_timeout(Duration::ZERO).build()),
        ("connect_timeout", builder().connect_timeout(Duration::MAX).build()),
        ("max_in_flight", builder().max_in_flight(0).build()),
        ("max_waiting", builder().max_waiting(u32::MAX).build()),
    ] {
        assert_eq!(refused.expect_err(field).field(), field);
    }
}
