//! Hearing which keys change: a connection of its own, which is watched, and made again when it is lost.
//!
//! ```text
//!      connect ──▶ CLIENT TRACKING ON BCAST PREFIX ──▶ Begun ──▶ Changed, Flushed ── ... ──▶ Lost
//!         ▲                                                                                    │
//!         └───────────────── a wait that grows, with jitter ───────────────────────────────────┘
//! ```
//!
//! # What it promises
//!
//! 1. Between `Begun` and `Lost` everything that the server says of names with this prefix is told, in its
//!    order: the client's driver calls, and nothing lies in between that could overflow. (Where the server's
//!    own buffer for us does, it closes the connection, and that is `Lost`.)
//! 2. `Lost` is told as soon as the connection breaks, and at the latest a heartbeat and a response time after
//!    the server was last there.
//!
//! It does not share the connection of the calls: a server that hangs up on one that does not read fast enough
//! hangs up on nobody else, and what is heard waits for no reply.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    Connection,
    keeper::{STABLE, Waits},
};
use crate::client::{Link, Push};

/// What is heard.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    /// From here on everything.
    Begun,
    /// From here on not everything; why.
    Lost(&'a str),
    /// A key with this name was written, or went.
    Changed(&'a [u8]),
    /// All keys went.
    Flushed,
}

impl Connection {
    /// Tells `hear` of all names that begin with `prefix` and change, until it is dropped; at once over where
    /// the server can't be listened to: a cluster, and RESP2.
    pub(crate) async fn track(
        &self,
        prefix: Vec<u8>,
        heartbeat: Duration,
        hear: impl Fn(Said<'_>) + Clone + Send + Sync + 'static,
    ) {
        let core = &self.shared.core;
        if !core.client.can_track() {
            return;
        }
        let mut waits = Waits::default();
        loop {
            let (tell, mut lost) = mpsc::channel(1);
            let on_push = pass_on(hear.clone(), tell);
            let connected = timeout(core.times.connect, core.client.track(&prefix, on_push)).await;
            if let Ok(Ok(link)) = connected {
                let since = core.clock.now();
                hear(Said::Begun);
                let why = watch(&link, &mut lost, heartbeat, core.times.response).await;
                hear(Said::Lost(&why));
                if core.clock.now().since(since) >= STABLE {
                    waits = Waits::default();
                }
            }
            sleep(waits.next(core)).await;
        }
    }

    /// Whether one server answers for all keys.
    pub(crate) fn is_single(&self) -> bool {
        self.shared.core.client.is_single()
    }
}

fn pass_on(
    hear: impl Fn(Said<'_>) + Send + Sync + 'static,
    lost: mpsc::Sender<()>,
) -> impl Fn(Push<'_>) + Send + Sync + 'static {
    move |push| match push {
        Push::Changed(name) => hear(Said::Changed(name)),
        Push::Flushed => hear(Said::Flushed),
        Push::Disconnected => drop(lost.try_send(())),
    }
}

/// Returns when nothing is heard any more, and says why.
async fn watch(
    link: &Link,
    lost: &mut mpsc::Receiver<()>,
    heartbeat: Duration,
    response: Duration,
) -> String {
    let mut ticks = interval(heartbeat);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = lost.recv() => return "the server closed the connection".to_owned(),
            _ = ticks.tick() => {}
        }
        match timeout(response, link.ping(response)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => return failure.error.to_string(),
            Err(_) => return format!("no answer within {response:?}"),
        }
    }
}
