//! The builder: every setting by name, checked when it is built.

use std::{fmt, sync::Arc, time::Duration};

use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::{CircuitBreaker, Config as CircuitConfig, Window};
use seawall_core::{Backoff, Chance, Clock, ConfigError, Jitter, Listeners, Name};
use tokio::sync::watch;

use super::{
    Connection,
    core::{Core, Stats},
    event::{Event, Turn},
    state::State,
};
use crate::{
    address::Address,
    client::{Client, Times},
};

/// Builds a [`Connection`]: made by [`Connection::builder`].
///
/// | setting | default | why, and what it was tuned for |
/// |---|---|---|
/// | `url` | none: it must be set | |
/// | `connect_timeout` | 2 s | two lost packets of a handshake |
/// | `response_timeout` | 500 ms | far above what a healthy server takes, below what a person waits for |
/// | `max_in_flight` | 1024 | more than keep a server busy over a round trip of a few milliseconds |
/// | `max_waiting` | 16 384 | a burst may wait for its turn; a flood is refused |
/// | `circuit` | 5 failures in a row (one server), or half of the calls of the last 10 s; open for 250 ms, doubling to 5 s, equal jitter | a cache or a limit that is away must not be asked by everybody |
/// | `reconnect` | 50 ms, doubling to 5 s, full jitter | back soon after a restart, and no fleet comes back together |
///
/// # Examples
///
/// How do I give a call less time?
///
/// ```
/// # use seawall_redis::Connection;
/// # use std::time::Duration;
/// let redis = Connection::builder("limits")
///     .url("redis://:secret@localhost/3")
///     .response_timeout(Duration::from_millis(50))
///     .build()?;
/// assert!(!format!("{redis:?}").contains("secret"));
/// # Ok::<(), seawall_redis::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder builds nothing until `build`"]
pub struct ConnectionBuilder {
    name: Name,
    server: Server,
    times: Times,
    max_in_flight: u32,
    max_waiting: u32,
    circuit: Option<CircuitConfig>,
    reconnect: Backoff,
    clock: Clock,
    listeners: Listeners<Event>,
}

#[derive(Clone)]
enum Server {
    Unknown,
    Single(String),
    #[cfg(feature = "cluster")]
    Cluster(Vec<String>),
}

