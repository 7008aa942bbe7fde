//! What a connection is at present, as its keeper says and its calls read.
//!
//! | state | a call |
//! |---|---|
//! | `Idle` | starts a [keeper](super::keeper), and waits for it |
//! | `Connecting` | waits until it is one of the others |
//! | `Up` | sends |
//! | `Down` | fails at once with what the last attempt said |

use std::{sync::Arc, time::Duration};

use seawall_core::sync::Stat;
use tokio::sync::mpsc;

use crate::{
    Command, Error, Reply,
    client::{Failure, Link},
};

pub(crate) enum State {
    /// Nobody has asked for it yet, or the runtime that kept it up is gone.
    Idle,
    /// An attempt is being made.
    Connecting,
    /// It is up.
    Up(Live),
    /// The last attempt failed, and the next one is not due yet.
    Down(Arc<str>),
}

impl State {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Up(_) => "up",
            Self::Down(_) => "down",
        }
    }
}

/// A connection that is up: this one, and not the one that comes after it.
#[derive(Clone)]
pub(crate) struct Live {
    link: Link,
    traffic: Arc<Traffic>,
    lost: mpsc::Sender<String>,
}

/// What goes over a connection: the keeper compares each count with what it was a while ago.
#[derive(Debug, Default)]
struct Traffic {
    sent: Stat,
    answered: Stat,
}

/// How often something was sent and answered, up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    sent: u64,
    answered: u64,
}

impl Counts {
    /// Whether it was asked, and said nothing, since `before`.
    pub(super) const fn is_silent_since(self, before: Self) -> bool {
        self.sent != before.sent && self.answered == before.answered
    }
}

impl Live {
    pub(super) fn new(link: Link, lost: mpsc::Sender<String>) -> Self {
        Self { link, traffic: Arc::default(), lost }
    }

    pub(super) async fn send(&self, command: &Command) -> Result<Reply, Failure> {
        self.traffic.sent.add(1);
        self.answered(self.link.send(command).await)
    }

    pub(super) async fn ping(&self, time: Duration) -> Result<(), Failure> {
        self.answered(self.link.ping(time).await)
    }

    fn answered<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        match &result {
            Ok(_) | Err(Failure { error: Error::Server { .. }, broken: false }) => {
                self.traffic.answered.add(1);
            }
            Err(Failure { broken: true, error }) => self.is_lost(error.to_string()),
            // Of a cluster, whose other nodes may be well.
            Err(_) => {}
        }
        result
    }

    /// Tells its keeper, who hears the first of many.
    pub(super) fn is_lost(&self, why: String) {
        let _ = self.lost.try_send(why);
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { sent: self.traffic.sent.get(), answered: self.traffic.answered.get() }
    }
}
