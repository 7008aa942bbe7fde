//! Calls among equals with one primary: the promises of a Tower middleware, and those of the module's page.

#![cfg(feature = "tower")]

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use seawall_core::{Error, Reason};
use seawall_shard::{Node, NodeState, Read, ReplicaSet, sharded::Access};
use seawall_test::{
    Task,
    contract::{Inner, Suite},
};
use tower::Service;

use crate::sharded_support::Client;

type Set<S> = ReplicaSet<S, fn(&u64) -> Access>;

#[test]
fn the_service_keeps_the_contract() {
    fn set(inner: Inner) -> Set<Inner> {
        let access: fn(&u64) -> Access = |request| match request % 2 {
            0 => Access::Read(Read::Any),
            _ => Access::OwnerFirst,
        };
        let set = ReplicaSet::new("contract", access).primary("a");
        set.insert("a", inner.clone());
        set.insert("b", inner);
        set
    }
    Suite::new(set)
        .cloned()
        .sendable()
        .unboxed()
        .refusing(|inner| {
            let set = set(inner);
            assert!(set.remove("a") && set.remove("b"));
            set
        })
        .errors(Layer)
        .except(
            "inner_readiness_error_passes_through",
            "a member that cannot get ready is passed over, and the next one is asked",
        )
        .run();
}

#[derive(Clone, Copy)]
struct Layer;

impl<S> tower::Layer<S> for Layer {
    type Service = Set<S>;

    fn layer(&self, inner: S) -> Set<S> {
        let access: fn(&u64) -> Access = |_| Access::Write;
        let set = ReplicaSet::new("contract", access).primary("a");
        set.insert("a", inner);
        set
    }
}

type Four = ReplicaSet<Client, fn(&Access) -> Access>;

/// Two in the zone of the one who asks, two in another; the first is the primary.
fn four() -> (Four, Vec<Client>) {
    let access: fn(&Access) -> Access = |&access| access;
    let mut set = ReplicaSet::new("users", access).zone("eu-2").primary("a");
    for (name, zone) in [("a", "eu-1"), ("b", "eu-1"), ("c", "eu-2"), ("d", "eu-2")] {
        set = set.node(Node::new(name).zone(zone)).expect("a sound node");
    }
    let clients: Vec<_> = ["a", "b", "c", "d"].map(Client::new).into();
    clients.iter().for_each(|client| set.insert(client.name, client.clone()));
    (set, clients)
}

fn answer(set: &Four, access: Access) -> Result<String, Error<&'static str>> {
    match Task::new().poll(pin!(set.clone().call(access))) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the call waits"),
    }
}

/// How many of so many calls each member takes.
fn shares(set: &Four, access: Access) -> BTreeMap<String, u32> {
    let mut shares = BTreeMap::new();
    for _ in 0..1_000 {
        *shares.entry(answer(set, access).expect("all can be asked")).or_default() += 1;
    }
    shares
}

fn names(shares: &BTreeMap<String, u32>) -> Vec<&str> {
    shares.keys().map(String::as_str).collect()
}

#[test]
fn writes_go_to_the_primary_and_follow_it() {
    let (set, _) = four();
    assert_eq!(answer(&set, Access::Write).as_deref(), Ok("a"));

    set.set_primary("c");
    assert_eq!(set.current_primary().as_deref(), Some("c"));
    assert_eq!(answer(&set, Access::Write).as_deref(), Ok("c"));

    set.clear_primary();
    let refused = answer(&set, Access::Write).expect_err("there is none");
    assert_eq!(refused.rejection().map(|refused| refused.reason()), Some(Reason::NoShard));
}

#[test]
fn a_write_that_has_waited_goes_to_who_is_the_primary_by_then() {
    let (set, clients) = four();
    clients[0].is_not_ready();
    let mut service = set.clone();
    let mut write = pin!(service.call(Access::Write));
    let task = Task::new();
    assert!(task.poll(write.as_mut()).is_pending());

    set.set_primary("c");
    clients[0].is_ready();

    assert!(task.wakes() > 0);
    assert_eq!(task.poll(write.as_mut()), Poll::Ready(Ok("c".to_owned())));
    assert_eq!(clients[0].calls(), 0);
}

/// The first one never gets ready.
#[cfg(feature = "tokio")]
#[test]
fn a_write_that_waits_is_woken_when_another_is_named_the_primary() {
    let (set, clients) = four();
    clients[0].is_not_ready();
    let mut service = set.clone();
    let mut write = pin!(service.call(Access::Write));
    let task = Task::new();
    assert!(task.poll(write.as_mut()).is_pending());
    let woken = task.wakes();

    set.set_primary("c");

    assert!(task.wakes() > woken);
    assert_eq!(task.poll(write.as_mut()), Poll::Ready(Ok("c".to_owned())));
    assert_eq!(clients[0].calls(), 0);
}

/// Also where it looked at the list just before: it is cleared, and named again, while nobody polls.
#[cfg(feature = "tokio")]
#[test]
fn a_write_that_waits_is_woken_by_each_change() {
    let (set, clients) = four();
    for client in &clients {
        client.is_not_ready();
    }
    let mut service = set.clone();
    let mut write = pin!(service.call(Access::Write));
    let task = Task::new();
    for primary in ["b", "c", "d"] {
        assert!(task.poll(write.as_mut()).is_pending());
        let woken = task.wakes();
        set.set_primary(primary);
        assert!(task.wakes() > woken, "{primary}");
    }
    assert!(task.poll(write.as_mut()).is_pending());
    set.clear_primary();
    let Poll::Ready(Err(Error::Rejected(refused))) = task.poll(write.as_mut()) else {
        panic!("nobody takes it");
    };
    assert_eq!(refused.reason(), Reason::NoShard);
}

