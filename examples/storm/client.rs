//! The client: one for all runs, with more around it in each.
//!
//! ```text
//!                 a tenant's call
//!                        |
//!                his quota has room?               in the last run: refused at once if not
//!                        |
//!               failed? once more                  nothing, a loop, or a retry
//!                        |
//!              who has the key? the map            one member; from the sixth run on two
//!                /       |       \
//!           breaker   breaker   breaker            from the fourth on
//!              |         |         |      refused? the copy, where there is one
//!          bulkhead  bulkhead  bulkhead            from the fifth on
//!              |         |         |
//!          time-out  time-out  time-out
//!                \       |       /
//!                   shared pool
//! ```
//!
//! Everything but the guards, the [retries](crate::retries), the [copies](crate::keys) and the
//! [quotas](crate::tenants) is the same code: one [pool](crate::pool) of connections for all members, a
//! time-out for each attempt, over the wait for a connection, to the last byte of the answer, and one
//! [`Sharded`](seawall_shard::Sharded) that sends each call to the member that has its key. A breaker sees what its caller sees, with
//! the wait for a connection, as around any HTTP or database client. What a guard refuses was never a call,
//! so that the copy can be asked, where there is one. A quota is asked before all else: what it refuses takes
//! no connection, no place, and nothing of the retries' budget.
//!
//! Read [`bare`], [`guarded`], [`sharded`], then [`Client::call`]. **A pattern is added in one of three
//! places**: what guards one member (a breaker, a limit) in [`guarded`], what chooses among them in
//! [`sharded`], what guards the whole call (a retry, a quota for each tenant) in [`Client::call`].

use std::{fmt, sync::Arc, time::Duration};

use axum::body::Bytes;
use http::{HeaderValue, Request, Response, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use seawall_bulkhead::BulkheadLayer;
use seawall_chaos::ChaosLayer;
use seawall_circuit_breaker::CircuitBreakerLayer;
use seawall_core::{BoxError, ConfigError, Outcome, Rejection};
use seawall_rate_limiter::RateLimiters;
use seawall_shard::ShardMap;
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt,
    timeout::TimeoutLayer,
    util::{BoxCloneSyncService, MapFutureLayer},
};

use crate::{
    answers::By,
    defence::{Defence, TIME_OUT},
    fleet::{Fleet, Member, NAMES},
    guard::{Guard, Tuning},
    keys::{self, Key, sharded},
    pool::Pool,
    retries::Retries,
    tenants::{self, Tenant},
};

/// An attempt before a member is chosen: its path, no host yet.
pub(crate) type Ask = Request<Empty<Bytes>>;

type Http = HyperClient<HttpConnector, Empty<Bytes>>;

/// Boxed, in all runs, so that they are one type; of itself a Seawall layer boxes nothing.
pub(crate) type Calls = BoxCloneSyncService<Ask, Response<()>, BoxError>;

/// What a call means a member to do.
#[derive(Clone, Copy, Debug)]
struct Work(Duration);

/// The member that has answered, as an index of its fleet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered(pub(crate) usize);

/// One member with a connection of the pool, the time-out and nothing else.
fn bare(index: usize, member: &Member, pool: &Pool, http: &Http) -> Calls {
    let http = over_http(member, http.clone());
    let http = match member.plays.clone() {
        None => BoxCloneSyncService::new(http),
        // `--upstream`: the server is well, and its illness is played here, as if it were on the way.
        Some((patient, database)) => {
            let chaos = ChaosLayer::new(patient.chaos().clone()).fail_with(|_injected| {
                Err::<Response<()>, BoxError>("the chaos failed the call".into())
            });
            let visits = MapFutureLayer::new(move |answer| patient.clone().visited(answer));
            let behind = tower::service_fn(move |ask: Ask| {
                let (http, database) = (http.clone(), database.clone());
                async move {
                    if let Some(&Work(work)) = ask.extensions().get() {
                        database.query(work).await;
                    }
                    http.oneshot(ask).await
                }
            });
            BoxCloneSyncService::new(
                ServiceBuilder::new().layer(visits).layer(chaos).service(behind),
            )
        }
    };
    let pool = pool.clone();
    let pooled = tower::service_fn(move |ask: Ask| {
        let (pool, http) = (pool.clone(), http.clone());
        async move {
            let _connection = pool.connection(index).await;
            let mut answer = http.oneshot(ask).await?;
            answer.extensions_mut().insert(Answered(index));
            Ok::<_, BoxError>(answer)
        }
    });
    BoxCloneSyncService::new(TimeoutLayer::new(TIME_OUT).layer(pooled))
}

