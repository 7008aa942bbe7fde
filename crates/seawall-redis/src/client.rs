//! The client inside, and the one room that talks to it: connects, sends, and says in words of ours
//! what came of it.
//!
//! It is asked for as little as can be. It has no time-outs of its own here (the call's are outside,
//! whatever the client does), it tries nothing again (the [keeper](crate::connection::keeper)
//! reconnects), and no type of it leaves the crate.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisError, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use seawall_core::ConfigError;
#[cfg(feature = "cluster")]
use tokio::{task::JoinSet, time::interval};

use crate::{Command, Error, Reply, address::Address};

/// How long it takes at most to connect to a node that is near, with TLS.
///
/// Where a node of a cluster was not there when it was connected to, each call to a key of it makes the
/// client try again, and until it gives up it sends nothing to the other nodes either. So it is given a
/// quarter of a call's time, and no less than this.
#[cfg(feature = "cluster")]
const NEAR: Duration = Duration::from_millis(100);

/// Knows where the server is, and has no connection.
#[allow(clippy::large_enum_variant, reason = "a connection has one")]
pub(crate) enum Client {
    Single {
        client: redis::Client,
        address: Address,
    },
    #[cfg(feature = "cluster")]
    Cluster {
        /// Gives up soon on a node that does not answer, since nobody is served meanwhile.
        quick: redis::cluster::ClusterClient,
        /// Reaches nodes that are far away, where none is near.
        patient: redis::cluster::ClusterClient,
        seeds: Vec<Address>,
    },
}

