//! Reads that must be fresh, as calls: who answers, how long they wait, and what the primary gets.

use std::{task::Poll, time::Duration};

use seawall_core::{Bound, Clock, Error, Reason, Rejection, deadline};
use seawall_shard::{
    Node, NodeState, Read, ReplicaSet, ShardMap, Sharded,
    route::{Fresh, FreshReads, Token},
    sharded::Access,
};
use tokio::time::advance;
use tokio_test::task;
use tower::Service;

use super::MS;
use crate::sharded_support::{Client, Fleet, Request, order};

const NEEDS: Fresh = Fresh::after(Token::new(5));

/// The owner, and two replicas, the nearer one first: a read waits for 20 ms, and so many may have the primary after
/// that.
fn fleet(reserve: u32) -> (Fleet, [String; 3]) {
    fleet_of(|settings| settings.wait(20 * MS).reserve(reserve).primary_share(0.0))
}

fn fleet_of(set: impl Fn(FreshReads) -> FreshReads) -> (Fleet, [String; 3]) {
    let build = |zone: &str| {
        let settings = set(FreshReads::new().reserve(1));
        let nodes = ["a", "b", "c"].map(|name| Node::new(name).zone(name));
        let builder = ShardMap::builder("fresh").slot_bits(8).nodes(nodes).replicas(3);
        let builder = builder.zone(zone.to_owned()).fresh_reads(settings.clock(Clock::tokio()));
        builder.build().expect("sound settings")
    };
    let names: [String; 3] = order(&build("a"), 7);
    (Fleet::of(build(&names[1])), names)
}

const fn read(read: Read) -> Request {
    Request { key: 7, access: Access::Fresh(read, NEEDS) }
}

type Answer = Poll<Result<String, Error<&'static str>>>;

fn reason(answer: &Answer) -> Option<Reason> {
    let Poll::Ready(Err(error)) = answer else { return None };
    error.rejection().map(Rejection::reason)
}

fn is_of(answer: Answer, name: &str) -> bool {
    matches!(answer, Poll::Ready(Ok(of)) if of == name)
}

