//! The two clients: one that is bare, and the same one with Seawall.
//!
//! ```text
//!                    bare                                  with Seawall
//!
//!                 round robin                               round robin
//!              /       |       \                         /       |       \
//!             |        |        |                    breaker  breaker  breaker     refused? the next one
//!         time-out time-out time-out                time-out time-out time-out
//!             |        |        |                       |        |        |
//!           HTTP     HTTP     HTTP                    HTTP     HTTP     HTTP
//! ```
//!
//! Everything but the breakers is the same code: pooled keep-alive connections, a time-out of a second
//! from the request to the last byte of the answer, members in turn. Neither retries: a call that failed
//! is a failure. A breaker that refuses was never a call, so that the next member can be asked.
//!
//! Read [`bare`], [`guarded`], then [`Client::call`]. **A pattern is added in one of two places**: what
//! guards one member (a bulkhead, a limit) in [`guarded`], what guards the whole call (a retry, a cache) in
//! [`Client::call`].

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::body::Bytes;
use http::{HeaderValue, Request, Response, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use seawall_chaos::ChaosLayer;
use seawall_circuit_breaker::CircuitBreakerLayer;
use seawall_core::{BoxError, ConfigError, Outcome, Reason, Rejection};
use tower::{
    Service, ServiceBuilder, ServiceExt,
    timeout::TimeoutLayer,
    util::{BoxCloneSyncService, MapFutureLayer},
};

use crate::{
    fleet::{Fleet, Member},
    guard::{Guard, Tuning},
};

/// How long a call may take, from the request to the last byte of its answer.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(1);

/// Connections that may idle, for each member.
const MOST_IDLE: usize = 32;

/// A call before a member is chosen: its path, no host yet.
type Ask = Request<Empty<Bytes>>;

/// Boxed, in both runs, so that they are one type; of itself a Seawall layer boxes nothing.
type MemberService = BoxCloneSyncService<Ask, Response<()>, BoxError>;

/// One member with the time-out and nothing else.
fn bare(member: &Member) -> MemberService {
    let http = ServiceBuilder::new().layer(TimeoutLayer::new(TIME_OUT));
    let Some(patient) = member.plays.clone() else {
        return BoxCloneSyncService::new(http.service(over_http(member)));
    };
    // `--upstream`: the server is well, and its illness is played here, as if it were on the way.
    let chaos = ChaosLayer::new(patient.chaos().clone())
        .fail_with(|_injected| Err::<Response<()>, BoxError>("the chaos failed the call".into()));
    let visits = MapFutureLayer::new(move |answer| patient.clone().visited(answer));
    BoxCloneSyncService::new(http.layer(visits).layer(chaos).service(over_http(member)))
}

/// One member with what Seawall puts around it, outermost first.
fn guarded(member: &Member, guard: &Guard) -> MemberService {
    let seawall = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(guard.breaker.clone()).classify(outcome).flatten());
    BoxCloneSyncService::new(seawall.service(bare(member)))
}

/// What an answer says about the member: a request that it does not like says nothing.
fn outcome(result: Result<&Response<()>, &BoxError>) -> Outcome {
    match result.map(Response::status) {
        Ok(status) if status.is_server_error() => Outcome::Failure,
        Ok(status) if status.is_client_error() => Outcome::Ignored,
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

/// One member over its own pool of connections, with the answer read to its end.
fn over_http(
    member: &Member,
) -> impl Service<Ask, Response = Response<()>, Error = BoxError, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool<_, Empty<Bytes>> =
        Pool::builder(TokioExecutor::new()).pool_max_idle_per_host(MOST_IDLE).build(connector);
    let address = member.address;
    let host = HeaderValue::from_str(&member.host).ok();
    tower::service_fn(move |mut ask: Ask| {
        let (pool, host) = (pool.clone(), host.clone());
        async move {
            let mut parts = std::mem::take(ask.uri_mut()).into_parts();
            parts.scheme = Some(http::uri::Scheme::HTTP);
            parts.authority = Some(address.to_string().parse()?);
            *ask.uri_mut() = Uri::from_parts(parts)?;
            if let Some(host) = host {
                ask.headers_mut().insert(header::HOST, host);
            }
            let (parts, mut body) = pool.request(ask).await?.into_parts();
            // Read and dropped frame by frame: an answer without end costs time, not memory.
            while let Some(frame) = body.frame().await {
                frame?;
            }
            Ok(Response::from_parts(parts, ()))
        }
    })
}

/// Calls the fleet; clones share.
#[derive(Clone)]
pub(crate) struct Client {
    members: Arc<[MemberService]>,
    turn: Arc<AtomicUsize>,
    path: Option<PathAndQuery>,
    /// The breaker of each member; none in a bare client.
    pub(crate) guards: Arc<[Guard]>,
}

impl Client {
    pub(crate) fn bare(fleet: &Fleet, _tuning: Tuning) -> Result<Self, ConfigError> {
        let members = fleet.members.iter().map(bare).collect();
        Ok(Self::of(fleet, members, Vec::new()))
    }

    /// The same, with a breaker around each member.
    pub(crate) fn guarded(fleet: &Fleet, tuning: Tuning) -> Result<Self, ConfigError> {
        let mut members = Vec::new();
        let mut guards = Vec::new();
        for member in &fleet.members {
            let guard = Guard::new(member, tuning)?;
            members.push(guarded(member, &guard));
            guards.push(guard);
        }
        Ok(Self::of(fleet, members, guards))
    }

    fn of(fleet: &Fleet, members: Vec<MemberService>, guards: Vec<Guard>) -> Self {
        Self {
            members: members.into(),
            turn: Arc::default(),
            path: fleet.members.first().and_then(|member| member.path.clone()),
            guards: guards.into(),
        }
    }

    /// Makes one call that means `work` for a member of the built-in fleet.
    pub(crate) async fn call(&self, work: Duration) -> Result<(), Failed> {
        let first = self.turn.fetch_add(1, Relaxed);
        let mut refused = None;
        for next in 0..self.members.len() {
            let member = &self.members[(first + next) % self.members.len()];
            match member.clone().oneshot(self.ask(work)).await {
                Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => {
                    return Ok(());
                }
                Ok(answer) => return Err(Failed::Answer(answer.status())),
                Err(error) if is_open(&error) => {
                    // The turn of the member that refused is over, or its neighbour would get both.
                    self.turn.fetch_add(1, Relaxed);
                    refused = Some(error);
                }
                Err(error) => return Err(Failed::Call(error)),
            }
        }
        Err(Failed::Call(refused.unwrap_or_else(|| "there is no member".into())))
    }

    fn ask(&self, work: Duration) -> Ask {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => PathAndQuery::try_from(format!("/work?micros={}", work.as_micros()))
                .expect("a number makes a valid query"),
        };
        let mut ask = Request::new(Empty::new());
        *ask.uri_mut() = path.into();
        ask
    }
}

fn is_open(error: &BoxError) -> bool {
    Rejection::find(&**error).is_some_and(|refused| refused.reason() == Reason::CircuitOpen)
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failed {
    Answer(http::StatusCode),
    Call(BoxError),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => write!(f, "it answered {status}"),
            Self::Call(error) => {
                write!(f, "{error}")?;
                let mut source = error.source();
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
        }
    }
}
