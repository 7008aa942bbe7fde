//! What a call costs on its way to the node that has its key, beside the bare service, and tower's way to one of many.
//!
//! Ours finds the node by a map that changes under it, counts the call, waits for readiness, and is shared by its
//! clones. Tower's `Steer` finds it by a closure over a list that it owns, and is ready when all of them are. The
//! nodes answer at once.

use std::{
    future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    poll,
    service::Failed,
};
use seawall_shard::Sharded;
use tower::{Service, steer::Steer};

use crate::settings::{ALLOWED, Hashes, builder, names};

pub(crate) fn all(criterion: &mut Criterion) {
    for nodes in [10, 100] {
        let mut group = Group::new(criterion, &format!("shard/calls to {nodes}"), Threads::One);
        group.case_each("the bare service", || calls(Node));
        let ours = sharded(nodes);
        group.case_each("seawall", || calls(ours.clone()));
        group.case_each("tower, steer", || calls(steer(nodes)));
    }
}

/// A node, which answers at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node;

impl Service<u64> for Node {
    type Response = u64;
    type Error = Failed;
    type Future = future::Ready<Result<u64, Failed>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, hash: u64) -> Self::Future {
        future::ready(black_box(Ok(hash)))
    }
}

/// Calls by one hash after the other.
pub(crate) fn calls(mut service: impl Service<u64>) -> impl FnMut() {
    let mut hashes = Hashes::new();
    move || {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))), "nothing fails");
        let response = poll::ready(pin!(service.call(hashes.next())));
        assert!(black_box(&response).is_ok(), "nothing fails");
    }
}

/// Ours, of so many nodes, each key at two.
pub(crate) fn sharded(nodes: usize) -> Sharded<Node, fn(&u64) -> u64> {
    let key: fn(&u64) -> u64 = |&hash| hash;
    let service = Sharded::new(builder(nodes).replicas(2).build().expect(ALLOWED), key);
    names(nodes).for_each(|name| service.insert(name, Node));
    service
}

/// Tower's, of as many, each hash at the node of its share.
pub(crate) fn steer(nodes: usize) -> impl Service<u64> {
    let share =
        |hash: &u64, nodes: &[Node]| ((u128::from(*hash) * nodes.len() as u128) >> 64) as usize;
    Steer::new(vec![Node; nodes], share)
}