#[tokio::test(start_paused = true)]
async fn it_goes_to_a_replica_that_has_what_it_asks_for() {
    let (fleet, [_, _, third]) = fleet(0);
    fleet.shards.report_applied(&third, Token::new(5));
    for _ in 0..10 {
        assert_eq!(fleet.call(read(Read::Nearest)).unwrap_or_default(), third);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_woken_by_the_report_that_it_waits_for() {
    let (fleet, [_, second, _]) = fleet(1);
    let mut read = task::spawn(fleet.service.clone().call(read(Read::Nearest)));
    assert!(read.poll().is_pending());
    fleet.shards.report_applied(&second, Token::new(4));
    assert!(read.is_woken());
    assert!(read.poll().is_pending());

    fleet.shards.report_applied(&second, Token::new(5));

    assert!(read.is_woken());
    assert!(is_of(read.poll(), &second));
    assert_eq!(fleet.shards.snapshot().counters["waited"], 1);
}

/// It is no news: whoever waits has looked at it already.
#[tokio::test(start_paused = true)]
async fn a_report_that_is_known_wakes_nobody() {
    let (fleet, [_, second, _]) = fleet(1);
    fleet.shards.report_applied(&second, Token::new(4));
    let mut read = task::spawn(fleet.service.clone().call(read(Read::Nearest)));
    assert!(read.poll().is_pending());
    fleet.shards.report_applied(&second, Token::new(3));
    fleet.shards.report_applied(&second, Token::new(4));
    assert!(!read.is_woken());
}

#[tokio::test(start_paused = true)]
async fn after_the_wait_the_primary_answers_until_its_budget_is_spent() {
    let (fleet, [owner, ..]) = fleet(1);
    let mut reads = [(); 2].map(|()| task::spawn(fleet.service.clone().call(read(Read::Nearest))));
    assert!(reads.iter_mut().all(|read| read.poll().is_pending()));
    advance(19 * MS).await;
    assert!(reads.iter_mut().all(|read| read.poll().is_pending()));
    advance(2 * MS).await;

    let [first, second] = reads.each_mut().map(|read| (read.is_woken(), read.poll()));

    assert!(first.0 && is_of(first.1, &owner));
    assert_eq!(reason(&second.1), Some(Reason::Overloaded));
    assert_eq!(fleet.client(&owner).calls(), 1);
}

/// Each read half of one, also where it was refused by the first node and made again at the next.
#[tokio::test(start_paused = true)]
async fn each_read_pays_its_share_once() {
    let (fleet, [owner, second, third]) =
        fleet_of(|settings| settings.wait(Duration::ZERO).primary_share(0.5));
    let refused = || fleet.refused(read(Read::Nearest));
    assert_eq!(fleet.call(read(Read::Nearest)).unwrap_or_default(), owner); // the reserve
    assert_eq!(refused(), Reason::Overloaded);
    assert_eq!(fleet.call(read(Read::Nearest)).unwrap_or_default(), owner);

    fleet.shards.report_applied(&second, Token::new(5));
    fleet.shards.report_applied(&third, Token::new(5));
    let near = second.clone();
    let mut service = Sharded::new(fleet.shards.clone(), |request: &Request| request.key)
        .access(|request: &Request| request.access)
        .fail_over(|&request: &Request| Some(request), |_: &&str| true);
    for name in [&second, &third] {
        let refuses = *name == near;
        service.insert(
            name.clone(),
            tower::service_fn(move |_: Request| {
                std::future::ready(if refuses { Err("refused") } else { Ok(()) })
            }),
        );
    }
    assert!(task::spawn(service.call(read(Read::Nearest))).poll().is_ready());
    assert_eq!(service.snapshot().counters["failed_over"], 1);
    let left = fleet.shards.snapshot().gauges["primary_budget"];
    assert!((left - 0.5).abs() < 0.01, "{left}");
}

#[tokio::test(start_paused = true)]
async fn who_prefers_the_primary_pays_for_nothing() {
    let (fleet, [owner, ..]) = fleet(0);
    for _ in 0..3 {
        assert_eq!(fleet.call(read(Read::Primary)).unwrap_or_default(), owner);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_replica_without_a_service_or_whose_readiness_fails_is_passed_over() {
    let (fleet, [_, second, third]) = fleet(0);
    fleet.shards.report_applied(&second, Token::new(5));
    fleet.shards.report_applied(&third, Token::new(6));
    fleet.service.remove(&second);
    assert_eq!(fleet.call(read(Read::Nearest)).unwrap_or_default(), third);

    fleet.service.insert(second.clone(), fleet.client(&second).clone());
    fleet.client(&third).fails_to_get_ready();
    assert_eq!(fleet.call(read(Read::Nearest)).unwrap_or_default(), second);

    fleet.client(&second).fails_to_get_ready();
    assert_eq!(fleet.call(read(Read::Nearest)), Err("not connected"));
}

/// The one that is fresh is not ready, and the primary's budget is spent: it waits for the one.
#[tokio::test(start_paused = true)]
async fn it_waits_for_a_fresh_one_that_is_not_ready_where_the_primary_is_not_to_be_had() {
    let (fleet, [_, second, _]) = fleet(0);
    fleet.shards.report_applied(&second, Token::new(5));
    fleet.client(&second).is_not_ready();
    let mut read = task::spawn(fleet.service.clone().call(read(Read::Nearest)));
    assert!(read.poll().is_pending());

    fleet.client(&second).is_ready();

    assert!(read.is_woken());
    assert!(is_of(read.poll(), &second));
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_half_of_what_its_deadline_leaves() {
    let (fleet, [owner, ..]) = fleet(1);
    let call = fleet.service.clone().call(read(Read::Nearest));
    let mut read = task::spawn(deadline::scope(10 * MS, call));
    assert!(read.poll().is_pending());
    advance(Duration::from_micros(6_500)).await;
    assert!(is_of(read.poll(), &owner));
}

#[tokio::test(start_paused = true)]
async fn where_the_primary_is_down_it_is_refused() {
    let (fleet, [owner, ..]) = fleet(1);
    fleet.set_state(&owner, NodeState::Down);
    let mut read = task::spawn(fleet.service.clone().call(read(Read::Nearest)));
    assert!(read.poll().is_pending());
    advance(21 * MS).await;
    let answer = read.poll();
    assert_eq!(reason(&answer), Some(Reason::NoShard));
    let Poll::Ready(Err(error)) = answer else { panic!("it is refused") };
    assert_ne!(error.rejection().and_then(Rejection::bound), Some(Bound::Share));
}

#[tokio::test(start_paused = true)]
async fn of_equals_the_primary_is_fresh() {
    let set = ReplicaSet::new("users", |&access: &Access| access).primary("b");
    ["a", "b", "c"].map(Client::new).iter().for_each(|each| set.insert(each.name, each.clone()));
    for _ in 0..10 {
        let mut read = task::spawn(set.clone().call(Access::Fresh(Read::Any, NEEDS)));
        assert!(is_of(read.poll(), "b"));
    }
}
