//! A fleet of clients whose readiness and answers the test sets.

#![cfg(feature = "tower")]
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use seawall_core::{Error, Reason};
use seawall_shard::{
    Node, NodeState, ShardMap, Sharded,
    sharded::{Access, ChooseAccess},
};
use seawall_test::Task;
use tower::Service;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) key: u64,
    pub(crate) access: Access,
}

impl Request {
    pub(crate) const fn any(key: u64) -> Self {
        Self { key, access: Access::OwnerFirst }
    }
}

/// One that cannot be cloned.
#[derive(Debug)]
pub(crate) struct PlainRequest(pub(crate) u64);

pub(crate) fn map<const N: usize>(names: [&'static str; N], replicas: u32) -> ShardMap {
    let builder = ShardMap::builder("test").nodes(names.map(Node::new)).slot_bits(8);
    builder.replicas(replicas).build().expect("sound settings")
}

/// The names of the nodes that have a key, the owner first.
pub(crate) fn order<const N: usize>(shards: &ShardMap, key: u64) -> [String; N] {
    let names: Vec<_> = shards.replicas(&key).iter().map(|node| node.name().to_owned()).collect();
    names.try_into().expect("as many as the map has replicas")
}

/// A client of a node, which answers with its name.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    readiness: Readiness,
    holds: bool,
    calls: usize,
    wakers: Vec<Waker>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Readiness {
    #[default]
    Ready,
    Pending,
    Fails,
}

impl Client {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, state: Arc::default() }
    }

    fn turn(&self, readiness: Readiness) {
        let wakers = {
            let mut state = self.state.lock();
            state.readiness = readiness;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_ready(&self) {
        self.turn(Readiness::Ready);
    }

    pub(crate) fn is_not_ready(&self) {
        self.turn(Readiness::Pending);
    }

    pub(crate) fn fails_to_get_ready(&self) {
        self.turn(Readiness::Fails);
    }

    pub(crate) fn holds_calls(&self) {
        self.state.lock().holds = true;
    }

    pub(crate) fn calls(&self) -> usize {
        self.state.lock().calls
    }
}

pub(crate) struct Answering(Option<String>);

impl Future for Answering {
    type Output = Result<String, &'static str>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.take().map_or(Poll::Pending, |name| Poll::Ready(Ok(name)))
    }
}

impl<R> Service<R> for Client {
    type Response = String;
    type Error = &'static str;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let mut state = self.state.lock();
        match state.readiness {
            Readiness::Ready => Poll::Ready(Ok(())),
            Readiness::Fails => Poll::Ready(Err("not connected")),
            Readiness::Pending => {
                state.wakers.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn call(&mut self, _request: R) -> Answering {
        let mut state = self.state.lock();
        state.calls += 1;
        Answering((!state.holds).then(|| self.name.to_owned()))
    }
}

/// A map, a client for each of its nodes, and the service over them.
pub(crate) struct Fleet {
    pub(crate) shards: ShardMap,
    pub(crate) clients: Vec<Client>,
    pub(crate) service: Sharded<Client, fn(&Request) -> u64, ByRequest>,
}

/// As each request says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByRequest;

impl ChooseAccess<Request> for ByRequest {
    fn access(&self, request: &Request) -> Access {
        request.access
    }
}

impl Fleet {
    pub(crate) fn new<const N: usize>(names: [&'static str; N], replicas: u32) -> Self {
        Self::of(map(names, replicas))
    }

    pub(crate) fn of(shards: ShardMap) -> Self {
        const NAMES: [&str; 7] = ["a", "b", "c", "d", "eu-1", "eu-2", "eu-3"];
        let topology = shards.topology();
        let is_there = |name: &&&'static str| topology.node(name).is_some();
        let clients: Vec<_> = NAMES.iter().filter(is_there).map(|name| Client::new(name)).collect();
        let key: fn(&Request) -> u64 = |request| request.key;
        let service = Sharded::new(shards.clone(), key).access(ByRequest);
        for client in &clients {
            service.insert(client.name, client.clone());
        }
        Self { shards, clients, service }
    }

    pub(crate) fn client(&self, name: &str) -> &Client {
        self.clients.iter().find(|client| client.name == name).expect("it is one of them")
    }

    pub(crate) fn set_state(&self, name: &str, state: NodeState) {
        self.shards.update(|topology| topology.set_state(name, state)).expect("it is there");
    }

    pub(crate) fn calls(&self) -> usize {
        self.clients.iter().map(Client::calls).sum()
    }

    /// Of a call that does not wait.
    pub(crate) fn answer(&self, request: Request) -> Result<String, Error<&'static str>> {
        let mut service = self.service.clone();
        match Task::new().poll(pin!(service.call(request))) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("the call waits"),
        }
    }

    pub(crate) fn call(&self, request: Request) -> Result<String, &'static str> {
        self.answer(request).map_err(|error| error.into_inner().expect("it is not refused"))
    }

    pub(crate) fn refused(&self, request: Request) -> Reason {
        let error = self.answer(request).expect_err("it is refused");
        error.rejection().expect("it is a refusal").reason()
    }
}
