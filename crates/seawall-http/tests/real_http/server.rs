//! A server that answers by script, and remembers who came when.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
};
use http::{HeaderMap, Method, Request, Response, request::Parts};
use seawall_core::sync::Mutex;
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A server on a free port of loopback, which ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    visits: Visits,
    task: JoinHandle<()>,
}

type Visits = Arc<Mutex<Vec<Visit>>>;

/// What the server answers to the nth request, from 1.
type Answer = Arc<dyn Fn(usize) -> Option<Response<String>> + Send + Sync>;

impl Server {
    /// Answers the nth request, from 1, by `answer`; one without an answer hangs.
    pub(crate) async fn start(
        answer: impl Fn(usize) -> Option<Response<String>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let visits = Visits::default();
        let answer: Answer = Arc::new(answer);
        let router = Router::new().fallback(visit).with_state((Arc::clone(&visits), answer));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { address, visits, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Who came so far, in turn.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.visits.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn visit(
    State((visits, answer)): State<(Visits, Answer)>,
    request: Request<Body>,
) -> Response<String> {
    let at = Instant::now();
    let (Parts { method, headers, .. }, body) = request.into_parts();
    let body = to_bytes(body, 1_000).await.expect("a short body").to_vec();
    let nth = {
        let mut visits = visits.lock();
        visits.push(Visit { at, method, headers, body });
        visits.len()
    };
    match answer(nth) {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}

/// An answer with these headers.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)]) -> Response<String> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body("the body".to_owned()).expect("a sound answer")
}