impl Client {
    pub(crate) fn single(address: Address) -> Result<Self, ConfigError> {
        use_a_provider(&[&address]);
        let client = redis::Client::open(address.info().clone()).map_err(|_| {
            ConfigError::new("url", format!("{address:?}"), "one that can be opened")
        })?;
        Ok(Self::Single { client, address })
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn cluster(seeds: Vec<Address>, times: Times) -> Result<Self, ConfigError> {
        use_a_provider(&seeds.iter().collect::<Vec<_>>());
        let refused = || {
            let rule = "at least one, all of nodes of one cluster, with one user and password";
            ConfigError::new("urls", format!("{seeds:?}"), rule)
        };
        let first = seeds.first().ok_or_else(refused)?;
        let infos: Vec<_> = seeds.iter().map(|seed| seed.info().clone()).collect();
        let client = |connection_timeout| {
            redis::cluster::ClusterClientBuilder::new(infos.clone())
                .use_protocol(first.protocol())
                .tcp_settings(crate::address::tcp_settings())
                .connection_timeout(connection_timeout)
                // Longer than a call, or it would send again what is not answered yet.
                .response_timeout(times.response.saturating_mul(5) / 4)
                .overall_response_timeout(None)
                // It goes after a slot that has moved; more waits than that would outlast the call.
                .retries(3)
                .min_retry_wait(10)
                .max_retry_wait(100)
                .build()
                .map_err(|_| refused())
        };
        // Of a node: first those that are named are connected to, then those that they name.
        let patient = times.connect / 3;
        let quick = (times.response / 4).max(NEAR).min(patient);
        Ok(Self::Cluster { quick: client(quick)?, patient: client(patient)?, seeds })
    }

    /// Whether one server answers for all keys.
    pub(crate) const fn is_single(&self) -> bool {
        matches!(self, Self::Single { .. })
    }

    /// Connects; calls `lost` when the connection breaks, where the protocol tells.
    pub(crate) async fn connect(
        &self,
        lost: impl Fn() + Send + Sync + 'static,
    ) -> Result<Link, String> {
        let connected = match self {
            Self::Single { client, address } => {
                let mut config = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                if address.protocol() == ProtocolVersion::RESP3 {
                    config = config.set_push_sender(move |info: PushInfo| {
                        if info.kind == PushKind::Disconnection {
                            lost();
                        }
                        Ok::<(), ()>(())
                    });
                }
                client.get_multiplexed_async_connection_with_config(&config).await.map(Link::Single)
            }
            // It keeps its nodes' connections up itself.
            #[cfg(feature = "cluster")]
            Self::Cluster { quick, patient, .. } => match quick.get_async_connection().await {
                Ok(connection) => Ok(Link::Cluster(connection)),
                Err(_) => patient.get_async_connection().await.map(Link::Cluster),
            },
        };
        connected.map_err(|error| self.redact(error.to_string()))
    }

    /// Whether it can be heard which keys change.
    #[cfg(feature = "cache")]
    pub(crate) fn can_track(&self) -> bool {
        match self {
            Self::Single { address, .. } => address.protocol() == ProtocolVersion::RESP3,
            #[cfg(feature = "cluster")]
            Self::Cluster { .. } => false,
        }
    }

    /// Connects, and lets the server say which keys change whose names begin with `prefix`.
    ///
    /// `on_push` is called by the task that reads the connection, in the order of what comes.
    #[cfg(feature = "cache")]
    pub(crate) async fn track(
        &self,
        prefix: &[u8],
        on_push: impl Fn(Push<'_>) + Send + Sync + 'static,
    ) -> Result<Link, String> {
        let client = match self {
            Self::Single { client, .. } => client,
            #[cfg(feature = "cluster")]
            Self::Cluster { .. } => return Err("a cluster can't be listened to".to_owned()),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(move |info: PushInfo| {
                pushes(&info, &on_push);
                Ok::<(), ()>(())
            });
        let track = async {
            let mut connection =
                client.get_multiplexed_async_connection_with_config(&config).await?;
            let mut command = redis::cmd("CLIENT");
            command.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(prefix);
            connection.req_packed_command(&command).await?.extract_error()?;
            Ok::<_, RedisError>(Link::Single(connection))
        };
        track.await.map_err(|error| self.redact(error.to_string()))
    }

    fn redact(&self, message: String) -> String {
        match self {
            Self::Single { address, .. } => address.redact(message),
            #[cfg(feature = "cluster")]
            Self::Cluster { seeds, .. } => {
                seeds.iter().fold(message, |message, seed| seed.redact(message))
            }
        }
    }
}

/// What a server says without being asked.
#[cfg(feature = "cache")]
pub(crate) enum Push<'a> {
    /// The key of this name was written, or went.
    Changed(&'a [u8]),
    /// All keys went.
    Flushed,
    /// It has closed the connection.
    Disconnected,
}

/// Passes on what a message says.
#[cfg(feature = "cache")]
fn pushes(info: &PushInfo, to: impl Fn(Push<'_>)) {
    match info.kind {
        PushKind::Disconnection => to(Push::Disconnected),
        PushKind::Invalidate => {
            for said in &info.data {
                match said {
                    Value::Array(names) => {
                        for name in names {
                            match name {
                                Value::BulkString(name) => to(Push::Changed(name)),
                                // It can be about any.
                                _ => to(Push::Flushed),
                            }
                        }
                    }
                    _ => to(Push::Flushed),
                }
            }
        }
        _ => {}
    }
}

/// How long connecting, and a call, may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) connect: Duration,
    pub(crate) response: Duration,
}

/// Rustls panics where a process has chosen no provider and several are linked.
fn use_a_provider(addresses: &[&Address]) {
    #[cfg(feature = "tls")]
    if addresses.iter().any(|address| address.is_tls())
        && rustls::crypto::CryptoProvider::get_default().is_none()
    {
        // Where another thread was first, its choice stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    #[cfg(not(feature = "tls"))]
    let _ = addresses;
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single { address, .. } => address.fmt(f),
            #[cfg(feature = "cluster")]
            Self::Cluster { seeds, .. } => seeds.fmt(f),
        }
    }
}

/// A connection that is up; clones share it.
#[derive(Clone)]
pub(crate) enum Link {
    Single(MultiplexedConnection),
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

/// A command that was sent, and failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The connection is of no use any more.
    pub(crate) broken: bool,
}

impl Link {
    /// Sends a command and waits for its answer, for as long as that takes.
    ///
    /// Dropped in between, the answer is thrown away when it comes: answers come in the order of the
    /// commands, and each has a place of its own to go to.
    pub(crate) async fn send(&self, command: &Command) -> Result<Reply, Failure> {
        let sent = match self.clone() {
            Self::Single(mut connection) => connection.req_packed_command(command.packed()).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(mut connection) => connection.req_packed_command(command.packed()).await,
        };
        sent.and_then(reply).map_err(|error| self.failure(&error))
    }

    /// Asks for a sign of life, of any node, for about as long as `time`: who waits ends it.
    pub(crate) async fn ping(&self, time: Duration) -> Result<(), Failure> {
        #[cfg(not(feature = "cluster"))]
        let _ = time;
        let sent = match self.clone() {
            Self::Single(mut connection) => {
                connection.req_packed_command(&redis::cmd("PING")).await
            }
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => return ping_anybody(connection, time / PINGS).await,
        };
        sent.map(drop).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &RedisError) -> Failure {
        let Some(code) = error.code() else {
            let failed = Error::Connection { message: error.to_string(), sent: true };
            let broken = matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse);
            return Failure { error: failed, broken: broken && self.is_single() };
        };
        // A server that was a primary: its name may stand for another by now.
        let broken = code == "READONLY" && self.is_single();
        let message = error.detail().unwrap_or_default().to_owned();
        Failure { error: Error::Server { code: code.to_owned(), message }, broken }
    }

    const fn is_single(&self) -> bool {
        matches!(self, Self::Single(_))
    }
}

/// How many nodes of a cluster are asked for a sign of life: nearly all may hang, and one is found.
#[cfg(feature = "cluster")]
const PINGS: u32 = 32;

/// Asks node after node, as chance will have it, until one answers.
///
/// None waits for the one before, which may hang. And none is asked by a command to all nodes: the client
/// splits that up, and where another command is in flight it sends the parts only when something else
/// happens, which may be never.
#[cfg(feature = "cluster")]
async fn ping_anybody(
    connection: redis::cluster_async::ClusterConnection,
    pause: Duration,
) -> Result<(), Failure> {
    use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo::Random};