impl ConnectionBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            server: Server::Unknown,
            times: Times { connect: Duration::from_secs(2), response: Duration::from_millis(500) },
            max_in_flight: 1024,
            max_waiting: 16_384,
            circuit: None,
            reconnect: Backoff::exponential(Duration::from_millis(50))
                .max(Duration::from_secs(5))
                .jitter(Jitter::Full),
            clock: Clock::default(),
            listeners: Listeners::new(),
        }
    }

    /// Where the server is: `redis://[[user]:password@]host[:port][/db]`, `rediss://…` for TLS (with the
    /// feature `tls`), `unix:///path`.
    ///
    /// The connection speaks RESP3, in which a server tells at once when it closes it. A server before
    /// Redis 6 wants `?protocol=resp2`; a connection that breaks is then noticed by the next call.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.server = Server::Single(url.into());
        self
    }

    /// Some nodes of a cluster, of which one must answer; it knows the others.
    #[cfg(feature = "cluster")]
    pub fn urls(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.server = Server::Cluster(urls.into_iter().map(Into::into).collect());
        self
    }

    /// How long an attempt to connect may take.
    ///
    /// On a cluster each node is given a quarter of `response_timeout`, or 100 ms where that is less; if
    /// all are too far away for it, then each a third of this time.
    pub const fn connect_timeout(mut self, time: Duration) -> Self {
        self.times.connect = time;
        self
    }

    /// How long a call may take, all told: waiting for its turn and for the connection, sending, and
    /// the answer. A call whose [deadline](seawall_core::deadline) is earlier ends with that.
    ///
    /// Choose it shorter than your own callers wait: a call that is dropped tells less than one that
    /// times out.
    pub const fn response_timeout(mut self, time: Duration) -> Self {
        self.times.response = time;
        self
    }

    /// How many commands may be in flight at once.
    pub const fn max_in_flight(mut self, commands: u32) -> Self {
        self.max_in_flight = commands;
        self
    }

    /// How many calls may wait while as many are in flight as may be.
    pub const fn max_waiting(mut self, calls: u32) -> Self {
        self.max_waiting = calls;
        self
    }

    /// What opens the circuit that guards the calls, and for how long.
    ///
    /// For a cluster don't let failures in a row open it: the calls to one lost node would take the
    /// others with them.
    pub fn circuit(mut self, config: CircuitConfig) -> Self {
        self.circuit = Some(config);
        self
    }

    /// How long to wait before each attempt to connect again.
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.reconnect = backoff;
        self
    }

    /// Where the circuit takes the time from; [`Clock::default`] where not set. Waits are tokio's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each turn of the connection, outside any lock. Be quick: it is the
    /// connection's keeper, or a call, that waits.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the handle, and connects to nothing: the first call does.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed. Of a URL it shows no
    /// more than the scheme.
    pub fn build(self) -> Result<Connection, ConfigError> {
        for (field, time) in
            [("connect_timeout", self.times.connect), ("response_timeout", self.times.response)]
        {
            let allowed = Duration::from_millis(1)..=Duration::from_secs(3600);
            if !allowed.contains(&time) {
                return Err(ConfigError::new(
                    field,
                    format_args!("{time:?}"),
                    "from 1 ms to an hour",
                ));
            }
        }
        self.reconnect.check().map_err(|error| error.of("reconnect.factor"))?;
        let client = match &self.server {
            Server::Unknown => {
                return Err(ConfigError::new("url", "not set", "a URL such as redis://localhost"));
            }
            Server::Single(url) => Client::single(Address::parse(url)?)?,
            #[cfg(feature = "cluster")]
            Server::Cluster(urls) => {
                let seeds = urls.iter().map(|url| Address::parse(url).map_err(|e| e.of("urls")));
                Client::cluster(seeds.collect::<Result<_, _>>()?, self.times)?
            }
        };
        let circuit = self.circuit.clone().unwrap_or_else(|| self.default_circuit(&client));
        let places = Bulkhead::builder(self.name.clone())
            .limit(self.max_in_flight)
            .queue(self.max_waiting)
            .max_wait(self.times.response)
            .clock(self.clock.clone())
            .build()
            .map_err(|error| match error.field() {
                "queue" => error.of("max_waiting"),
                _ => error.of("max_in_flight"),
            })?;
        let breaker = CircuitBreaker::builder(self.name.clone())
            .config(circuit)
            .clock(self.clock.clone())
            .on_event(self.pass_on())
            .build()?;
        Ok(Connection::new(Core {
            name: self.name,
            client,
            times: self.times,
            clock: self.clock,
            reconnect: self.reconnect,
            chance: Chance::random(),
            breaker,
            places,
            listeners: self.listeners,
            state: watch::Sender::new(State::Idle),
            stats: Stats::default(),
        }))
    }

    fn default_circuit(&self, client: &Client) -> CircuitConfig {
        let mut config = CircuitConfig::default();
        config.window = Window::time(Duration::from_secs(10));
        config.consecutive_failures = client.is_single().then_some(5);
        config.open_for = Backoff::exponential(Duration::from_millis(250))
            .max(Duration::from_secs(5))
            .jitter(Jitter::Equal);
        config.probe_lease = self.times.response.saturating_mul(2);
        config
    }

    /// Tells our listeners of the circuit's turns.
    fn pass_on(&self) -> impl Fn(&seawall_circuit_breaker::Event) + Send + Sync + 'static {
        let listeners = Arc::new(self.listeners.clone());
        move |event| {
            let turn = || Turn::Circuit(event.turn.clone());
            listeners.tell(|| Event { name: event.name.clone(), turn: turn() });
        }
    }
}

/// URLs are not shown: they hold passwords.
impl fmt::Debug for ConnectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionBuilder")
            .field("name", &self.name)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}
