//! Services from a stream of changes: looked at when a call comes, and followed beside the calls.

#![cfg(feature = "discover")]

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use futures_util::Stream;
use parking_lot::Mutex;
use seawall_shard::{Read, ReplicaSet, Sharded, sharded::Access};
use seawall_test::Task;
use tower::{Service, discover::Change};

use crate::sharded_support::{Client, map};

type Found = Result<Change<&'static str, Client>, &'static str>;

/// A stream that the test speaks through.
#[derive(Clone, Default)]
struct Endpoints(Arc<Mutex<Told>>, Arc<AtomicUsize>);

#[derive(Default)]
struct Told {
    changes: Vec<Option<Found>>,
    waker: Option<Waker>,
}

impl Endpoints {
    fn tell(&self, change: Option<Found>) {
        let waker = {
            let mut told = self.0.lock();
            told.changes.insert(0, change);
            told.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn insert(&self, name: &'static str) {
        self.tell(Some(Ok(Change::Insert(name, Client::new(name)))));
    }

    fn polls(&self) -> usize {
        self.1.load(Relaxed)
    }
}

impl Stream for Endpoints {
    type Item = Found;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Found>> {
        self.1.fetch_add(1, Relaxed);
        let mut told = self.0.lock();
        if let Some(change) = told.changes.pop() {
            return Poll::Ready(change);
        }
        told.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

type Calls = Sharded<Client, fn(&u64) -> u64>;

fn sharded() -> Calls {
    let key: fn(&u64) -> u64 = |&key| key;
    Sharded::new(map(["a", "b"], 1), key)
}

fn call(service: &mut Calls, key: u64) -> Option<String> {
    match Task::new().poll(pin!(service.call(key))) {
        Poll::Ready(answer) => answer.ok(),
        Poll::Pending => panic!("the call waits"),
    }
}

fn all_answer(service: &mut Calls) -> bool {
    (0..20).map(seawall_core::mix).all(|key| call(service, key).is_some())
}

#[test]
fn services_come_and_go_as_they_are_discovered() {
    let endpoints = Endpoints::default();
    let mut service = sharded().discover(endpoints.clone());
    endpoints.insert("a");
    endpoints.insert("b");
    assert!(all_answer(&mut service));

    endpoints.tell(Some(Ok(Change::Remove("a"))));

    assert!(!all_answer(&mut service));
    assert_eq!(service.services(), ["b"]);
}

#[test]
fn a_clone_takes_in_what_another_would_have() {
    let endpoints = Endpoints::default();
    let service = sharded().discover(endpoints.clone());
    endpoints.insert("a");
    endpoints.insert("b");
    assert!(all_answer(&mut service.clone()));
    assert!(all_answer(&mut service.clone()));
}

#[test]
fn a_call_looks_at_the_stream_only_when_there_is_news_and_allocates_nothing_without() {
    let endpoints = Endpoints::default();
    let mut service = sharded().discover(endpoints.clone());
    endpoints.insert("a");
    endpoints.insert("b");
    assert!(all_answer(&mut service));
    let polls = endpoints.polls();

    let (_, allocations) = seawall_test::allocations(|| drop(service.call(7)));

    assert!(all_answer(&mut service));
    assert_eq!((endpoints.polls(), allocations), (polls, 0));
    endpoints.insert("c");
    assert!(all_answer(&mut service));
    assert!(endpoints.polls() > polls);
}

/// An endless stream of news does not hold up the call that looks at it.
#[test]
fn more_news_than_a_call_takes_is_for_the_next_call() {
    let endpoints = Endpoints::default();
    let mut service = sharded().discover(endpoints.clone());
    for _ in 0..1_500 {
        endpoints.insert("a");
    }
    endpoints.insert("b");
    call(&mut service, 7);
    assert_eq!(service.services(), ["a"]);
    call(&mut service, 7);
    assert_eq!(service.services().len(), 2);
}

#[test]
fn an_error_or_the_end_of_the_discovery_takes_nobody_away() {
    for end in [Some(Err("no answer")), None] {
        let endpoints = Endpoints::default();
        let mut service = sharded().discover(endpoints.clone());
        endpoints.insert("a");
        endpoints.insert("b");
        endpoints.tell(end);
        endpoints.tell(Some(Ok(Change::Remove("a"))));
        assert!(all_answer(&mut service));
        let polls = endpoints.polls();
        endpoints.insert("c");
        assert!(all_answer(&mut service));
        assert_eq!(endpoints.polls(), polls); // it is over, and not asked again
    }
}

#[test]
fn a_follower_sees_changes_while_no_call_comes_and_says_how_the_stream_ended() {
    let service = sharded();
    let endpoints = Endpoints::default();
    let mut follow = pin!(service.follow(endpoints.clone()));
    let task = Task::new();
    assert!(task.poll(follow.as_mut()).is_pending());
    endpoints.insert("a");
    assert!(task.wakes() > 0 && task.poll(follow.as_mut()).is_pending());
    assert_eq!(service.services(), ["a"]);

    endpoints.tell(Some(Err("no answer")));

    assert_eq!(task.poll(follow.as_mut()), Poll::Ready(Err("no answer")));
    assert_eq!(service.services(), ["a"]);
}

#[test]
fn the_members_of_a_replica_set_are_discovered_too() {
    let endpoints = Endpoints::default();
    let mut set =
        ReplicaSet::new("users", |_: &()| Access::Read(Read::Any)).discover(endpoints.clone());
    endpoints.insert("a");
    assert!(matches!(Task::new().poll(pin!(set.call(()))), Poll::Ready(Ok(name)) if name == "a"));
}