/// One member with what Seawall puts around it, outermost first.
fn guarded(member: Calls, guard: &Guard) -> Calls {
    let breaker = CircuitBreakerLayer::new(guard.breaker.clone()).classify(outcome).flatten();
    let bulkhead = |bulkhead| BulkheadLayer::new(bulkhead).flatten();
    let seawall =
        ServiceBuilder::new().layer(breaker).option_layer(guard.bulkhead.clone().map(bulkhead));
    BoxCloneSyncService::new(seawall.service(member))
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

/// One member over HTTP, with the answer read to its end.
fn over_http(
    member: &Member,
    http: Http,
) -> impl Service<Ask, Response = Response<()>, Error = BoxError, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    let address = member.address;
    let host = HeaderValue::from_str(&member.host).ok();
    tower::service_fn(move |mut ask: Ask| {
        let (http, host) = (http.clone(), host.clone());
        async move {
            let mut parts = std::mem::take(ask.uri_mut()).into_parts();
            parts.scheme = Some(http::uri::Scheme::HTTP);
            parts.authority = Some(address.to_string().parse()?);
            *ask.uri_mut() = Uri::from_parts(parts)?;
            if let Some(host) = host {
                ask.headers_mut().insert(header::HOST, host);
            }
            let (parts, mut body) = http.request(ask).await?.into_parts();
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
    fleet: Calls,
    /// Which of the members has which key.
    pub(crate) map: ShardMap,
    retries: Retries,
    /// What each tenant may send; nothing where all may send what they like.
    quotas: Option<RateLimiters<str>>,
    path: Option<PathAndQuery>,
    /// What guards each member; none in a bare client.
    pub(crate) guards: Arc<[Guard]>,
    pub(crate) pool: Pool,
}

impl Client {
    pub(crate) fn new(
        defence: Defence,
        fleet: &Fleet,
        pool: Pool,
        tuning: Tuning,
    ) -> Result<Self, ConfigError> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = HyperClient::builder(TokioExecutor::new()).build(connector);
        let mut members = Vec::new();
        let mut guards = Vec::new();
        for (index, member) in fleet.members.iter().enumerate() {
            let bare = bare(index, member, &pool, &http);
            let guard = Guard::new(defence, member, tuning)?;
            let calls = match &guard {
                None => bare,
                Some(guard) => guarded(bare, guard),
            };
            members.push((member.name, calls));
            guards.extend(guard);
        }
        let map = keys::map(defence)?;
        Ok(Self {
            fleet: sharded(&map, members),
            map,
            retries: Retries::new(defence, tuning.seed)?,
            quotas: tenants::quotas(defence, tuning.rate)?,
            path: fleet.members.first().and_then(|member| member.path.clone()),
            guards: guards.into(),
            pool,
        })
    }

    /// Makes one call of `tenant` about `key` that means `work` for a member of the built-in fleet.
    pub(crate) async fn call(
        &self,
        tenant: Tenant,
        key: Key,
        work: Duration,
    ) -> Result<By, Failed> {
        if let Some(quotas) = &self.quotas {
            quotas.try_acquire(tenant.name()).map_err(|refused| Failed::Call(refused.into()))?;
        }
        self.retries.call(|| self.attempt(key, work)).await
    }

    async fn attempt(&self, key: Key, work: Duration) -> Result<By, Failed> {
        let answer = self.fleet.clone().oneshot(self.ask(key, work)).await.map_err(Failed::Call)?;
        let status = answer.status();
        if !status.is_success() && !status.is_redirection() {
            return Err(Failed::Answer(status));
        }
        let &Answered(by) = answer.extensions().get().expect("each member says that it was it");
        Ok(if NAMES[by] == self.map.lookup(&key).name() { By::Home } else { By::Copy })
    }

    fn ask(&self, key: Key, work: Duration) -> Ask {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => PathAndQuery::try_from(format!(
                "/work?key={}&micros={}",
                key.number(),
                work.as_micros()
            ))
            .expect("numbers make a valid query"),
        };
        let mut ask = Request::new(Empty::new());
        *ask.uri_mut() = path.into();
        ask.extensions_mut().insert(Work(work));
        ask.extensions_mut().insert(key);
        ask
    }
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failed {
    Answer(http::StatusCode),
    Call(BoxError),
}

impl Failed {
    /// Whether the same call may do better: not where it was refused by what guards the members, and not
    /// where the request is wrong.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Answer(status) => !status.is_client_error(),
            Self::Call(error) => Rejection::find(&**error).is_none(),
        }
    }
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

#[cfg(test)]
mod tests {
    use seawall_core::Reason;

    use super::*;
    use crate::{fleet::SICK, illness::Illness};

    #[tokio::test]
    async fn who_has_used_up_his_quota_is_refused_at_once_and_no_one_else_is() {
        const CALLS: u64 = 200;
        let illness = Illness::new(7, 2000).expect("its settings can be");
        let fleet = Fleet::built_in(illness).await.expect("there are free ports");
        let tuning = Tuning { seed: 7, rate: 50, share: 10, slow: TIME_OUT };
        let client = Client::new(Defence::Limiter, &fleet, Pool::new(30), tuning);
        let client = client.expect("its settings can be");
        let key = Key::at(NAMES[0], &client.map).expect("it has some");

        let mut refused = 0;
        for _ in 0..CALLS {
            if let Err(failed) = client.call(Tenant::NOISY, key, Duration::ZERO).await {
                let Failed::Call(error) = &failed else { panic!("{failed}") };
                let reason = Rejection::find(&**error).map(Rejection::reason);
                assert_eq!(reason, Some(Reason::RateLimited));
                refused += 1;
            }
        }

        assert!(refused > 0);
        assert_eq!(fleet.illness.reached() + refused, CALLS);
        let another = client.call(Tenant::QUIET, key, Duration::ZERO).await;
        another.expect("his quota is not touched");
    }

    #[tokio::test]
    async fn it_is_told_who_answered_and_it_is_the_copy_where_the_home_refuses() {
        let illness = Illness::new(7, 2000).expect("its settings can be");
        let fleet = Fleet::built_in(illness).await.expect("there are free ports");
        let tuning = Tuning { seed: 7, rate: 50, share: 10, slow: TIME_OUT };
        let client = Client::new(Defence::Replicas, &fleet, Pool::new(30), tuning);
        let client = client.expect("its settings can be");
        let key = Key::at(NAMES[SICK], &client.map).expect("it has some");
        let ask = async || client.call(Tenant::QUIET, key, Duration::ZERO).await.ok();

        assert_eq!(ask().await, Some(By::Home));
        client.guards[SICK].breaker.force_open();
        assert_eq!(ask().await, Some(By::Copy));
    }
}