    let mut asked = JoinSet::new();
    let mut ticks = interval(pause.max(Duration::from_millis(1)));
    loop {
        tokio::select! {
            Some(Ok(Ok(_))) = asked.join_next() => return Ok(()),
            _ = ticks.tick() => {
                let mut connection = connection.clone();
                asked.spawn(async move {
                    connection.route_command(redis::cmd("PING"), RoutingInfo::SingleNode(Random)).await
                });
            }
        }
    }
}

/// What the client says in RESP3, as RESP2 would say it.
fn reply(value: Value) -> Result<Reply, RedisError> {
    let all = |values: Vec<Value>| values.into_iter().map(reply).collect::<Result<_, _>>();
    Ok(match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Int(number),
        Value::Boolean(truth) => Reply::Int(truth.into()),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => Reply::Bytes(bytes),
        Value::Okay => Reply::Bytes(b"OK".to_vec()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => {
            Reply::Bytes(text.into_bytes())
        }
        Value::Double(number) => Reply::Bytes(number.to_string().into_bytes()),
        Value::Array(values) | Value::Set(values) | Value::Push { data: values, .. } => {
            Reply::Array(all(values)?)
        }
        Value::Map(pairs) => {
            Reply::Array(all(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect())?)
        }
        Value::Attribute { data, .. } => reply(*data)?,
        Value::ServerError(error) => return Err(error.into()),
        other => {
            let what = "a kind of reply that is not known here";
            return Err((ErrorKind::UnexpectedReturnType, what, format!("{other:?}")).into());
        }
    })
}