#[cfg(feature = "tokio")]
type Turns = ReplicaSet<Turner, fn(&Access) -> Access>;

/// One that is never ready, and names another one the primary while it is asked again.
#[cfg(feature = "tokio")]
#[derive(Clone)]
struct Turner(Arc<(OnceLock<Turns>, AtomicU32)>, bool);

#[cfg(feature = "tokio")]
impl Service<Access> for Turner {
    type Response = bool;
    type Error = &'static str;
    type Future = Ready<Result<bool, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if self.1 {
            return Poll::Ready(Ok(()));
        }
        if self.0.1.fetch_add(1, Relaxed) == 1 {
            self.0.0.get().expect("it is set").set_primary("b");
        }
        Poll::Pending
    }

    fn call(&mut self, _: Access) -> Self::Future {
        ready(Ok(self.1))
    }
}

/// Between its look at the list and its wait for a change of that.
#[cfg(feature = "tokio")]
#[test]
fn no_change_is_missed_while_a_write_begins_to_wait() {
    let access: fn(&Access) -> Access = |&access| access;
    let mut set = Turns::new("turns", access).primary("a");
    let shared = Arc::new((OnceLock::new(), AtomicU32::new(0)));
    set.insert("a", Turner(Arc::clone(&shared), false));
    set.insert("b", Turner(Arc::clone(&shared), true));
    assert!(shared.0.set(set.clone()).is_ok());
    assert_eq!(Task::new().poll(pin!(set.call(Access::Write))), Poll::Ready(Ok(true)));
}

#[cfg(feature = "tokio")]
#[test]
fn a_read_that_waits_goes_to_one_that_comes() {
    let (set, clients) = four();
    clients.iter().for_each(Client::is_not_ready);
    clients.iter().skip(2).for_each(|client| assert!(set.remove(client.name)));
    let mut service = set.clone();
    let mut read = pin!(service.call(Access::OwnerFirst));
    let task = Task::new();
    assert!(task.poll(read.as_mut()).is_pending());

    set.insert("late", Client::new("late"));

    assert!(task.wakes() > 0);
    assert_eq!(task.poll(read.as_mut()), Poll::Ready(Ok("late".to_owned())));
}

#[test]
fn a_primary_may_be_named_before_it_comes() {
    let (set, _) = four();
    set.set_primary("late");
    assert!(answer(&set, Access::Write).is_err());

    set.insert("late", Client::new("late"));

    assert_eq!(answer(&set, Access::Write).as_deref(), Ok("late"));
}

#[test]
fn a_primary_that_cannot_get_ready_is_not_replaced_for_a_write() {
    let (set, clients) = four();
    clients[0].fails_to_get_ready();
    assert_eq!(answer(&set, Access::Write), Err(Error::Inner("not connected")));
    assert_ne!(answer(&set, Access::OwnerFirst).as_deref(), Ok("a"));
}

#[test]
fn reads_go_to_whom_they_prefer_and_equals_share_them() {
    let (set, _) = four();
    let any = shares(&set, Access::Read(Read::Any));
    assert_eq!(names(&any), ["a", "b", "c", "d"]);
    assert!(any.values().all(|&share| (150..350).contains(&share)), "{any:?}");

    let nearest = shares(&set, Access::Read(Read::Nearest));
    assert_eq!(names(&nearest), ["c", "d"]);
    assert!(nearest.values().all(|&share| (350..650).contains(&share)), "{nearest:?}");

    assert_eq!(names(&shares(&set, Access::Read(Read::Primary))), ["a"]);
    assert_eq!(names(&shares(&set, Access::OwnerFirst)), ["a"]);
}

#[test]
fn who_drains_is_asked_last_and_who_is_down_not_at_all() {
    let (set, _) = four();
    set.set_state("c", NodeState::Draining);
    set.set_state("d", NodeState::Draining);
    assert_eq!(names(&shares(&set, Access::Read(Read::Nearest))), ["a", "b"]);

    set.set_state("a", NodeState::Down);
    set.set_state("b", NodeState::Down);
    assert_eq!(names(&shares(&set, Access::Read(Read::Nearest))), ["c", "d"]);
    assert_eq!(names(&shares(&set, Access::OwnerFirst)), ["c", "d"]);
    assert!(answer(&set, Access::Write).is_err());
}

#[test]
fn a_read_goes_on_to_the_others_of_its_zone_before_it_leaves_that() {
    let (set, clients) = four();
    clients[2].fails_to_get_ready();
    assert_eq!(names(&shares(&set, Access::Read(Read::Nearest))), ["d"]);
    clients[3].is_not_ready();
    assert_eq!(names(&shares(&set, Access::Read(Read::Nearest))), ["a", "b"]);
}

#[test]
fn a_node_is_described_once_and_with_a_name() {
    let (set, _) = four();
    assert_eq!(set.clone().node(Node::new("a")).expect_err("it is there").field(), "node.name");
    assert_eq!(set.node(Node::new("")).expect_err("no name").field(), "node.name");
}
