//! What the handles of a connection share with its keeper, and the course of a call.
//!
//! ```text
//!  circuit ──▶ place ──▶ connection ──▶ command and answer
//!     │          │           │               │
//!  rejected   bounded     bounded         bounded, all by one moment: the call's end
//! ```
//!
//! # What it promises
//!
//! 1. Every call ends when its time is over, whatever the client or the server does.
//! 2. While the circuit is open, a call fails at once.
//! 3. No more commands are in flight than allowed, nor do more callers wait.
//! 4. A call that is dropped gives back its place and its permit; its answer goes to nobody.
//! 5. Who calls again and again, and fails at once each time, leaves the keeper its turn to reconnect,
//!    also on a runtime of one thread.

use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::{CircuitBreaker, State as Circuit};
use seawall_core::{
    Backoff, Chance, Clock, Listeners, Name, Observe, Outcome, Reason, Rejection, Snapshot,
    deadline, sync::Stat,
};
use tokio::{
    sync::watch,
    task::coop::consume_budget,
    time::{Instant, timeout_at},
};

use super::{
    event::{Event, Turn},
    state::{Live, State},
};
use crate::{
    Arg, Command, Error, Reply, Script,
    client::{Client, Failure, Times},
    error::cannot_serve,
};

pub(crate) struct Core {
    pub(super) name: Name,
    pub(super) client: Client,
    pub(super) times: Times,
    pub(super) clock: Clock,
    pub(super) reconnect: Backoff,
    pub(super) chance: Chance,
    pub(super) breaker: CircuitBreaker,
    pub(super) places: Bulkhead,
    pub(super) listeners: Listeners<Event>,
    pub(super) state: watch::Sender<State>,
    pub(super) stats: Stats,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    calls: Stat,
    timed_out: Stat,
    late: Stat,
    failed: Stat,
    server_errors: Stat,
    rejected: Stat,
    scripts_sent: Stat,
    pub(super) connects: Stat,
    pub(super) lost: Stat,
    pub(super) connect_failures: Stat,
}

/// What a call is about.
pub(super) enum Request<'a, K> {
    Command(&'a Command),
    Script { script: &'a Script, keys: &'a [K], args: &'a [Arg<'a>] },
}

/// A call that failed, and what that says about the server.
struct Ended {
    error: Error,
    outcome: Outcome,
}

impl Core {
    /// The course of a call.
    pub(super) async fn call<K: AsRef<[u8]>>(
        &self,
        start: impl Fn(),
        request: Request<'_, K>,
    ) -> Result<Reply, Error> {
        // A call may be refused without having waited for anything.
        consume_budget().await;
        let left = deadline::remaining();
        if left.is_some_and(|left| left.is_zero()) {
            return Err(self.late());
        }
        let permit = self.breaker.try_acquire().inspect_err(|_| self.stats.rejected.add(1))?;
        let time = left.map_or(self.times.response, |left| left.min(self.times.response));
        let ended = match self.attempt(start, &request, Instant::now() + time).await {
            Ok(reply) => {
                permit.success();
                self.stats.calls.add(1);
                return Ok(reply);
            }
            Err(ended) => ended,
        };
        // Where the caller had less time than a call may take, its end is no news about the server.
        let hurried = matches!(ended.error, Error::TimedOut { .. }) && time < self.times.response;
        permit.record(if hurried { Outcome::Ignored } else { ended.outcome });
        let error = match ended.error {
            Error::TimedOut { sent: false } if hurried => return Err(self.late()),
            Error::TimedOut { sent: true } if hurried => Error::DeadlineExceeded,
            error => error,
        };
        self.stats.count(&error);
        Err(error)
    }

    /// Takes a place, waits for the connection, and sends; all before `end`.
    async fn attempt<K: AsRef<[u8]>>(
        &self,
        start: impl Fn(),
        request: &Request<'_, K>,
        end: Instant,
    ) -> Result<Reply, Ended> {
        let ended = |error, outcome| Ended { error, outcome };
        let timed_out = |sent, outcome| move |_| ended(Error::TimedOut { sent }, outcome);

        let _place = timeout_at(end, self.places.acquire())
            .await
            .map_err(timed_out(false, Outcome::Ignored))?
            .map_err(|full| ended(full.into(), Outcome::Ignored))?;
        let live = timeout_at(end, self.live(start))
            .await
            .map_err(timed_out(false, Outcome::Failure))?
            .map_err(|down| ended(down, Outcome::Failure))?;
        timeout_at(end, self.send(&live, request))
            .await
            .map_err(timed_out(true, Outcome::Failure))?
            .map_err(|failure| {
                let outcome = outcome_of(&failure);
                ended(failure.error, outcome)
            })
    }

