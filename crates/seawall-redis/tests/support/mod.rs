//! What the tests of this crate share: a server of their own, and a way to wait for something.

#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod server;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_redis::{
    Backoff, Command, Connection, ConnectionBuilder, Jitter, Quota, RateLimiter,
    RateLimiterBuilder, Reply, connection::Turn,
};
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::server::Server;

/// A call may take so long in these tests.
pub(crate) const TIME: Duration = Duration::from_millis(400);

/// How late a bounded call may come back on a machine that has other work.
pub(crate) const SLACK: Duration = Duration::from_secs(2);

/// How long a test waits for what must come, so that only what never comes fails it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that is in a hurry, as tests are.
pub(crate) fn hurried(name: &'static str, server: &Server) -> ConnectionBuilder {
    Connection::builder(name)
        .url(server.url())
        .connect_timeout(Duration::from_millis(500))
        .response_timeout(TIME)
        .reconnect(
            Backoff::exponential(Duration::from_millis(10))
                .max(Duration::from_millis(100))
                .jitter(Jitter::Full),
        )
}

/// The same, and a list of what it tells.
pub(crate) fn watched(name: &'static str, server: &Server) -> (Connection, Told) {
    let told = Told::default();
    let listener = told.clone();
    let builder =
        hurried(name, server).on_event(move |event| listener.0.lock().push(event.turn.clone()));
    (builder.build().expect("the settings are sound"), told)
}

/// What a connection has told so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Turn>>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<Turn> {
        self.0.lock().clone()
    }

    pub(crate) fn has(&self, is_it: impl Fn(&Turn) -> bool) -> bool {
        self.0.lock().iter().any(is_it)
    }
}

/// Waits until `look` sees what it looks for; fails when [`PATIENCE`] is over.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "waited in vain until {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Sends a `PING` until it does well; fails when [`PATIENCE`] is over.
pub(crate) async fn until_it_answers(connection: &Connection) {
    until_it_does(connection, &Command::new("PING")).await;
}

/// Sends a command until it does well; fails when [`PATIENCE`] is over.
pub(crate) async fn until_it_does(connection: &Connection, command: &Command) -> Reply {
    let end = Instant::now() + PATIENCE;
    loop {
        match connection.send(command).await {
            Ok(reply) => return reply,
            Err(error) => assert!(Instant::now() < end, "it did not come back: {error:?}"),
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// What came of `call`; fails where it takes longer than it may.
pub(crate) async fn bounded<T>(call: impl Future<Output = T>) -> T {
    timeout(TIME + SLACK, call).await.expect("a call ends when its time is over")
}

/// `ECHO word`, and what came back.
pub(crate) async fn echo(connection: &Connection, word: &str) -> String {
    let reply = connection.send(&Command::new("ECHO").arg(word)).await.expect("it is up");
    let bytes = reply.bytes().expect("a string").expect("not nothing");
    String::from_utf8(bytes).expect("it was text")
}

/// A node of a fleet that shares a quota on a server, with a connection of its own and time to wait.
pub(crate) async fn fleet(server: &Server, quota: Quota) -> RateLimiterBuilder {
    let connection = hurried("limits", server).response_timeout(Duration::from_secs(5)).build();
    let connection = connection.expect("the settings are sound");
    until_it_answers(&connection).await;
    RateLimiter::builder("fleet", connection).prefix("test").quota(quota)
}
