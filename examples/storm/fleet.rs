//! Who is called: three members in front of one database, which stalls; later one of them falls ill.
//!
//! | where | what a member is | where its illness is put on |
//! |---|---|---|
//! | [`Fleet::built_in`] | an HTTP server of its own, on a free port of the loopback | in the server, around its routes |
//! | [`Fleet::upstream`] | one of three views of *your* server | on the client's side, before the request leaves |
//!
//! In both the calls that reach a member are counted outside of what makes it ill: a call that hangs has
//! reached it too.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::Query,
    routing::get,
    serve::{Listener, ListenerExt},
};
use http::{Response, StatusCode, uri::PathAndQuery};
use seawall_chaos::ChaosLayer;
use tokio::{net::TcpListener, task::JoinSet};
use tower::{ServiceBuilder, util::MapFutureLayer};

use crate::{
    database::Database,
    illness::{Illness, Patient},
    upstream::Upstream,
};

/// The members' names; the middle one falls ill.
pub(crate) const NAMES: [&str; 3] = ["member-a", "member-b", "member-c"];

/// The member that falls ill, as an index of [`NAMES`].
pub(crate) const SICK: usize = 1;

/// Where a member's requests go.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// The address that is dialled.
    pub(crate) address: SocketAddr,
    /// The `Host` that the request names.
    pub(crate) host: String,
    /// The path that is asked for; where there is none, the built-in fleet's, with the work to do.
    pub(crate) path: Option<PathAndQuery>,
    /// The illness that the client has to play, since the server can't.
    pub(crate) plays: Option<(Patient, Database)>,
}

/// The members, and the servers that play them: dropped, they stop.
pub(crate) struct Fleet {
    pub(crate) members: Vec<Member>,
    pub(crate) illness: Illness,
    _servers: JoinSet<()>,
}

impl Fleet {
    /// Three servers on free ports of the loopback.
    pub(crate) async fn built_in(illness: Illness) -> io::Result<Self> {
        Self::serving(illness, routes).await
    }

    /// The same, with what each of them serves.
    pub(crate) async fn serving(
        illness: Illness,
        routes: impl Fn(Patient, Database) -> Router,
    ) -> io::Result<Self> {
        let mut servers = JoinSet::new();
        let mut members = Vec::new();
        for (name, patient) in NAMES.into_iter().zip(&illness.patients) {
            let listener = TcpListener::bind("127.0.0.1:0").await?.tap_io(|stream| {
                // Without it the last bytes of an answer may wait for an acknowledgement; a client that
                // can't set it is served all the same.
                let _ = stream.set_nodelay(true);
            });
            let address = listener.local_addr()?;
            let router = routes(patient.clone(), illness.database.clone());
            servers.spawn(async move {
                // It ends when the fleet is dropped, and then there is nobody to tell.
                let _ = axum::serve(listener, router).await;
            });
            members.push(Member {
                name,
                address,
                host: address.to_string(),
                path: None,
                plays: None,
            });
        }
        Ok(Self { members, illness, _servers: servers })
    }

    /// Three views of one server that runs already.
    pub(crate) fn upstream(upstream: &Upstream, illness: Illness) -> Self {
        let member = |(name, patient): (_, &Patient)| Member {
            name,
            address: upstream.address,
            host: upstream.host.clone(),
            path: Some(upstream.path.clone()),
            plays: Some((patient.clone(), illness.database.clone())),
        };
        let members = NAMES.into_iter().zip(&illness.patients).map(member).collect();
        Self { members, illness, _servers: JoinSet::new() }
    }
}

#[derive(serde::Deserialize)]
struct Work {
    micros: u64,
}

/// What a member serves: a query of the database, with the work that the request says.
fn routes(patient: Patient, database: Database) -> Router {
    let work = async move |Query(work): Query<Work>| {
        database.query(Duration::from_micros(work.micros)).await;
        "done\n"
    };
    let chaos = ChaosLayer::new(patient.chaos().clone()).fail_with(|_injected| {
        let mut response = Response::new(axum::body::Body::from("broken\n"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Ok::<_, Infallible>(response)
    });
    let visits = MapFutureLayer::new(move |answer| patient.clone().visited(answer));
    Router::new().route("/work", get(work)).layer(ServiceBuilder::new().layer(visits).layer(chaos))
}