    /// The connection, once it is up; why not, where the last attempt to connect failed.
    async fn live(&self, start: impl Fn()) -> Result<Live, Error> {
        if let State::Up(live) = &*self.state.borrow() {
            return Ok(live.clone());
        }
        let mut state = self.state.subscribe();
        loop {
            let is_idle = match &*state.borrow_and_update() {
                State::Up(live) => return Ok(live.clone()),
                State::Down(message) => {
                    return Err(Error::Connection { message: message.to_string(), sent: false });
                }
                State::Idle => true,
                State::Connecting => false,
            };
            if is_idle {
                start();
            }
            if state.changed().await.is_err() {
                unreachable!("the sender is in `self`");
            }
        }
    }

    async fn send<K: AsRef<[u8]>>(
        &self,
        live: &Live,
        request: &Request<'_, K>,
    ) -> Result<Reply, Failure> {
        let (script, keys, args) = match *request {
            Request::Command(command) => return live.send(command).await,
            Request::Script { script, keys, args } => (script, keys, args),
        };
        match live.send(&script.by_name(keys, args)).await {
            Err(Failure { error: Error::Server { code, .. }, .. }) if code == "NOSCRIPT" => {
                self.stats.scripts_sent.add(1);
                self.tell(Turn::ScriptSent { sha1: script.sha1().to_owned() });
                live.send(&script.by_source(keys, args)).await
            }
            result => result,
        }
    }

    /// A call whose caller's time was over before it was made.
    fn late(&self) -> Error {
        self.stats.rejected.add(1);
        Rejection::new(Reason::DeadlineExceeded, self.name.clone()).into()
    }

    pub(super) fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        self.trace(&turn);
        self.listeners.tell(|| Event { name: self.name.clone(), turn });
    }

    #[cfg(feature = "tracing")]
    fn trace(&self, turn: &Turn) {
        const TARGET: &str = "seawall::redis";
        let name = self.name.as_str();
        match turn {
            Turn::Connected { again } => {
                tracing::info!(target: TARGET, name, again, "connected");
            }
            Turn::Lost { why } => tracing::warn!(target: TARGET, name, why, "connection lost"),
            Turn::ConnectFailed { message, retry_in } => {
                tracing::warn!(target: TARGET, name, message, ?retry_in, "not connected");
            }
            Turn::ScriptSent { sha1 } => {
                tracing::debug!(target: TARGET, name, sha1, "sent a script");
            }
            Turn::Circuit(_) => {} // the circuit has told already
        }
    }
}

/// What a failed command says about the server.
fn outcome_of(failure: &Failure) -> Outcome {
    match &failure.error {
        Error::Server { code, .. } if cannot_serve(code) => Outcome::Failure,
        // It answers, if only to say that the command is wrong.
        Error::Server { .. } => Outcome::Success,
        // All that are in flight when a connection breaks fail, which is one event and not many; whether
        // the server is well, the next attempt to connect will tell.
        _ if failure.broken => Outcome::Ignored,
        _ => Outcome::Failure,
    }
}

impl Stats {
    fn count(&self, error: &Error) {
        let (kind, sent) = match error {
            Error::Rejected(_) => (&self.rejected, false),
            Error::TimedOut { sent } => (&self.timed_out, *sent),
            Error::DeadlineExceeded => (&self.late, true),
            Error::Connection { sent, .. } => (&self.failed, *sent),
            Error::Server { .. } | Error::UnexpectedReply { .. } => (&self.server_errors, true),
        };
        kind.add(1);
        self.calls.add(sent.into());
    }
}

impl Observe for Core {
    fn snapshot(&self) -> Snapshot {
        let state = match self.breaker.state() {
            Circuit::Open | Circuit::ForcedOpen => "circuit_open",
            _ => self.state.borrow().as_str(),
        };
        let stats = &self.stats;
        Snapshot::new("redis_connection", self.name.as_str(), state)
            .gauge("in_flight", self.places.in_flight().into())
            .gauge("waiting", self.places.waiting().into())
            .counter("calls", stats.calls.get())
            .counter("timed_out", stats.timed_out.get())
            .counter("deadline_exceeded", stats.late.get())
            .counter("failed", stats.failed.get())
            .counter("server_errors", stats.server_errors.get())
            .counter("rejected", stats.rejected.get())
            .counter("scripts_sent", stats.scripts_sent.get())
            .counter("connects", stats.connects.get())
            .counter("lost", stats.lost.get())
            .counter("connect_failures", stats.connect_failures.get())
            .limit("max_in_flight", self.places.limit().into())
            .limit("response_timeout_seconds", self.times.response.as_secs_f64())
            .limit("connect_timeout_seconds", self.times.connect.as_secs_f64())
    }
}
